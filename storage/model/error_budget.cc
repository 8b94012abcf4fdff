#include "storage/model/error_budget.h"

#include "absl/strings/str_cat.h"

namespace millrace::model {

std::string WhyJobFails(const Job& job, const Chunk& chunk, const ChunkOutcome& outcome) {
  const JobOptions& options = job.options;
  if (options.stop_on_error && !outcome.failures.empty()) {
    const RecordFailure& first = outcome.failures.front();
    return absl::StrCat("stop_on_error: record ", first.index, " of chunk ", chunk.sequence, " ('", chunk.id,
                        "') failed with ", first.code);
  }
  const int64_t failed = job.counters.records_failed;
  const int64_t through = failed + job.counters.records_completed;
  if (failed == 0 || through < options.min_records_for_ratio) return "";
  // Divided, not multiplied: 29 of 100 is then exactly the 0.29 that a caller writes.
  const double ratio = static_cast<double>(failed) / static_cast<double>(through);
  if (ratio <= options.max_failed_ratio) return "";
  return absl::StrCat("error budget spent: ", failed, " of ", through, " records failed, a share of ", ratio,
                      ", and max_failed_ratio is ", options.max_failed_ratio);
}

}  // namespace millrace::model
