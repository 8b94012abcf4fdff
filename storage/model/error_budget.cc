#include "storage/model/error_budget.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace millrace::model {

int64_t HeldIn(const ChunkOutcome& outcome) { return std::ranges::count(outcome.failures, true, &RecordFailure::held); }

std::string WhyJobFails(const Job& job, const Chunk& chunk, const ChunkOutcome& outcome) {
  // What is run again failed before: the budget was judged then.
  if (!chunk.replaces.empty()) return "";
  const JobOptions& options = job.options;
  if (options.stop_on_error) {
    const auto first = std::ranges::find(outcome.failures, false, &RecordFailure::held);
    if (first != outcome.failures.end()) {
      return absl::StrCat("stop_on_error: record ", first->index, " of chunk ", chunk.sequence, " ('", chunk.id,
                          "') failed with ", first->code);
    }
  }
  const int64_t failed = job.counters.records_failed - job.counters.records_held;
  const int64_t through = job.counters.records_failed + job.counters.records_completed;
  if (failed == 0 || through < options.min_records_for_ratio) return "";
  // Divided, not multiplied: 29 of 100 is then exactly the 0.29 that a caller writes.
  const double ratio = static_cast<double>(failed) / static_cast<double>(through);
  if (ratio <= options.max_failed_ratio) return "";
  return absl::StrCat("error budget spent: ", failed, " of ", through, " records failed, a share of ", ratio,
                      ", and max_failed_ratio is ", options.max_failed_ratio);
}

}  // namespace millrace::model
