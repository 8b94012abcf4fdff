#include <vector>

#include "server/core/run_end.h"
#include "server/handlers/schedule_handlers.h"
#include "server/handlers/schedule_run.h"
#include "server/handlers/schedule_spec.h"
#include "server/handlers/validate.h"
#include "storage/model/ids.h"
#include "storage/model/schedule_rules.h"
#include "storage/store/schedule_store.h"

namespace millrace::handlers {
namespace {

/// Submits the job of the run where it is its turn, so that the caller learns of it at once. Where that cannot be done
/// now, the runner in the background does it.
absl::Status SubmitNow(const model::Schedule& schedule, int64_t number, const Deps& deps) {
  const model::ScheduleRun* const run = model::RunToSubmit(schedule);
  if (run == nullptr || run->number != number) return absl::OkStatus();
  const absl::StatusOr<model::JobPtr> job = SubmitRun(schedule, *run, deps);
  const model::RunName name{schedule.uid, number};
  return deps.store.schedules()
      .ChangeSchedule(schedule.key(),
                      [&](model::ScheduleChange& change) -> absl::StatusOr<bool> {
                        if (job.ok()) return model::ApplySubmitted(change, name, **job);
                        if (model::MayPass(job.status())) return model::ApplyDelayed(change, name, job.status());
                        return model::ApplyRefused(change, name, job.status(), deps.clock.Now());
                      })
      .status();
}

}  // namespace

absl::StatusOr<v1::ScheduleRun> TriggerSchedule(const v1::TriggerScheduleRequest& request, const Call& call,
                                                const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("schedule_id", request.schedule_id()); !status.ok()) return status;
  if (!request.request_id().empty()) {
    if (absl::Status status = model::ValidateId("request_id", request.request_id()); !status.ok()) return status;
  }
  store::ScheduleStore& schedules = deps.store.schedules();
  const model::ScheduleKey key{call.principal.tenant, request.schedule_id()};
  // What is over, though nobody has noticed yet, must not be in its way.
  absl::StatusOr<model::Schedule> before = schedules.GetSchedule(key);
  if (!before.ok()) return before.status();
  const absl::StatusOr<bool> ended = core::NoteRunEnd(deps.store, *before, deps.clock.Now());
  if (!ended.ok()) return ended.status();
  int64_t number = 0;
  const absl::StatusOr<model::Schedule> schedule =
      schedules.ChangeSchedule(key, [&](model::ScheduleChange& change) -> absl::StatusOr<bool> {
        const int64_t last = change.schedule.last_run;
        number = model::ApplyTrigger(change, request.request_id(), call.principal.user, deps.clock.Now());
        return number > last;
      });
  if (!schedule.ok()) return schedule.status();
  if (absl::Status submitted = SubmitNow(*schedule, number, deps); !submitted.ok()) return submitted;
  const absl::StatusOr<std::vector<model::ScheduleRun>> runs = schedules.ListScheduleRuns(key, number + 1, 1);
  if (!runs.ok()) return runs.status();
  // Between the two reads, a thousand runs may have pushed it out.
  model::ScheduleRun run{.number = number};
  if (!runs->empty() && runs->front().number == number) run = runs->front();
  return ToProto(run, request.schedule_id());
}

}  // namespace millrace::handlers
