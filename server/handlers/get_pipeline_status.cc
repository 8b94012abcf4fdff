#include "server/core/convert.h"
#include "server/handlers/pipeline_handlers.h"
#include "server/handlers/validate.h"

namespace millrace::handlers {

absl::StatusOr<v1::PipelineStatus> GetPipelineStatus(const v1::GetPipelineStatusRequest& request, const Call& call,
                                                     const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("pipeline_id", request.pipeline_id()); !status.ok()) return status;
  const model::JobKey key = call.job(request.pipeline_id());
  const absl::StatusOr<model::JobPtr> job = deps.store.GetJob(key);
  if (!job.ok()) return job.status();
  return core::ToStatusProto(**job, deps.leases.running(key), call.request_time, deps.clock.Now());
}

}  // namespace millrace::handlers
