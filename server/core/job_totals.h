// Sums over jobs, by tenant: what metrics show. Kept up to date with each change of a job, so that reading them costs
// O(tenants), however many jobs there are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "storage/model/clock.h"
#include "storage/model/histogram.h"
#include "storage/store/job_store.h"

namespace millrace::core {

/// The jobs of one tenant.
struct TenantTotals {
  std::string tenant;

  // Since the server started; each only grows.

  int64_t records_submitted = 0;
  int64_t records_completed = 0;
  int64_t records_failed = 0;
  /// Their service asks a person. Not among the failed ones.
  int64_t records_held = 0;
  /// Never run, because their job was cancelled or failed. What was running when a job was cancelled counts here, and
  /// again when it is committed after all.
  int64_t records_skipped = 0;
  int64_t records_retried = 0;
  int64_t chunks_submitted = 0;
  /// Committed with at least one good record.
  int64_t chunks_completed = 0;
  /// Committed, and every record failed.
  int64_t chunks_failed = 0;
  int64_t chunks_skipped = 0;
  int64_t chunks_retried = 0;
  /// Jobs that came to an end, by their state.
  std::map<model::JobState, int64_t> jobs_ended;
  /// How long chunks waited for their start, in seconds.
  model::HistogramCounts chunk_waits;

  // Now, of jobs that have not ended.

  std::map<model::JobState, int64_t> jobs;
  int64_t chunks_pending = 0;
  int64_t records_pending = 0;
  int64_t input_buffer_bytes = 0;
  int64_t output_buffer_bytes = 0;
  /// What the options of these jobs allow: JobOptions::input_buffer_bytes and output_buffer_bytes.
  int64_t input_buffer_allocated_bytes = 0;
  int64_t output_buffer_allocated_bytes = 0;
  /// How long the chunk that waits longest has been waiting. Right to the push for the newest kMarksMax pushes of a job,
  /// and never less than the truth. Chunks that were pushed before the server started count from its start.
  absl::Duration oldest_wait = absl::ZeroDuration();
};

/// Thread-safe.
class JobTotals final : public store::JobObserver {
 public:
  /// Tenants beyond these are summed up under the name `other`.
  static constexpr size_t kTenantsMax = 50;
  /// Ended jobs that are still known, for what is committed after a cancel.
  static constexpr size_t kEndedKept = 256;
  /// Times of pushes that are remembered for each job.
  static constexpr size_t kMarksMax = 32;

  /// `clock` must outlive it.
  explicit JobTotals(const model::Clock* clock) : clock_(clock) {}

  /// Also takes the unfinished jobs that a server finds when it starts; what they did before is not counted.
  void OnJobChanged(const model::JobPtr& job) override;

  /// A worker begins the first attempt of a chunk that was pushed at `push_time`, by the wall clock: what was pushed before a
  /// restart has waited since then. Counts no time where that clock was set back meanwhile.
  void OnChunkStarted(const model::Job& job, absl::Time push_time);

  /// By tenant.
  std::vector<TenantTotals> Read() const;

 private:
  /// By the steady time of the push: chunks up to `sequence` were pushed then or later.
  struct Mark {
    int64_t sequence = 0;
    int64_t nanos = 0;
  };
  using Waiting = std::set<std::pair<int64_t, model::JobKey>>;
  struct Tenant {
    TenantTotals totals;
    /// Jobs with a chunk that waits, by the time of its push.
    Waiting waiting;
    std::unique_ptr<model::Histogram> chunk_waits;
  };
  struct Entry {
    model::JobPtr job;
    Tenant* tenant = nullptr;
    /// A vector, because ten thousand idle jobs must cost nothing here.
    std::vector<Mark> marks;
    /// Its place in `waiting`; 0: it has none.
    int64_t waits_since = 0;
  };

  Tenant& FindTenant(const std::string& name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void UpdateMarks(Entry& entry, int64_t pushed_before) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetOldest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const model::Clock* const clock_;
  mutable absl::Mutex mutex_;
  std::map<std::string, Tenant> tenants_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<model::JobKey, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  std::deque<model::JobKey> ended_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace millrace::core
