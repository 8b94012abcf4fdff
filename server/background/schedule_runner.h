// Fires schedules: makes their runs, submits the jobs of these, and sees them end.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/core/schedule_counts.h"
#include "storage/model/clock.h"
#include "storage/model/job.h"
#include "storage/model/schedule.h"
#include "storage/model/schedule_rules.h"
#include "storage/store/schedule_store.h"

namespace millrace::background {

/// What one run of the work did.
struct SchedulesRun {
  /// Schedules that were looked at.
  int64_t looked_at = 0;
  int64_t submitted = 0;
  int64_t refused = 0;
  /// Schedules that could not be brought on because the store failed; the next run tries again.
  int64_t failed = 0;
};

/// RunOnce is for one thread, without a thread of its own: see Ticker. As observer it hears from any thread.
///
/// Everything it must not forget is in the store. In memory it has what tells which schedules need a look: the time at
/// which each fires next, and the jobs of those that run.
class ScheduleRunner final : public store::ScheduleObserver {
 public:
  /// Submits the job of a run; the same one, however often it is asked for it.
  using Submit =
      absl::AnyInvocable<absl::StatusOr<model::JobPtr>(const model::Schedule& schedule, const model::ScheduleRun& run)>;

  /// What is not moved must outlive the object, which is to be made the observer of the schedules of `store` before anybody
  /// uses them. Keeps `counts`.
  ScheduleRunner(store::JobStore& store, const model::Clock& clock, Submit submit, core::ScheduleCounts& counts);

  /// Takes in all schedules that there are: once, before the first RunOnce.
  absl::Status Load();

  /// Brings on every schedule that is due, was changed, or whose job has ended. Waits for the store.
  SchedulesRun RunOnce();

  void OnScheduleChanged(const model::ScheduleKey& schedule) override;

 private:
  /// What is known of a schedule since it was looked at last.
  struct Watched {
    /// InfinitePast: it does not fire.
    absl::Time next_fire_time = absl::InfinitePast();
    /// The job of the run that is not over. Empty: none.
    std::string job_id;
    /// What failed, a submission or telling the next time, is repeated then; kNever: nothing did.
    int64_t retry_nanos = model::Clock::kNever;
    absl::Duration backoff = absl::ZeroDuration();
    bool paused = false;
    /// What was counted of it already.
    model::ScheduleCounters counted;
  };

  std::vector<model::ScheduleKey> TakeDue();
  bool NeedsLook(const model::ScheduleKey& key, const Watched& watched, absl::Time now) const;

  bool IsPutOff(const Watched& watched) const;
  /// Twice as long after each further failure in a row.
  void PutOff(Watched& watched) const;

  /// Brings one schedule on as far as it comes.
  absl::Status Advance(const model::ScheduleKey& key, SchedulesRun& run);
  /// One step; false: there is nothing to do but to wait. `schedule` is what the step made of it.
  absl::StatusOr<bool> Step(model::Schedule& schedule, Watched& watched, SchedulesRun& run);
  absl::StatusOr<bool> SubmitJob(model::Schedule& schedule, const model::ScheduleRun& run, Watched& watched,
                                 SchedulesRun& done);
  absl::StatusOr<bool> Change(model::Schedule& schedule, store::ScheduleStore::Rule rule);
  /// Counts what the runs of a schedule came to since it was looked at last.
  void CountRuns(const model::ScheduleCounters& counters, Watched& watched);
  void CountSchedules();

  store::JobStore& store_;
  const model::Clock& clock_;
  Submit submit_;
  core::ScheduleCounts& counts_;

  /// RunOnce's own.
  std::map<model::ScheduleKey, Watched> watched_;

  absl::Mutex mutex_;
  std::set<model::ScheduleKey> changed_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace millrace::background
