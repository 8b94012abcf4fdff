#include "server/handlers/child_job.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "millrace/v1/bulk.pb.h"
#include "millrace/v1/job_service.pb.h"
#include "server/core/json_struct.h"
#include "server/handlers/source.h"
#include "server/handlers/submitted_job.h"
#include "server/handlers/validate.h"
#include "storage/model/bulk_rules.h"
#include "storage/model/errors.h"
#include "storage/model/limits.h"

namespace millrace::handlers {
namespace {

using google::protobuf::Struct;

absl::StatusOr<v1::ChildJob> ReadRecord(std::string_view json) {
  v1::ChildJob record;
  const auto parsed =
      google::protobuf::util::JsonStringToMessage(google::protobuf::StringPiece(json.data(), json.size()), &record);
  if (!parsed.ok()) {
    return model::FieldError("record", absl::StrCat("expected a ChildJob as JSON, as docs/BULK.md shows it: ",
                                                    std::string(parsed.message())));
  }
  if (record.service().empty()) return model::FieldError("service", "is required");
  if (!record.name().empty() && !record.metadata().name().empty()) {
    return model::FieldError("name", "is the same as metadata.name; give one of them");
  }
  return record;
}

/// Objects are merged, any other value takes the place of the one before. `null` takes a field out where `nulls_remove`.
void Merge(const Struct& over, bool nulls_remove, Struct& into) {
  for (const auto& [name, value] : over.fields()) {
    if (nulls_remove && value.kind_case() == google::protobuf::Value::kNullValue) {
      into.mutable_fields()->erase(name);
      continue;
    }
    google::protobuf::Value& target = (*into.mutable_fields())[name];
    if (value.has_struct_value()) {
      if (!target.has_struct_value()) target.mutable_struct_value();
      Merge(value.struct_value(), nulls_remove, *target.mutable_struct_value());
    } else {
      target = value;
    }
  }
}

absl::StatusOr<Struct> ParametersOf(const core::ChildRecord& record, const v1::ChildJob& child) {
  Struct merged;
  for (const std::string_view json : {std::string_view(record.bulk.parameters_json), record.chunk_parameters_json}) {
    if (json.empty()) continue;
    const absl::StatusOr<Struct> parameters = core::ParseJsonObject(json);
    if (!parameters.ok()) return parameters.status();
    Merge(*parameters, /*nulls_remove=*/false, merged);
  }
  Merge(child.parameters(), /*nulls_remove=*/false, merged);
  Merge(child.config_override(), /*nulls_remove=*/true, merged);
  return merged;
}

/// What the record says nothing about is as in the bulk run.
void InheritMetadata(const model::JobMetadata& bulk, v1::JobMetadata& metadata) {
  if (metadata.project().empty()) metadata.set_project(bulk.project);
  if (metadata.source_system().empty()) metadata.set_source_system(bulk.source_system);
  if (metadata.correlation_id().empty()) metadata.set_correlation_id(bulk.correlation_id);
  if (metadata.call_purpose().empty()) metadata.set_call_purpose(bulk.call_purpose);
  if (metadata.tags().empty()) metadata.mutable_tags()->Assign(bulk.tags.begin(), bulk.tags.end());
}

absl::StatusOr<v1::SubmitJobRequest> RequestOf(const core::ChildRecord& record, v1::ChildJob child) {
  absl::StatusOr<Struct> parameters = ParametersOf(record, child);
  if (!parameters.ok()) return parameters.status();
  v1::SubmitJobRequest request;
  request.set_service(std::move(*child.mutable_service()));
  if (!parameters->fields().empty()) *request.mutable_parameters() = *std::move(parameters);
  *request.mutable_options() = std::move(*child.mutable_options());
  *request.mutable_metadata() = std::move(*child.mutable_metadata());
  if (!child.name().empty()) request.mutable_metadata()->set_name(child.name());
  InheritMetadata(record.bulk.metadata, *request.mutable_metadata());
  *request.mutable_selected_outputs() = std::move(*child.mutable_selected_outputs());
  if (child.has_source()) *request.mutable_source() = std::move(*child.mutable_source());
  if (child.has_sample()) *request.mutable_sample() = std::move(*child.mutable_sample());
  request.set_chunk_size(child.chunk_size());
  request.set_estimated_records(child.estimated_records());
  request.set_partitioning(child.partitioning());
  *request.mutable_parts() = std::move(*child.mutable_parts());
  return request;
}

}  // namespace

absl::StatusOr<core::Child> SubmitChild(const core::ChildRecord& record, const Deps& deps) {
  absl::StatusOr<v1::ChildJob> child = ReadRecord(record.json);
  if (!child.ok()) return child.status();
  const absl::StatusOr<int64_t> attempts = InRange("max_attempts", child->max_attempts(), 1, model::kAttemptsMax, 1);
  if (!attempts.ok()) return attempts.status();
  const auto attempts_max = static_cast<int32_t>(*attempts);

  // Before anything is looked at: when the submission is repeated, what it needed may be gone or changed.
  const std::string request_id = model::ChildRequestId(record.place);
  absl::StatusOr<model::JobPtr> earlier = deps.store.FindRequest(record.bulk.tenant, request_id);
  if (!earlier.ok()) return earlier.status();
  if (*earlier != nullptr) return core::Child{*std::move(earlier), attempts_max};

  if (record.place.depth > model::kBulkDepthMax) {
    return model::FieldError("service", absl::StrCat("bulk runs stand at most ", model::kBulkDepthMax,
                                                     " deep inside one another, and ", record.bulk.id,
                                                     " is at that "
                                                     "depth: its records may not run as jobs"));
  }
  absl::StatusOr<v1::SubmitJobRequest> request = RequestOf(record, *std::move(child));
  if (!request.ok()) return request.status();
  const Call call{.principal = {.tenant = record.bulk.tenant, .user = record.bulk.created_by},
                  .request_time = deps.clock.Now()};
  absl::StatusOr<model::Job> job = ReadSubmittedJob(*request, call, deps);
  if (!job.ok()) return job.status();
  if (absl::Status looked = LookAtSource(*job, deps); !looked.ok()) return looked;
  job->parent = record.place;
  // The server's own webhook hears of the bulk run, not of each of its records.
  if (!request->options().has_webhook()) job->options.webhook = {};
  // No caller can use this id, so that whatever is there under it is this job.
  job->request_id = request_id;
  job->request_hash = request_id;
  absl::StatusOr<model::JobPtr> created = deps.store.CreateJob(*std::move(job));
  if (!created.ok()) return created.status();
  return core::Child{*std::move(created), attempts_max};
}

}  // namespace millrace::handlers
