// The rim: absl::Status with a reason inside, grpc::Status with google.rpc details outside.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"

namespace millrace::rpc {

/// An error as a message: code, text and details.
google::rpc::Status ToStatusProto(const absl::Status& status);

/// The same code and message, with ErrorInfo (reason, domain `millrace.dev`, metadata), BadRequest where a field is
/// wrong, and RetryInfo where the caller should wait.
grpc::Status ToGrpcStatus(const absl::Status& status);

/// The same status with the name of its call among the details (google.rpc.RequestInfo). OK, and a status whose details
/// are none of ours, stay as they are.
grpc::Status WithRequestId(const grpc::Status& status, const std::string& request_id);

/// What a caller gets who comes while the server drains, and every stream that is open then: UNAVAILABLE, SERVER_NOT_READY.
absl::Status ShuttingDown();

/// What a caller gets whom the server has no room for: RESOURCE_EXHAUSTED, SERVER_BUSY.
grpc::Status BusyStatus();

}  // namespace millrace::rpc
