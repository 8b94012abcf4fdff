#include "server/core/convert.h"
#include "server/handlers/pipeline_handlers.h"
#include "server/handlers/validate.h"

namespace millrace::handlers {

absl::StatusOr<v1::AcknowledgeResponse> Acknowledge(const v1::AcknowledgeRequest& request, const Call& call,
                                                    const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("pipeline_id", request.pipeline_id()); !status.ok()) return status;
  const model::JobKey key = call.job(request.pipeline_id());
  if (deps.activity != nullptr) deps.activity->OnUse(key);
  const absl::StatusOr<model::JobPtr> job = deps.store.Acknowledge(key, request.cursor(), "cursor");
  if (!job.ok()) return job.status();
  v1::AcknowledgeResponse response;
  *response.mutable_status() =
      core::ToStatusProto(**job, deps.leases.running(key), call.request_time, deps.clock.Now());
  return response;
}

}  // namespace millrace::handlers
