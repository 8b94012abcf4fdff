#include "storage/model/chunk_sizing.h"

#include <algorithm>

#include "storage/model/built_in.h"
#include "storage/model/job_rules.h"
#include "storage/model/limits.h"

namespace millrace::model {
namespace {

// Two neighbours that were cut for their bytes hold more than kSizedChunkBytesMax together, so that a message makes at
// most this many cuts of that kind.
constexpr int64_t kCutsForBytesMax = 2 * kMessageBytesMax / kSizedChunkBytesMax + 1;
static_assert(kCutsForBytesMax < kChunksPerPushMax);

int64_t RecordsInTargetTime(const Job& job) {
  const int64_t ran = RecordsInResults(job);
  if (ran <= 0 || job.counters.compute_nanos <= 0) return kChunkRecordsDefault;
  const double nanos_per_record = static_cast<double>(job.counters.compute_nanos) / static_cast<double>(ran);
  const double fit = absl::ToDoubleNanoseconds(job.options.target_chunk_time) / nanos_per_record;
  return static_cast<int64_t>(std::clamp(fit, 1.0, double{kChunkRecordsMax}));
}

}  // namespace

int64_t RecordsPerChunk(const Job& job, int64_t records) {
  // Each is a job: they run side by side, and each outcome is committed when it is there.
  if (IsBulkRun(job)) return 1;
  constexpr int64_t kCutsForCount = kChunksPerPushMax - kCutsForBytesMax;
  return std::max(RecordsInTargetTime(job), (records + kCutsForCount - 1) / kCutsForCount);
}

}  // namespace millrace::model
