// Bulk runs as people read them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "millrace/v1/exception_service.pb.h"
#include "millrace/v1/job_service.pb.h"
#include "tools/millrace/session.h"

namespace millrace::cli {

/// What is known of a bulk run.
struct BulkRun {
  v1::Job job;
  v1::JobStatistics statistics;
  /// The jobs of its records, oldest first.
  std::vector<v1::Job> children;
  /// There are more children than these.
  bool is_cut = false;
  /// Every exception of it, settled ones too: they tell which record was run again as which.
  std::vector<v1::RecordException> exceptions;
  /// Why a child that has not ended gets no further, by its id.
  std::map<std::string, v1::ExplainReason> held;
};

/// The exceptions that are unresolved and of whose record no job is shown: most often the job was refused.
std::vector<v1::RecordException> WithoutJob(const BulkRun& bulk);

/// A bulk run, the jobs of its records, a line each, and the records that have none. A record that was run again under a
/// place of its own is named by its first place, and counts on: `1-0 (2)`.
std::string RenderBulkRun(const BulkRun& bulk, const Session& session);

}  // namespace millrace::cli
