#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/core/convert.h"
#include "server/core/service_definition.h"
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
  if (static_cast<size_t>(request.tags_size()) > model::kTagsMax) {
    return model::FieldError("metadata.tags",
                             absl::StrCat("expected at most ", model::kTagsMax, ", got ", request.tags_size()));
  }
  model::JobMetadata metadata;
  for (int i = 0; i < request.tags_size(); ++i) {
    if (absl::Status status =
            ValidateText(absl::StrCat("metadata.tags[", i, "]"), request.tags(i), model::kMetadataBytesMax);
        !status.ok()) {
      return status;
    }
    metadata.tags.push_back(request.tags(i));
  }
  metadata.name = request.name();
  metadata.description = request.description();
  metadata.project = request.project();
  metadata.source_system = request.source_system();
  metadata.correlation_id = request.correlation_id();
  metadata.call_purpose = request.call_purpose();
  return metadata;
}

absl::Status CheckSelectedOutputs(const v1::CreatePipelineRequest& request, const model::ServiceVersion& version) {
  if (request.selected_outputs_size() == 0) return absl::OkStatus();
  const absl::StatusOr<core::ServiceDefinition> definition = core::ParseServiceDefinition(version.definition);
  if (!definition.ok()) return definition.status();
  for (int i = 0; i < request.selected_outputs_size(); ++i) {
    const std::string& output = request.selected_outputs(i);
    if (std::find(definition->outputs.begin(), definition->outputs.end(), output) != definition->outputs.end()) {
      continue;
    }
    std::string known;
    for (const std::string& name : definition->outputs) absl::StrAppend(&known, known.empty() ? "" : ", ", name);
    return model::FieldError(
        absl::StrCat("selected_outputs[", i, "]"),
        absl::StrCat("service ", version.service, " has no output '", output, "'; it has ", known));
  }
  return absl::OkStatus();
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
  if (absl::Status status = CheckSelectedOutputs(request, *version); !status.ok()) return status;

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
