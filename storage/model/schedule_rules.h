// Every change of a schedule, as pure functions: what is due, what waits, what is skipped. The store reads a schedule,
// applies one of them, and writes what it left, in one unit of work.
//
// A run is in the schedule before its job is submitted. Whoever finds it there after a crash submits it again under the
// same request id (RunRequestId), and gets the same job: no fire time is lost, and none has two jobs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/model/job.h"
#include "storage/model/schedule.h"

namespace millrace::model {

/// A schedule in the hands of a rule.
struct ScheduleChange {
  Schedule schedule;
  /// Runs that came to their end, oldest first: rows of their own from then on.
  std::vector<ScheduleRun> ended;
};

/// Names a run of a schedule that was not deleted and created again meanwhile.
struct RunName {
  std::string uid;
  int64_t number = 0;
};

/// Under which the job of a run is submitted. Holds a character that no caller may use in a request id.
std::string RunRequestId(const RunName& run);
/// Whether a request id is that of a run.
bool IsRunRequestId(std::string_view request_id);

/// When a schedule that starts anew at `now` (created, resumed, given other times) fires next: see
/// Schedule::next_fire_time. Fails as FireTimes::Of does.
absl::StatusOr<absl::Time> FirstFireTime(const Schedule& schedule, absl::Time now);

/// Makes a run of each fire time up to `now`, as the policies for overlaps and for missed times demand. A time is
/// missed when it lies more than kScheduleLateMax back. False: none was due. No time ever has a second run, wherever
/// the clock jumps. Fails as FireTimes::Of does: what is due then waits until its times can be read.
absl::StatusOr<bool> ApplyFire(ScheduleChange& change, absl::Time now);

/// A run by hand, also of a paused schedule: it obeys the policy for overlaps, and shifts no fire time but that of an
/// interval which comes while it is not over. Returns its number: that of the run which the same request id, if any,
/// made before.
int64_t ApplyTrigger(ScheduleChange& change, std::string_view request_id, std::string_view by, absl::Time now);

/// The run whose job is to be submitted next; null: none.
const ScheduleRun* RunToSubmit(const Schedule& schedule);
/// The run whose job is not known to have ended; null: none.
const ScheduleRun* RunningRun(const Schedule& schedule);
/// Whether its job is to be cancelled for the run that waits behind it.
bool MustCancel(const Schedule& schedule);

// What became of the first open run. False, and nothing changes, where that is not (any more) the run named.

bool ApplySubmitted(ScheduleChange& change, const RunName& run, const Job& job);
/// For good.
bool ApplyRefused(ScheduleChange& change, const RunName& run, const absl::Status& why, absl::Time now);
/// It is tried again.
bool ApplyDelayed(ScheduleChange& change, const RunName& run, const absl::Status& why);
/// `job` is in a final state; null: it was deleted.
bool ApplyEnded(ScheduleChange& change, const RunName& run, const JobPtr& job, absl::Time now);

/// Whether a job that could not be submitted for this may be later, by the same call.
bool MayPass(const absl::Status& status);

/// False: it is paused already. Runs that are not over go on; fire times that come meanwhile have no run.
bool ApplyPause(ScheduleChange& change, std::string_view reason, absl::Time now);
/// False: it is not paused. Fails as FireTimes::Of does.
absl::StatusOr<bool> ApplyResume(ScheduleChange& change, absl::Time now);
/// False: it is the same. With another recurrence it starts anew; fails as FireTimes::Of does of that one.
absl::StatusOr<bool> ApplyRedefine(ScheduleChange& change, ScheduleDefinition definition, absl::Time now);

}  // namespace millrace::model
