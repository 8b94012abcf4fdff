#include "server/handlers/schedule_handlers.h"
#include "server/handlers/schedule_spec.h"
#include "server/handlers/validate.h"
#include "storage/store/schedule_store.h"

namespace millrace::handlers {

absl::StatusOr<v1::Schedule> GetSchedule(const v1::GetScheduleRequest& request, const Call& call, const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("schedule_id", request.schedule_id()); !status.ok()) return status;
  const absl::StatusOr<model::Schedule> schedule =
      deps.store.schedules().GetSchedule({call.principal.tenant, request.schedule_id()});
  if (!schedule.ok()) return schedule.status();
  return ToProto(*schedule);
}

}  // namespace millrace::handlers
