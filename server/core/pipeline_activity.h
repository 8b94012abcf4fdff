// When each open pipeline was last used, and which of them nobody has used for as long as its idle timeout.
//
// Kept in memory alone: a pull writes no row. After a restart the idle time of each pipeline starts anew. Time is measured
// on the steady clock, so a wall clock that jumps closes nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "storage/model/clock.h"
#include "storage/store/job_store.h"

namespace millrace::core {

/// Thread-safe. Costs a look into a hash table for each use, and nothing for a pipeline that is not used.
class PipelineActivity final : public store::JobObserver {
 public:
  /// `clock` must outlive the object.
  explicit PipelineActivity(const model::Clock* clock) : clock_(clock) {}

  /// Every change of a job is a use of it: create, push, commit, acknowledge. A job that takes no more input, or has no
  /// idle timeout, is forgotten.
  void OnJobChanged(const model::JobPtr& job) override;

  /// A client calls: it pulls, acknowledges, or pushes, whether that changes the job or not. A call that waits (a long
  /// poll) does so for at most `wait`, and the pipeline is in use until then. Pipelines that are not known are left
  /// alone.
  void OnUse(const model::JobKey& job, absl::Duration wait = absl::ZeroDuration());

  /// A client begins to wait for results without a bound, as a stream does: the pipeline is in use until EndWait, which
  /// is called once for each BeginWait that returned true. False for a pipeline that is not known.
  [[nodiscard]] bool BeginWait(const model::JobKey& job);
  void EndWait(const model::JobKey& job);

  /// At most `limit` pipelines that were not used for their idle timeout, longest first. They are named again
  /// kNamedAgainAfter later unless they are used or closed by then.
  std::vector<model::JobKey> TakeUnused(size_t limit);

  /// Pipelines that are watched.
  size_t size() const;

  /// Moments that are noted: at most two for each pipeline that is watched, and kLooksMin.
  size_t looks() const;
  static constexpr size_t kLooksMin = 1'000;

  static constexpr absl::Duration kNamedAgainAfter = absl::Seconds(1);

 private:
  struct Use {
    int64_t timeout_nanos = 0;
    /// The end of the last use.
    int64_t last_nanos = 0;
    /// Clients that wait now.
    int64_t waiting = 0;
  };
  /// Lets go of the moments of pipelines that are gone, when they are many.
  void ForgetGone() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  /// When to look at a pipeline; it may have been used since this was noted. One for each entry of `uses_`, and some of
  /// pipelines that are gone.
  using Look = std::pair<int64_t, model::JobKey>;

  const model::Clock* const clock_;
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<model::JobKey, Use> uses_ ABSL_GUARDED_BY(mutex_);
  std::priority_queue<Look, std::vector<Look>, std::greater<>> looks_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace millrace::core
