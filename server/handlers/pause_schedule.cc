#include "server/handlers/schedule_handlers.h"
#include "server/handlers/schedule_spec.h"
#include "server/handlers/validate.h"
#include "storage/model/limits.h"
#include "storage/model/schedule_rules.h"
#include "storage/store/schedule_store.h"

namespace millrace::handlers {

absl::StatusOr<v1::Schedule> PauseSchedule(const v1::PauseScheduleRequest& request, const Call& call,
                                           const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("schedule_id", request.schedule_id()); !status.ok()) return status;
  if (absl::Status status = ValidateText("reason", request.reason(), model::kMetadataBytesMax); !status.ok()) {
    return status;
  }
  const absl::StatusOr<model::Schedule> schedule = deps.store.schedules().ChangeSchedule(
      {call.principal.tenant, request.schedule_id()}, [&](model::ScheduleChange& change) -> absl::StatusOr<bool> {
        return model::ApplyPause(change, request.reason(), deps.clock.Now());
      });
  if (!schedule.ok()) return schedule.status();
  return ToProto(*schedule);
}

}  // namespace millrace::handlers
