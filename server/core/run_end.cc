#include "server/core/run_end.h"

#include <utility>

#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/model/schedule_rules.h"
#include "storage/store/schedule_store.h"

namespace millrace::core {

absl::StatusOr<bool> NoteRunEnd(store::JobStore& store, model::Schedule& schedule, absl::Time now) {
  const model::ScheduleRun* const running = model::RunningRun(schedule);
  if (running == nullptr) return false;
  const model::RunName name{schedule.uid, running->number};
  const absl::StatusOr<model::JobPtr> job = store.GetJob({schedule.tenant, running->job_id});
  const bool deleted = model::HasReason(job.status(), model::Reason::kPipelineNotFound);
  if (!job.ok() && !deleted) return job.status();
  if (!deleted && !model::IsFinal((*job)->state)) return false;
  absl::StatusOr<model::Schedule> changed =
      store.schedules().ChangeSchedule(schedule.key(), [&](model::ScheduleChange& change) {
        return absl::StatusOr<bool>(model::ApplyEnded(change, name, deleted ? nullptr : *job, now));
      });
  if (!changed.ok()) return changed.status();
  schedule = *std::move(changed);
  return true;
}

}  // namespace millrace::core
