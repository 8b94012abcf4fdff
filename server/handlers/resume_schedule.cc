#include <string>

#include "server/handlers/schedule_handlers.h"
#include "server/handlers/schedule_spec.h"
#include "server/handlers/validate.h"
#include "storage/model/errors.h"
#include "storage/model/schedule_rules.h"
#include "storage/store/schedule_store.h"

namespace millrace::handlers {

absl::StatusOr<v1::Schedule> ResumeSchedule(const v1::ResumeScheduleRequest& request, const Call& call,
                                            const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("schedule_id", request.schedule_id()); !status.ok()) return status;
  const absl::StatusOr<model::Schedule> schedule = deps.store.schedules().ChangeSchedule(
      {call.principal.tenant, request.schedule_id()},
      [&](model::ScheduleChange& change) { return model::ApplyResume(change, deps.clock.Now()); });
  if (absl::IsInvalidArgument(schedule.status())) {
    return model::FieldError("schedule_id", std::string(schedule.status().message()));
  }
  if (!schedule.ok()) return schedule.status();
  return ToProto(*schedule);
}

}  // namespace millrace::handlers
