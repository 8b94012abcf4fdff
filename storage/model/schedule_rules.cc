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

/// Of an interval, behind the last run. A clock that was set back must not put it off by as much.
absl::Time BehindLastRun(const Schedule& schedule, absl::Time now) {
  return NextFireTime(schedule.definition.recurrence, std::min(schedule.last_ended.end_time, now), now);
}

/// An interval counts from the end of the last run: the next time is known then and not before.
void AwaitInterval(Schedule& schedule, absl::Time now) {
  if (schedule.definition.recurrence.kind != RecurrenceKind::kInterval || schedule.paused || !schedule.open.empty()) {
    return;
  }
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
int64_t CountFireTimes(const Recurrence& recurrence, absl::Time first, absl::Time before) {
  int64_t count = 0;
  for (absl::Time at = first; at != kNever && at < before && count < kScheduleMissedMax; ++count) {
    at = NextFireTime(recurrence, at, before);
  }
  return count;
}

/// The newest fire times up to `until`, oldest first; `first` is one of those that there are.
std::vector<absl::Time> NewestFireTimes(const Recurrence& recurrence, absl::Time first, absl::Time until) {
  std::vector<absl::Time> times;
  const absl::Time before_first = first - absl::Nanoseconds(1);
  for (absl::Time at = LastFireTime(recurrence, before_first, until);
       at != kNever && times.size() < static_cast<size_t>(kScheduleCatchUpMax);
       at = LastFireTime(recurrence, before_first, at - absl::Nanoseconds(1))) {
    times.push_back(at);
    if (at == first) break;
  }
  // The rules of the zone have changed since: what was to come at `first` comes then all the same.
  if (times.empty()) times.push_back(first);
  std::reverse(times.begin(), times.end());
  return times;
}

/// The schedule moves on behind `time`, which has a run now.
void MoveOn(Schedule& schedule, absl::Time time, absl::Time now) {
  const Recurrence& recurrence = schedule.definition.recurrence;
  schedule.last_fire_time = time;
  schedule.next_fire_time = recurrence.kind == RecurrenceKind::kInterval ? kNever : NextFireTime(recurrence, time, now);
}

/// Fire times from `next_fire_time` on were missed. Leaves the next one that was not.
void CatchUp(ScheduleChange& change, absl::Time now) {
  Schedule& schedule = change.schedule;
  const ScheduleDefinition& definition = schedule.definition;
  const Recurrence& recurrence = definition.recurrence;
  const absl::Time first = schedule.next_fire_time;
  // An interval has no times but the one that is due.
  const bool interval = recurrence.kind == RecurrenceKind::kInterval;
  const auto last_up_to = [&](absl::Time until) {
    const absl::Time last = interval ? first : LastFireTime(recurrence, first - absl::Nanoseconds(1), until);
    // The rules of the zone have changed since: what was to come at `first` comes then all the same.
    return last == kNever ? first : last;
  };
  const auto count_before = [&](absl::Time time) { return interval ? 0 : CountFireTimes(recurrence, first, time); };
  switch (definition.catch_up) {
    case CatchUpPolicy::kNone: {
      const absl::Time last = last_up_to(now - kScheduleLateMax);
      ScheduleRun run = NewRun(schedule, last, count_before(last));
      // The run itself stands for one more.
      ++schedule.counters.missed;
      MoveOn(schedule, last, now);
      Skip(change, std::move(run), "the server was not there at this time", now);
      return;
    }
    case CatchUpPolicy::kAll:
      if (!interval) {
        const std::vector<absl::Time> times = NewestFireTimes(recurrence, first, now);
        int64_t left_out = count_before(times.front());
        for (const absl::Time time : times) {
          schedule.open.push_back(NewRun(schedule, time, std::exchange(left_out, 0)));
          MoveOn(schedule, time, now);
        }
        return;
      }
      [[fallthrough]];
    case CatchUpPolicy::kLatest: {
      const absl::Time last = last_up_to(now);
      ScheduleRun run = NewRun(schedule, last, count_before(last));
      MoveOn(schedule, last, now);
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

/// Of a schedule that was there before. A time that fired does not fire again, though the clock was set back meanwhile.
absl::Time FireTimeAnew(const Schedule& schedule, absl::Time now) {
  const bool interval = schedule.definition.recurrence.kind == RecurrenceKind::kInterval;
  return FirstFireTime(schedule, interval ? now : std::max(now, schedule.last_fire_time));
}

}  // namespace

std::string RunRequestId(const RunName& run) { return absl::StrCat("schedule/", run.uid, "/", run.number); }

absl::Time FirstFireTime(const Schedule& schedule, absl::Time now) {
  const Recurrence& recurrence = schedule.definition.recurrence;
  if (recurrence.kind != RecurrenceKind::kInterval) return NextFireTime(recurrence, now, now);
  if (!schedule.open.empty()) return kNever;
  const absl::Time next = BehindLastRun(schedule, now);
  const bool ended = recurrence.end != kNever && now > recurrence.end;
  return next == kNever || ended ? kNever : std::max(next, now);
}

bool ApplyFire(ScheduleChange& change, absl::Time now) {
  Schedule& schedule = change.schedule;
  const auto due = [&] {
    return !schedule.paused && schedule.next_fire_time != kNever && schedule.next_fire_time <= now;
  };
  if (!due()) return false;
  const bool interval = schedule.definition.recurrence.kind == RecurrenceKind::kInterval;
  if (interval && !schedule.open.empty()) {
    // A run by hand is not over: the interval counts from its end.
    schedule.next_fire_time = kNever;
    return true;
  }
  while (due()) {
    const absl::Time time = schedule.next_fire_time;
    if (now - time > kScheduleLateMax) {
      CatchUp(change, now);
      continue;
    }
    ScheduleRun run = NewRun(schedule, time, 0);
    MoveOn(schedule, time, now);
    Enqueue(change, std::move(run), now);
  }
  AwaitInterval(schedule, now);
  return true;
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
  // What is due by now came before the pause.
  ApplyFire(change, now);
  schedule.paused = true;
  schedule.pause_reason = reason;
  schedule.pause_time = now;
  schedule.update_time = now;
  schedule.next_fire_time = kNever;
  return true;
}

bool ApplyResume(ScheduleChange& change, absl::Time now) {
  Schedule& schedule = change.schedule;
  if (!schedule.paused) return false;
  schedule.paused = false;
  schedule.pause_reason.clear();
  schedule.pause_time = absl::InfinitePast();
  schedule.update_time = now;
  schedule.next_fire_time = FireTimeAnew(schedule, now);
  return true;
}

bool ApplyRedefine(ScheduleChange& change, ScheduleDefinition definition, absl::Time now) {
  Schedule& schedule = change.schedule;
  if (schedule.definition == definition) return false;
  const bool anew = !(schedule.definition.recurrence == definition.recurrence);
  // What is due by now is due as the schedule was.
  if (anew) ApplyFire(change, now);
  schedule.definition = std::move(definition);
  schedule.update_time = now;
  if (anew && !schedule.paused) schedule.next_fire_time = FireTimeAnew(schedule, now);
  return true;
}

}  // namespace millrace::model
