// The jobs that the records of a bulk run are, as who runs them sees them. server/handlers submits them.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "absl/status/statusor.h"
#include "storage/model/job.h"

namespace millrace::core {

/// A record that is to run as a job.
struct ChildRecord {
  const model::Job& bulk;
  /// Which record of it, and which attempt.
  model::ParentRecord place;
  /// The record as it was pushed: see millrace.v1.ChildJob.
  std::string_view json;
  /// Of its chunk; empty: none.
  std::string_view chunk_parameters_json;
};

struct Child {
  model::JobPtr job;
  /// How many jobs may be tried for the record.
  int32_t attempts_max = 1;
};

/// Submits the job of a record; the same one, however often it is asked for it. Errors as those of SubmitJob; FIELD_INVALID
/// where the record is no ChildJob. Thread-safe. May wait for databases.
using SubmitChild = std::function<absl::StatusOr<Child>(const ChildRecord& record)>;

}  // namespace millrace::core
