// How fast the records of each job went through lately.
//
// Kept in memory alone: after a restart, and for a job that has ended, there is nothing to tell. Time is measured on the
// steady clock.
#pragma once

#include <cstdint>
#include <deque>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "storage/model/clock.h"
#include "storage/store/job_store.h"

namespace millrace::core {

/// Thread-safe. Hears of job changes from the store, and of all unfinished jobs once at start. Costs about 500 bytes for
/// each job that has not ended.
class JobRates final : public store::JobObserver {
 public:
  /// `clock` must outlive the object.
  explicit JobRates(const model::Clock* clock) : clock_(clock) {}

  void OnJobChanged(const model::JobPtr& job) override;

  /// Records that ran in the last `over` until now, those that ran again too.
  struct Rate {
    int64_t records = 0;
    /// kWindow, or less where the job is known for less. Zero: nothing is known of it.
    absl::Duration over = absl::ZeroDuration();

    double per_second() const {
      return over > absl::ZeroDuration() ? static_cast<double>(records) / absl::ToDoubleSeconds(over) : 0;
    }
  };
  /// Exact but for the records of kStep at the beginning of the window.
  Rate Find(const model::JobKey& job) const;

  static constexpr absl::Duration kWindow = absl::Seconds(100);
  static constexpr absl::Duration kStep = absl::Seconds(5);

 private:
  /// A moment at which records came through, and how many were through before it.
  struct Point {
    int64_t nanos = 0;
    int64_t records = 0;
  };
  struct Entry {
    int64_t since_nanos = 0;
    /// Ascending, kStep apart or more; never empty.
    std::deque<Point> points;
    int64_t records = 0;
  };

  const model::Clock* const clock_;
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<model::JobKey, Entry> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace millrace::core
