#include "server/handlers/schedule_handlers.h"
#include "server/handlers/validate.h"
#include "storage/store/schedule_store.h"

namespace millrace::handlers {

absl::StatusOr<v1::DeleteScheduleResponse> DeleteSchedule(const v1::DeleteScheduleRequest& request, const Call& call,
                                                          const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("schedule_id", request.schedule_id()); !status.ok()) return status;
  const absl::Status deleted = deps.store.schedules().DeleteSchedule({call.principal.tenant, request.schedule_id()});
  if (!deleted.ok()) return deleted;
  return v1::DeleteScheduleResponse();
}

}  // namespace millrace::handlers
