#include "storage/model/schedule_rules.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/model/job_rules.h"
#include "storage/model/limits.h"
#include "storage/model/recurrence.h"

namespace millrace::model {
namespace {

constexpr absl::Time kNever = absl::InfinitePast();
constexpr char kRunPrefix[] = "schedule/";

bool IsInterval(const Schedule& schedule) { return schedule.definition.recurrence.kind == RecurrenceKind::kInterval; }

/// Of an interval, behind the last run. A clock that was set back must not put it off by as much.
absl::Time BehindLastRun(const Schedule& schedule, absl::Time now) {
  return NextOfInterval(schedule.definition.recurrence, std::min(schedule.last_ended.end_time, now), now);
}

/// An interval counts from the end of the last run: the next time is known then and not before.
void AwaitInterval(Schedule& schedule, absl::Time now) {
  if (!IsInterval(schedule) || schedule.paused || !schedule.open.empty()) return;
  if (schedule.next_fire_time == kNever) schedule.next_fire_time = BehindLastRun(schedule, now);
}

void End(ScheduleChange& change, ScheduleRun run, RunState state, absl::Time end_time) {
  Schedule& schedule = change.schedule;
  run.state = state;
  run.end_time = end_time;
  ScheduleCounters& counters = schedule.counters;
  if (state == RunState::kCompleted) ++counters.completed;
  if (state == RunState::kSkipped) ++counters.skipped;
  if (state == RunState::kRefused) ++counters.refused;
  schedule.last_ended = run;
  change.ended.push_back(std::move(run));
}

void Skip(ScheduleChange& change, ScheduleRun run, std::string why, absl::Time now) {
  run.message = std::move(why);
  End(change, std::move(run), RunState::kSkipped, now);
}

ScheduleRun NewRun(Schedule& schedule, absl::Time scheduled_time, int64_t missed) {
  schedule.counters.missed += missed;
  return {.number = ++schedule.last_run, .scheduled_time = scheduled_time, .missed = missed};
}

/// Puts a run behind those that are not over, or skips it.
void Enqueue(ScheduleChange& change, ScheduleRun run, absl::Time now) {
  std::vector<ScheduleRun>& open = change.schedule.open;
  const OverlapPolicy overlap = change.schedule.definition.overlap;
  if (!open.empty() && overlap == OverlapPolicy::kSkip) {
    return Skip(change, std::move(run), absl::StrCat("run ", open.front().number, " is not over"), now);
  }
  if (open.size() > 1 && overlap == OverlapPolicy::kQueue) {
    return Skip(change, std::move(run), absl::StrCat("run ", open.back().number, " waits already"), now);
  }
  // The first one is never given up like this: its job may be on its way into the store.
  while (open.size() > 1 && overlap == OverlapPolicy::kCancelRunning) {
    ScheduleRun waiting = std::move(open.back());
    open.pop_back();
    Skip(change, std::move(waiting), absl::StrCat("run ", run.number, " took its place"), now);
  }
  open.push_back(std::move(run));
}

/// How many fire times lie in [first, before), counted up to kScheduleMissedMax.
int64_t CountFireTimes(const FireTimes& fire_times, absl::Time first, absl::Time before) {
  int64_t count = 0;
  for (absl::Time at = first; at != kNever && at < before && count < kScheduleMissedMax; ++count) {
    at = fire_times.Next(at);
  }
  return count;
}

/// The last fire time from `first` on and up to `until`.
absl::Time LastFireTime(const FireTimes& fire_times, absl::Time first, absl::Time until) {
  const absl::Time last = fire_times.Last(first - absl::Nanoseconds(1), until);
  // The rules of the zone have changed since: what was to come at `first` comes then all the same. So does the one time of an
  // interval.
  return last == kNever ? first : last;
}

/// The newest fire times up to `until`, oldest first; `first` is one of those that there are.
std::vector<absl::Time> NewestFireTimes(const FireTimes& fire_times, absl::Time first, absl::Time until) {
  std::vector<absl::Time> times;
  absl::Time at = LastFireTime(fire_times, first, until);
  times.push_back(at);
  while (at > first && times.size() < static_cast<size_t>(kScheduleCatchUpMax)) {
    at = LastFireTime(fire_times, first, at - absl::Nanoseconds(1));
    times.push_back(at);
  }
  std::reverse(times.begin(), times.end());
  return times;
}

/// The schedule moves on behind `time`, which has a run now.
void MoveOn(Schedule& schedule, const FireTimes& fire_times, absl::Time time) {
  schedule.last_fire_time = time;
  schedule.next_fire_time = fire_times.Next(time);
}

/// Fire times from `next_fire_time` on were missed. Leaves the next one that was not.
void CatchUp(ScheduleChange& change, const FireTimes& fire_times, absl::Time now) {
  Schedule& schedule = change.schedule;
  const absl::Time first = schedule.next_fire_time;
  switch (schedule.definition.catch_up) {
    case CatchUpPolicy::kNone: {
      const absl::Time last = LastFireTime(fire_times, first, now - kScheduleLateMax);
      ScheduleRun run = NewRun(schedule, last, CountFireTimes(fire_times, first, last));
      // The run itself stands for one more.
      ++schedule.counters.missed;
      MoveOn(schedule, fire_times, last);
      Skip(change, std::move(run), "the server was not there at this time", now);
      return;
    }
    case CatchUpPolicy::kAll:
      if (!IsInterval(schedule)) {
        const std::vector<absl::Time> times = NewestFireTimes(fire_times, first, now);
        int64_t left_out = CountFireTimes(fire_times, first, times.front());
        for (const absl::Time time : times) {
          schedule.open.push_back(NewRun(schedule, time, std::exchange(left_out, 0)));
          MoveOn(schedule, fire_times, time);
        }
        return;
      }
      [[fallthrough]];
    case CatchUpPolicy::kLatest: {
      const absl::Time last = LastFireTime(fire_times, first, now);
      ScheduleRun run = NewRun(schedule, last, CountFireTimes(fire_times, first, last));
      MoveOn(schedule, fire_times, last);
      Enqueue(change, std::move(run), now);
      return;
    }
  }
}

/// The first open run, where it is the one named.
ScheduleRun* FirstOpen(Schedule& schedule, const RunName& run) {
  const bool same = schedule.uid == run.uid && !schedule.open.empty() && schedule.open.front().number == run.number;
  return same ? &schedule.open.front() : nullptr;
}

/// The first open run is over.
void EndFirst(ScheduleChange& change, RunState state, absl::Time end_time, absl::Time now) {
  Schedule& schedule = change.schedule;
  ScheduleRun run = std::move(schedule.open.front());
  schedule.open.erase(schedule.open.begin());
  End(change, std::move(run), state, end_time);
  AwaitInterval(schedule, now);
}

bool IsDue(const Schedule& schedule, absl::Time now) {
  return !schedule.paused && schedule.next_fire_time != kNever && schedule.next_fire_time <= now;
}

/// See ApplyFire.
bool Fire(ScheduleChange& change, const FireTimes& fire_times, absl::Time now) {
  Schedule& schedule = change.schedule;
  if (!IsDue(schedule, now)) return false;
  if (IsInterval(schedule) && !schedule.open.empty()) {
    // A run by hand is not over: the interval counts from its end.
    schedule.next_fire_time = kNever;
    return true;
  }
  while (IsDue(schedule, now)) {
    const absl::Time time = schedule.next_fire_time;
    if (now - time > kScheduleLateMax) {
      CatchUp(change, fire_times, now);
      continue;
    }
    ScheduleRun run = NewRun(schedule, time, 0);
    MoveOn(schedule, fire_times, time);
    Enqueue(change, std::move(run), now);
  }
  AwaitInterval(schedule, now);
  return true;
}

/// What is due by now came before whatever stops the schedule or gives it other times. Where its times cannot be read, that is
/// the one that was waited for: nobody must be kept from stopping or mending such a schedule.
void FireBeforeChange(ScheduleChange& change, absl::Time now) {
  const absl::StatusOr<FireTimes> fire_times = FireTimes::Of(change.schedule.definition.recurrence);
  Fire(change, fire_times.ok() ? *fire_times : FireTimes(), now);
}

/// Of a schedule that was there before. A time that fired does not fire again, though the clock was set back meanwhile.
absl::StatusOr<absl::Time> FireTimeAnew(const Schedule& schedule, absl::Time now) {
  return FirstFireTime(schedule, IsInterval(schedule) ? now : std::max(now, schedule.last_fire_time));
}

}  // namespace

std::string RunRequestId(const RunName& run) { return absl::StrCat(kRunPrefix, run.uid, "/", run.number); }

bool IsRunRequestId(std::string_view request_id) { return request_id.starts_with(kRunPrefix); }

absl::StatusOr<absl::Time> FirstFireTime(const Schedule& schedule, absl::Time now) {
  const Recurrence& recurrence = schedule.definition.recurrence;
  if (!IsInterval(schedule)) {
    const absl::StatusOr<FireTimes> fire_times = FireTimes::Of(recurrence);
    if (!fire_times.ok()) return fire_times.status();
    return fire_times->Next(now);
  }
  if (!schedule.open.empty()) return kNever;
  const absl::Time next = BehindLastRun(schedule, now);
  const bool ended = recurrence.end != kNever && now > recurrence.end;
  return next == kNever || ended ? kNever : std::max(next, now);
}

absl::StatusOr<bool> ApplyFire(ScheduleChange& change, absl::Time now) {
  if (!IsDue(change.schedule, now)) return false;
  const absl::StatusOr<FireTimes> fire_times = FireTimes::Of(change.schedule.definition.recurrence);
  if (!fire_times.ok()) return fire_times.status();
  return Fire(change, *fire_times, now);
}

int64_t ApplyTrigger(ScheduleChange& change, std::string_view request_id, std::string_view by, absl::Time now) {
  Schedule& schedule = change.schedule;
  std::vector<ScheduleTrigger>& triggers = schedule.triggers;
  if (!request_id.empty()) {
    const auto found = std::find_if(triggers.begin(), triggers.end(), [&](const ScheduleTrigger& trigger) {
      // The run of one that is older is forgotten, and with it the request.
      return trigger.request_id == request_id && trigger.run > schedule.last_run - kScheduleRunsMax;
    });
    if (found != triggers.end()) return found->run;
  }
  ScheduleRun run = NewRun(schedule, now, 0);
  run.triggered_by = by;
  const int64_t number = run.number;
  Enqueue(change, std::move(run), now);
  if (!request_id.empty()) {
    triggers.push_back({std::string(request_id), number});
    if (triggers.size() > kScheduleTriggersMax) triggers.erase(triggers.begin());
  }
  return number;
}

const ScheduleRun* RunToSubmit(const Schedule& schedule) {
  if (schedule.open.empty() || schedule.open.front().state != RunState::kQueued) return nullptr;
  return &schedule.open.front();
}

const ScheduleRun* RunningRun(const Schedule& schedule) {
  if (schedule.open.empty() || schedule.open.front().state != RunState::kRunning) return nullptr;
  return &schedule.open.front();
}

bool MustCancel(const Schedule& schedule) {
  return schedule.definition.overlap == OverlapPolicy::kCancelRunning && schedule.open.size() > 1;
}

bool ApplySubmitted(ScheduleChange& change, const RunName& name, const Job& job) {
  ScheduleRun* const run = FirstOpen(change.schedule, name);
  if (run == nullptr || run->state != RunState::kQueued) return false;
  run->state = RunState::kRunning;
  run->job_id = job.id;
  run->start_time = job.create_time;
  run->reason = Reason::kUnspecified;
  run->message.clear();
  return true;
}

bool ApplyRefused(ScheduleChange& change, const RunName& name, const absl::Status& why, absl::Time now) {
  ScheduleRun* const run = FirstOpen(change.schedule, name);
  if (run == nullptr || run->state != RunState::kQueued) return false;
  run->reason = DetailsOf(why).reason;
  run->message = std::string(why.message()).substr(0, kMessageTextBytesMax);
  EndFirst(change, RunState::kRefused, now, now);
  return true;
}

bool ApplyDelayed(ScheduleChange& change, const RunName& name, const absl::Status& why) {
  ScheduleRun* const run = FirstOpen(change.schedule, name);
  if (run == nullptr || run->state != RunState::kQueued) return false;
  const Reason reason = DetailsOf(why).reason;
  // The words may differ from one attempt to the next, and are not worth a write each time.
  if (run->reason == reason) return false;
  run->reason = reason;
  run->message = std::string(why.message()).substr(0, kMessageTextBytesMax);
  return true;
}

bool ApplyEnded(ScheduleChange& change, const RunName& name, const JobPtr& job, absl::Time now) {
  ScheduleRun* const run = FirstOpen(change.schedule, name);
  if (run == nullptr || run->state != RunState::kRunning) return false;
  if (job == nullptr) {
    run->message = "its job was deleted";
  } else {
    run->job_state = job->state;
    run->outcome = OutcomeOf(*job);
  }
  const bool told = job != nullptr && job->complete_time != absl::InfinitePast();
  EndFirst(change, RunState::kCompleted, told ? job->complete_time : now, now);
  return true;
}

bool MayPass(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnimplemented:
      return false;
    default:
      return true;
  }
}

bool ApplyPause(ScheduleChange& change, std::string_view reason, absl::Time now) {
  Schedule& schedule = change.schedule;
  if (schedule.paused) return false;
  FireBeforeChange(change, now);
  schedule.paused = true;
  schedule.pause_reason = reason;
  schedule.pause_time = now;
  schedule.update_time = now;
  schedule.next_fire_time = kNever;
  return true;
}

absl::StatusOr<bool> ApplyResume(ScheduleChange& change, absl::Time now) {
  Schedule& schedule = change.schedule;
  if (!schedule.paused) return false;
  const absl::StatusOr<absl::Time> next = FireTimeAnew(schedule, now);
  if (!next.ok()) return next.status();
  schedule.paused = false;
  schedule.pause_reason.clear();
  schedule.pause_time = absl::InfinitePast();
  schedule.update_time = now;
  schedule.next_fire_time = *next;
  return true;
}

absl::StatusOr<bool> ApplyRedefine(ScheduleChange& change, ScheduleDefinition definition, absl::Time now) {
  Schedule& schedule = change.schedule;
  if (schedule.definition == definition) return false;
  const bool anew = !(schedule.definition.recurrence == definition.recurrence);
  if (anew) FireBeforeChange(change, now);
  schedule.definition = std::move(definition);
  schedule.update_time = now;
  if (!anew || schedule.paused) return true;
  const absl::StatusOr<absl::Time> next = FireTimeAnew(schedule, now);
  if (!next.ok()) return next.status();
  schedule.next_fire_time = *next;
  return true;
}

}  // namespace millrace::model
