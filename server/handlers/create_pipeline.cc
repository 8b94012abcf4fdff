#include <string>
#include <utility>

#include "server/core/convert.h"
#include "server/handlers/new_job.h"
#include "server/handlers/pipeline_handlers.h"
#include "server/handlers/validate.h"
#include "storage/model/exception.h"

namespace millrace::handlers {
namespace {

/// The request as bytes that tell whether a second one under the same request id is the same.
std::string RequestHash(const v1::CreatePipelineRequest& request, const model::Job& job) {
  // Only equality matters, and only within one server version's lifetime of a request id; the fields are joined in
  // an order of our own because protobuf's maps have none.
  v1::CreatePipelineRequest rest = request;
  rest.clear_parameters();
  return model::Fingerprint("create-pipeline", rest.SerializeAsString(), job.parameters_json, "");
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
  if (!job->request_id.empty()) job->request_hash = RequestHash(request, *job);
  const absl::StatusOr<model::JobPtr> created = deps.store.CreateJob(*std::move(job));
  if (!created.ok()) return created.status();
  return core::ToProto(**created, deps.clock.Now());
}

}  // namespace millrace::handlers
