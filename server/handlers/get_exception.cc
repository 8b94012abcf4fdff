#include "server/core/convert.h"
#include "server/handlers/job_handlers.h"
#include "server/handlers/validate.h"

namespace millrace::handlers {

absl::StatusOr<v1::RecordException> GetException(const v1::GetExceptionRequest& request, const Call& call,
                                                 const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("job_id", request.job_id()); !status.ok()) return status;
  const absl::StatusOr<model::RecordPlace> place = ReadExceptionId("exception_id", request.exception_id());
  if (!place.ok()) return place.status();
  const model::JobKey key = call.job(request.job_id());
  const absl::StatusOr<model::RecordException> exception = deps.store.GetException(key, *place);
  if (!exception.ok()) return exception.status();
  return core::ToProto(*exception, request.job_id());
}

}  // namespace millrace::handlers
