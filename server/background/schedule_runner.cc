#include "server/background/schedule_runner.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/core/log.h"
#include "server/core/run_end.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/model/limits.h"

namespace millrace::background {

using model::Schedule;
using model::ScheduleChange;
using model::ScheduleKey;
using model::ScheduleRun;

ScheduleRunner::ScheduleRunner(store::JobStore& store, const model::Clock& clock, Submit submit,
                               core::ScheduleCounts& counts)
    : store_(store), clock_(clock), submit_(std::move(submit)), counts_(counts) {}

absl::Status ScheduleRunner::Load() {
  const absl::StatusOr<std::vector<ScheduleKey>> all = store_.schedules().AllSchedules();
  if (!all.ok()) return all.status();
  for (const ScheduleKey& key : *all) OnScheduleChanged(key);
  return absl::OkStatus();
}

void ScheduleRunner::OnScheduleChanged(const ScheduleKey& schedule) {
  absl::MutexLock lock(&mutex_);
  changed_.insert(schedule);
}

SchedulesRun ScheduleRunner::RunOnce() {
  SchedulesRun run;
  for (const ScheduleKey& key : TakeDue()) {
    ++run.looked_at;
    const absl::Status advanced = Advance(key, run);
    if (advanced.ok()) continue;
    ++run.failed;
    OnScheduleChanged(key);
    core::Log(spdlog::level::warn, absl::StrCat("the schedule cannot be brought on: ", advanced.message()),
              {{"schedule_id", key.schedule_id}});
  }
  counts_.submitted += run.submitted;
  CountSchedules();
  return run;
}

void ScheduleRunner::CountRuns(const model::ScheduleCounters& counters, Watched& watched) {
  const auto count = [&](std::atomic<int64_t>& sum, int64_t model::ScheduleCounters::*member) {
    // Another schedule of the same id may have taken its place.
    sum += std::max<int64_t>(0, counters.*member - watched.counted.*member);
  };
  count(counts_.completed, &model::ScheduleCounters::completed);
  count(counts_.skipped, &model::ScheduleCounters::skipped);
  count(counts_.refused, &model::ScheduleCounters::refused);
  count(counts_.missed, &model::ScheduleCounters::missed);
  watched.counted = counters;
}

void ScheduleRunner::CountSchedules() {
  int64_t active = 0;
  int64_t paused = 0;
  absl::Time next = absl::InfiniteFuture();
  for (const auto& [key, watched] : watched_) {
    const bool fires = watched.next_fire_time != absl::InfinitePast();
    if (fires) next = std::min(next, watched.next_fire_time);
    if (watched.paused) {
      ++paused;
    } else if (fires || !watched.job_id.empty()) {
      ++active;
    }
  }
  counts_.active = active;
  counts_.paused = paused;
  counts_.ended = static_cast<int64_t>(watched_.size()) - active - paused;
  counts_.next_fire_seconds = next == absl::InfiniteFuture() ? 0 : absl::ToUnixSeconds(next);
}

std::vector<ScheduleKey> ScheduleRunner::TakeDue() {
  std::set<ScheduleKey> due;
  {
    absl::MutexLock lock(&mutex_);
    due.swap(changed_);
  }
  const absl::Time now = clock_.Now();
  for (const auto& [key, watched] : watched_) {
    if (NeedsLook(key, watched, now)) due.insert(key);
  }
  return {due.begin(), due.end()};
}

bool ScheduleRunner::NeedsLook(const ScheduleKey& key, const Watched& watched, absl::Time now) const {
  if (watched.next_fire_time != absl::InfinitePast() && watched.next_fire_time <= now) return true;
  if (watched.retry_nanos <= clock_.SteadyNanos()) return true;
  if (watched.job_id.empty()) return false;
  const absl::StatusOr<model::JobPtr> job = store_.GetJob({key.tenant, watched.job_id});
  return !job.ok() || model::IsFinal((*job)->state);
}

absl::Status ScheduleRunner::Advance(const ScheduleKey& key, SchedulesRun& run) {
  absl::StatusOr<Schedule> schedule = store_.schedules().GetSchedule(key);
  if (model::HasReason(schedule.status(), model::Reason::kScheduleNotFound)) {
    watched_.erase(key);
    return absl::OkStatus();
  }
  if (!schedule.ok()) return schedule.status();
  // A submission is not repeated before its time because something else about the schedule has changed.
  const auto [known, is_new] = watched_.try_emplace(key);
  // What its runs came to before this server looked at it is not counted.
  if (is_new) known->second.counted = schedule->counters;
  Watched watched = known->second;
  absl::StatusOr<bool> stepped = true;
  while (stepped.ok() && *stepped) stepped = Step(*schedule, watched, run);
  if (model::HasReason(stepped.status(), model::Reason::kScheduleNotFound)) {
    watched_.erase(key);
    return absl::OkStatus();
  }
  const ScheduleRun* const running = model::RunningRun(*schedule);
  watched.next_fire_time = schedule->next_fire_time;
  watched.job_id = running != nullptr ? running->job_id : "";
  watched.paused = schedule->paused;
  CountRuns(schedule->counters, watched);
  watched_[key] = std::move(watched);
  return stepped.status();
}

absl::StatusOr<bool> ScheduleRunner::Step(Schedule& schedule, Watched& watched, SchedulesRun& run) {
  const absl::Time now = clock_.Now();
  // First, so that what is over is not in the way of what is due.
  absl::StatusOr<bool> ended = core::NoteRunEnd(store_, schedule, now);
  if (!ended.ok() || *ended) return ended;
  if (schedule.next_fire_time != absl::InfinitePast() && schedule.next_fire_time <= now) {
    if (IsPutOff(watched)) return false;
    absl::StatusOr<bool> fired =
        Change(schedule, [now](ScheduleChange& change) { return model::ApplyFire(change, now); });
    if (!absl::IsInvalidArgument(fired.status())) return fired;
    PutOff(watched);
    core::Log(spdlog::level::err, absl::StrCat("the schedule cannot fire: ", fired.status().message()),
              {{"schedule_id", schedule.id}});
    return false;
  }
  // Copies: what they belong to changes with the step.
  if (const ScheduleRun* const next = model::RunToSubmit(schedule)) {
    return SubmitJob(schedule, ScheduleRun(*next), watched, run);
  }
  watched.retry_nanos = model::Clock::kNever;
  watched.backoff = absl::ZeroDuration();
  const ScheduleRun* const running = model::RunningRun(schedule);
  if (running == nullptr || !model::MustCancel(schedule)) return false;
  const absl::StatusOr<model::JobPtr> cancelled =
      store_.CancelJob({schedule.tenant, running->job_id},
                       absl::StrCat("schedule ", schedule.id, ": run ", schedule.open.back().number,
                                    " takes the place of run ", running->number),
                       /*force=*/false);
  if (model::HasReason(cancelled.status(), model::Reason::kPipelineNotFound)) return true;
  if (!cancelled.ok()) return cancelled.status();
  // The next step notes that it has ended.
  return model::IsFinal((*cancelled)->state);
}

bool ScheduleRunner::IsPutOff(const Watched& watched) const {
  return watched.retry_nanos != model::Clock::kNever && watched.retry_nanos > clock_.SteadyNanos();
}

void ScheduleRunner::PutOff(Watched& watched) const {
  watched.backoff = std::clamp(watched.backoff * 2, model::kScheduleRetryMin, model::kScheduleRetryMax);
  watched.retry_nanos = clock_.SteadyNanos() + absl::ToInt64Nanoseconds(watched.backoff);
}

absl::StatusOr<bool> ScheduleRunner::SubmitJob(Schedule& schedule, const ScheduleRun& run, Watched& watched,
                                               SchedulesRun& done) {
  if (IsPutOff(watched)) return false;
  const model::RunName name{schedule.uid, run.number};
  const absl::StatusOr<model::JobPtr> job = submit_(schedule, run);
  if (!job.ok() && model::MayPass(job.status())) {
    PutOff(watched);
    const absl::StatusOr<bool> noted = Change(schedule, [&](ScheduleChange& change) {
      return absl::StatusOr<bool>(model::ApplyDelayed(change, name, job.status()));
    });
    return noted.ok() ? absl::StatusOr<bool>(false) : noted;
  }
  watched.retry_nanos = model::Clock::kNever;
  watched.backoff = absl::ZeroDuration();
  if (job.ok()) {
    ++done.submitted;
    return Change(schedule, [&](ScheduleChange& change) {
      return absl::StatusOr<bool>(model::ApplySubmitted(change, name, **job));
    });
  }
  ++done.refused;
  core::Log(spdlog::level::warn, absl::StrCat("the job of the run is refused: ", job.status().message()),
            {{"schedule_id", schedule.id}, {"run", absl::StrCat(run.number)}});
  return Change(schedule, [&](ScheduleChange& change) {
    return absl::StatusOr<bool>(model::ApplyRefused(change, name, job.status(), clock_.Now()));
  });
}

absl::StatusOr<bool> ScheduleRunner::Change(Schedule& schedule, store::ScheduleStore::Rule rule) {
  absl::StatusOr<Schedule> changed = store_.schedules().ChangeSchedule(schedule.key(), rule);
  if (!changed.ok()) return changed.status();
  // Where somebody else was faster, the next step sees what that left.
  schedule = *std::move(changed);
  return true;
}

}  // namespace millrace::background
