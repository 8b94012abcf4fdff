#include "server/core/convert.h"
#include "server/handlers/pipeline_handlers.h"
#include "server/handlers/validate.h"

namespace millrace::handlers {

absl::StatusOr<v1::Job> ClosePipeline(const v1::ClosePipelineRequest& request, const Call& call, const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("pipeline_id", request.pipeline_id()); !status.ok()) return status;
  const absl::StatusOr<model::JobPtr> job = deps.store.CloseJob(call.job(request.pipeline_id()), call.principal.user);
  if (!job.ok()) return job.status();
  return core::ToProto(**job, deps.clock.Now());
}

}  // namespace millrace::handlers
