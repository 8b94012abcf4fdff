#include "server/core/convert.h"
#include "server/handlers/job_handlers.h"
#include "server/handlers/validate.h"
#include "storage/model/limits.h"

namespace millrace::handlers {

absl::StatusOr<v1::Job> PauseJob(const v1::PauseJobRequest& request, const Call& call, const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("job_id", request.job_id()); !status.ok()) return status;
  if (absl::Status status = ValidateText("reason", request.reason(), model::kMetadataBytesMax); !status.ok()) {
    return status;
  }
  const absl::StatusOr<model::JobPtr> job =
      deps.store.PauseJob(call.job(request.job_id()), request.reason(), call.principal.user);
  if (!job.ok()) return job.status();
  return core::ToProto(**job, deps.clock.Now());
}

}  // namespace millrace::handlers
