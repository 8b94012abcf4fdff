#include "server/core/expected_records.h"

#include <algorithm>

#include "server/core/explain.h"
#include "storage/model/job_rules.h"

namespace millrace::core {

int64_t EstimatedRecordsOf(const model::Job& job) {
  if (job.source.estimated_records > 0) return job.source.estimated_records;
  const int64_t offset = job.source_position.offset;
  if (job.source.kind != model::SourceKind::kFile || offset == 0) return 0;
  const double records = static_cast<double>(job.counters.records_submitted) *
                         static_cast<double>(job.source.size_bytes) / static_cast<double>(offset);
  const auto estimated = static_cast<int64_t>(records);
  return job.source.sample.first > 0 ? std::min(estimated, job.source.sample.first) : estimated;
}

std::optional<ExpectedRecords> ExpectedRecordsOf(const model::Job& job) {
  const int64_t submitted = job.counters.records_submitted;
  if (!model::TakesInput(job)) return ExpectedRecords{.total = submitted, .is_exact = true};
  if (const std::optional<int64_t> total = model::TotalRecords(job)) {
    return ExpectedRecords{.total = std::max(*total, submitted), .is_exact = true};
  }
  const int64_t estimated = model::HasSource(job) ? EstimatedRecordsOf(job) : 0;
  if (estimated <= 0) return std::nullopt;
  return ExpectedRecords{.total = std::max(estimated, submitted), .is_exact = false};
}

RemainingWork RemainingWorkOf(const model::Job& job) {
  RemainingWork work{.records = 0, .chunks = model::ChunksPending(job)};
  work.records = RecordsIn(job, work.chunks);
  const int64_t submitted = job.counters.records_submitted;
  const std::optional<ExpectedRecords> expected = ExpectedRecordsOf(job);
  if (!expected.has_value() || submitted == 0) return work;
  const int64_t to_come = expected->total - submitted;
  work.records += to_come;
  work.chunks += static_cast<int64_t>(static_cast<double>(to_come) * static_cast<double>(job.last_sequence) /
                                      static_cast<double>(submitted));
  return work;
}

}  // namespace millrace::core
