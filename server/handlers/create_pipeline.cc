#include <string>
#include <utility>
#include <vector>

#include "server/core/convert.h"
#include "server/handlers/job_fields.h"
#include "server/handlers/job_options.h"
#include "server/handlers/pipeline_handlers.h"
#include "server/handlers/validate.h"
#include "storage/model/errors.h"
#include "storage/model/exception.h"
#include "storage/model/limits.h"

namespace millrace::handlers {
namespace {

absl::StatusOr<model::JobMetadata> ReadMetadata(const v1::JobMetadata& request) {
  struct Text {
    std::string_view field;
    const std::string& value;
    size_t bytes_max;
  };
  for (const Text& text : {Text{"metadata.name", request.name(), model::kMetadataBytesMax},
                           Text{"metadata.description", request.description(), model::kDescriptionBytesMax},
                           Text{"metadata.project", request.project(), model::kMetadataBytesMax},
                           Text{"metadata.source_system", request.source_system(), model::kMetadataBytesMax},
                           Text{"metadata.correlation_id", request.correlation_id(), model::kMetadataBytesMax},
                           Text{"metadata.call_purpose", request.call_purpose(), model::kMetadataBytesMax}}) {
    if (absl::Status status = ValidateText(text.field, text.value, text.bytes_max); !status.ok()) return status;
  }
  absl::StatusOr<std::vector<std::string>> tags = ReadTags("metadata.tags", request.tags());
  if (!tags.ok()) return tags.status();
  model::JobMetadata metadata;
  metadata.tags = *std::move(tags);
  metadata.name = request.name();
  metadata.description = request.description();
  metadata.project = request.project();
  metadata.source_system = request.source_system();
  metadata.correlation_id = request.correlation_id();
  metadata.call_purpose = request.call_purpose();
  return metadata;
}

/// The request as bytes that tell whether a second one under the same request id is the same.
std::string RequestHash(const v1::CreatePipelineRequest& request) {
  // Only equality matters, and only within one server version's lifetime of a request id; the fields are joined in
  // an order of our own because protobuf's maps have none.
  std::string parameters = ReadParameters("parameters", request.has_parameters(), request.parameters()).value_or("");
  v1::CreatePipelineRequest rest = request;
  rest.clear_parameters();
  return model::Fingerprint("create-pipeline", rest.SerializeAsString(), parameters, "");
}

}  // namespace

absl::StatusOr<v1::Job> CreatePipeline(const v1::CreatePipelineRequest& request, const Call& call, const Deps& deps) {
  const absl::StatusOr<model::ServiceReference> reference = ReadServiceReference("service", request.service());
  if (!reference.ok()) return reference.status();
  if (!request.request_id().empty()) {
    if (absl::Status status = model::ValidateId("request_id", request.request_id()); !status.ok()) return status;
  }
  if (!request.pipeline_id().empty()) {
    if (absl::Status status = model::ValidateId("pipeline_id", request.pipeline_id()); !status.ok()) return status;
  }
  absl::StatusOr<std::string> parameters = ReadParameters("parameters", request.has_parameters(), request.parameters());
  if (!parameters.ok()) return parameters.status();
  absl::StatusOr<model::JobOptions> options = ReadJobOptions("options", request.options(), deps.server.workers);
  if (!options.ok()) return options.status();
  absl::StatusOr<model::JobMetadata> metadata = ReadMetadata(request.metadata());
  if (!metadata.ok()) return metadata.status();

  const absl::StatusOr<model::ServiceVersion> version = deps.store.GetServiceVersion(call.principal.tenant, *reference);
  if (!version.ok()) return version.status();
  if (absl::Status status = CheckSelectedOutputs("selected_outputs", request.selected_outputs(), *version);
      !status.ok())
    return status;

  model::Job job;
  job.tenant = call.principal.tenant;
  job.id = request.pipeline_id().empty() ? deps.ids.Next() : request.pipeline_id();
  job.service = version->service;
  job.service_version = version->version;
  job.service_id = version->service_id;
  job.version_id = version->version_id;
  job.config_hash = version->config_hash;
  job.metadata = *std::move(metadata);
  job.options = *std::move(options);
  if (!parameters->empty()) job.parameters_json = *std::move(parameters);
  job.selected_outputs.assign(request.selected_outputs().begin(), request.selected_outputs().end());
  job.request_id = request.request_id();
  if (!job.request_id.empty()) job.request_hash = RequestHash(request);
  job.created_by = call.principal.user;
  job.owner = deps.server.instance_id;

  const absl::StatusOr<model::JobPtr> created = deps.store.CreateJob(std::move(job));
  if (!created.ok()) return created.status();
  return core::ToProto(**created, deps.clock.Now());
}

}  // namespace millrace::handlers
