#include <string>
#include <utility>

#include "server/core/convert.h"
#include "server/handlers/new_job.h"
#include "server/handlers/pipeline_handlers.h"

namespace millrace::handlers {
namespace {

std::string HashOf(v1::CreatePipelineRequest request, const model::Job& job) {
  request.clear_parameters();
  return RequestHash("create-pipeline", request, job);
}

}  // namespace

absl::StatusOr<v1::Job> CreatePipeline(const v1::CreatePipelineRequest& request, const Call& call, const Deps& deps) {
  absl::StatusOr<model::Job> job = ReadNewJob({.service = request.service(),
                                               .request_id = request.request_id(),
                                               .id_field = "pipeline_id",
                                               .id = request.pipeline_id(),
                                               .parameters = request.has_parameters() ? &request.parameters() : nullptr,
                                               .selected_outputs = request.selected_outputs(),
                                               .options = request.options(),
                                               .metadata = request.metadata()},
                                              call, deps);
  if (!job.ok()) return job.status();
  if (!job->request_id.empty()) job->request_hash = HashOf(request, *job);
  const absl::StatusOr<model::JobPtr> created = deps.store.CreateJob(*std::move(job));
  if (!created.ok()) return created.status();
  return core::ToProto(**created, deps.clock.Now());
}

}  // namespace millrace::handlers
