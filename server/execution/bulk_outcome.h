// What became of a chunk of a bulk run, by what became of the jobs that its records are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "storage/model/chunk.h"
#include "storage/model/job.h"

namespace millrace::execution {

/// How a child job that has ended counts.
struct ChildVerdict {
  bool succeeded = false;
  /// Another job may be tried for the record: somebody who cancelled this one does not want that.
  bool may_try_again = false;
  /// Where it did not succeed: a code of core::record_code, and a sentence with the id of the job and numbers.
  std::string code;
  std::string message;
};

/// REQUIRES: the state of the job is final.
ChildVerdict JudgeChild(const model::Job& child);

/// The outcome of one chunk. Records are added in their order.
class BulkOutcome {
 public:
  /// Of the outputs of the built-in service, `selected` are made; all where it is empty.
  explicit BulkOutcome(std::vector<std::string> selected) : selected_(std::move(selected)) {}

  /// The record ran as this job, which has ended and is the last of `attempts`.
  void AddChild(std::string_view record, const model::Job& child, int32_t attempts);
  /// The job of the record was refused.
  void AddRefused(std::string_view record, const absl::Status& why, int32_t attempts);
  /// The bulk run was cancelled before the record had its turn.
  void AddCancelled(std::string_view record);

  model::ChunkOutcome Finish(const model::SummarySpec& summary) &&;

 private:
  void AddFailure(std::string_view record, std::string code, std::string_view message, int32_t attempts);
  void Count(bool succeeded, int64_t nanos, int32_t attempts);

  const std::vector<std::string> selected_;
  model::ChunkOutcome outcome_;
};

}  // namespace millrace::execution
