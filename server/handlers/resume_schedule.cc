#include <string>

#include "server/handlers/schedule_handlers.h"
#include "server/handlers/schedule_spec.h"
#include "server/handlers/validate.h"
#include "storage/model/errors.h"
#include "storage/model/recurrence.h"
#include "storage/model/schedule_rules.h"
#include "storage/store/schedule_store.h"

namespace millrace::handlers {

absl::StatusOr<v1::Schedule> ResumeSchedule(const v1::ResumeScheduleRequest& request, const Call& call,
                                            const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("schedule_id", request.schedule_id()); !status.ok()) return status;
  const absl::StatusOr<model::Schedule> schedule = deps.store.schedules().ChangeSchedule(
      {call.principal.tenant, request.schedule_id()}, [&](model::ScheduleChange& change) {
        const absl::Status readable = model::CheckReadable(change.schedule.definition.recurrence);
        if (!readable.ok()) {
          return absl::StatusOr<bool>(model::FieldError("schedule_id", std::string(readable.message())));
        }
        return absl::StatusOr<bool>(model::ApplyResume(change, deps.clock.Now()));
      });
  if (!schedule.ok()) return schedule.status();
  return ToProto(*schedule);
}

}  // namespace millrace::handlers
