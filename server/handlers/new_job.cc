#include "server/handlers/new_job.h"

#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "server/handlers/ending_options.h"
#include "server/handlers/job_fields.h"
#include "server/handlers/job_options.h"
#include "server/handlers/validate.h"
#include "storage/model/built_in.h"
#include "storage/model/errors.h"
#include "storage/model/exception.h"
#include "storage/model/ids.h"
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

}  // namespace

absl::StatusOr<model::Job> ReadNewJob(const NewJobFields& fields, const Call& call, const Deps& deps) {
  const absl::StatusOr<model::ServiceReference> reference = ReadServiceReference("service", fields.service);
  if (!reference.ok()) return reference.status();
  if (!fields.request_id.empty()) {
    if (absl::Status status = model::ValidateId("request_id", fields.request_id); !status.ok()) return status;
  }
  if (!fields.id.empty()) {
    if (absl::Status status = model::ValidateId(fields.id_field, fields.id); !status.ok()) return status;
  }
  absl::StatusOr<std::string> parameters =
      ReadParameters("parameters", fields.parameters != nullptr,
                     fields.parameters != nullptr ? *fields.parameters : google::protobuf::Struct());
  if (!parameters.ok()) return parameters.status();
  absl::StatusOr<model::JobOptions> options = ReadJobOptions("options", fields.options, deps.server.workers);
  if (!options.ok()) return options.status();
  absl::Status ending = ReadEndingOptions("options", fields.options, deps, *options);
  if (!ending.ok()) return ending;
  absl::StatusOr<model::JobMetadata> metadata = ReadMetadata(fields.metadata);
  if (!metadata.ok()) return metadata.status();

  const absl::StatusOr<model::ServiceVersion> version = deps.store.GetServiceVersion(call.principal.tenant, *reference);
  if (!version.ok()) return version.status();
  if (version->service == model::kJobsService && !options->worker_selector.empty()) {
    return model::FieldError("options.worker_selector",
                             "a bulk run runs on no worker; give the selector to its records, in their own options");
  }
  if (absl::Status status = CheckSelectedOutputs("selected_outputs", fields.selected_outputs, *version); !status.ok()) {
    return status;
  }

  model::Job job;
  job.tenant = call.principal.tenant;
  job.id = fields.id.empty() ? deps.ids.Next() : fields.id;
  job.service = version->service;
  job.service_version = version->version;
  job.service_id = version->service_id;
  job.version_id = version->version_id;
  job.config_hash = version->config_hash;
  job.metadata = *std::move(metadata);
  job.options = *std::move(options);
  if (!parameters->empty()) job.parameters_json = *std::move(parameters);
  job.selected_outputs.assign(fields.selected_outputs.begin(), fields.selected_outputs.end());
  job.request_id = fields.request_id;
  job.created_by = call.principal.user;
  job.owner = deps.server.instance_id;
  return job;
}

std::string RequestHash(std::string_view method, const google::protobuf::Message& request, const model::Job& job) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    // Otherwise the fields of a map come in another order each time.
    coded.SetSerializationDeterministic(true);
    request.SerializeToCodedStream(&coded);
  }
  return model::Fingerprint(method, bytes, job.parameters_json, job.source.json_lines);
}

}  // namespace millrace::handlers
