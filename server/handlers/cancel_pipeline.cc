#include "server/core/convert.h"
#include "server/handlers/pipeline_handlers.h"
#include "server/handlers/validate.h"
#include "storage/model/limits.h"

namespace millrace::handlers {

absl::StatusOr<v1::Job> CancelPipeline(const v1::CancelPipelineRequest& request, const Call& call, const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("pipeline_id", request.pipeline_id()); !status.ok()) return status;
  if (absl::Status status = ValidateText("reason", request.reason(), model::kMetadataBytesMax); !status.ok()) {
    return status;
  }
  // The store refuses commits of a job that is cancelled with force, so leases need no revoking here.
  const absl::StatusOr<model::JobPtr> job =
      deps.store.CancelJob(call.job(request.pipeline_id()), request.reason(), request.force(), call.principal.user);
  if (!job.ok()) return job.status();
  return core::ToProto(**job, deps.clock.Now());
}

}  // namespace millrace::handlers
