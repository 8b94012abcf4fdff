#include "server/rpc/status.h"

#include <string>

#include "google/rpc/error_details.pb.h"
#include "server/core/convert.h"
#include "storage/model/errors.h"

namespace millrace::rpc {

google::rpc::Status ToStatusProto(const absl::Status& status) {
  const model::ErrorDetails details = model::DetailsOf(status);
  const std::string message(status.message());

  google::rpc::Status rich;
  // The codes of absl, gRPC and google.rpc are the same numbers.
  rich.set_code(static_cast<int>(status.code()));
  rich.set_message(message);
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(model::ReasonName(details.reason)));
  info.set_domain("millrace.dev");
  for (const auto& [name, value] : details.metadata) (*info.mutable_metadata())[name] = value;
  rich.add_details()->PackFrom(info);
  if (!details.field.empty()) {
    google::rpc::BadRequest bad_request;
    auto& violation = *bad_request.add_field_violations();
    violation.set_field(details.field);
    violation.set_description(message);
    rich.add_details()->PackFrom(bad_request);
  }
  if (details.retry_after > absl::ZeroDuration()) {
    google::rpc::RetryInfo retry;
    *retry.mutable_retry_delay() = core::ToProto(details.retry_after);
    rich.add_details()->PackFrom(retry);
  }
  return rich;
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()),
                      ToStatusProto(status).SerializeAsString());
}

grpc::Status WithRequestId(const grpc::Status& status, const std::string& request_id) {
  google::rpc::Status rich;
  if (status.ok() || !rich.ParseFromString(status.error_details())) return status;
  rich.set_code(static_cast<int>(status.error_code()));
  rich.set_message(status.error_message());
  google::rpc::RequestInfo info;
  info.set_request_id(request_id);
  rich.add_details()->PackFrom(info);
  return grpc::Status(status.error_code(), status.error_message(), rich.SerializeAsString());
}

absl::Status ShuttingDown() {
  return model::MakeError(model::Reason::kServerNotReady, "the server is shutting down; go on elsewhere");
}

grpc::Status BusyStatus() {
  return ToGrpcStatus(
      model::WithRetryAfter(model::MakeError(model::Reason::kServerBusy,
                                             "the server has more calls waiting than it takes; wait and try again"),
                            absl::Milliseconds(100)));
}

}  // namespace millrace::rpc
