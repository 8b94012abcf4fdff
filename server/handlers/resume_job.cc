#include "server/core/convert.h"
#include "server/handlers/job_handlers.h"
#include "server/handlers/validate.h"

namespace millrace::handlers {

absl::StatusOr<v1::Job> ResumeJob(const v1::ResumeJobRequest& request, const Call& call, const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("job_id", request.job_id()); !status.ok()) return status;
  const absl::StatusOr<model::JobPtr> job =
      deps.store.ResumeJob(call.job(request.job_id()), request.ramp(), call.principal.user);
  if (!job.ok()) return job.status();
  return core::ToProto(**job, deps.clock.Now());
}

}  // namespace millrace::handlers
