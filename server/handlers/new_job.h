// What every call that makes a job reads from its request.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/struct.pb.h"
#include "millrace/v1/pipeline_service.pb.h"
#include "server/handlers/call.h"
#include "storage/model/job.h"

namespace millrace::handlers {

/// The fields of such a request.
struct NewJobFields {
  const std::string& service;
  const std::string& request_id;
  /// What the caller chose as id of the job, and what the field is called.
  std::string_view id_field;
  const std::string& id;
  /// Null: none.
  const google::protobuf::Struct* parameters;
  const google::protobuf::RepeatedPtrField<std::string>& selected_outputs;
  const v1::JobOptions& options;
  const v1::JobMetadata& metadata;
};

/// The job that is to be stored, without `request_hash`.
///   FIELD_INVALID, WEBHOOKS_NOT_ENABLED, SERVICE_NOT_FOUND, SERVICE_VERSION_NOT_FOUND
absl::StatusOr<model::Job> ReadNewJob(const NewJobFields& fields, const Call& call, const Deps& deps);

/// Tells whether a second request under the same request id is the same. `request` is without its parameters and records,
/// which are hashed as `job` has them. Good for one version of the server: the bytes of a message may change with the next.
std::string RequestHash(std::string_view method, const google::protobuf::Message& request, const model::Job& job);

}  // namespace millrace::handlers
