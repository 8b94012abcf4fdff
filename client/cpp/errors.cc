#include "client/cpp/errors.h"

#include "absl/strings/cord.h"
#include "client/cpp/internal/status_details.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace millrace::client {
namespace {

constexpr char kErrorDomain[] = "millrace.dev";

absl::string_view ServerStatusUrl() { return {kServerStatusUrl.data(), kServerStatusUrl.size()}; }

void ReadDetail(const google::protobuf::Any& detail, ErrorDetails& details) {
  if (google::rpc::ErrorInfo info; detail.UnpackTo(&info)) {
    // Other domains are proxies on the way; their reasons are not ours.
    if (info.domain() != kErrorDomain) return;
    details.reason_name = info.reason();
    if (!v1::ErrorReason_Parse(info.reason(), &details.reason)) details.reason = v1::ERROR_REASON_UNSPECIFIED;
    details.metadata = {info.metadata().begin(), info.metadata().end()};
  } else if (google::rpc::BadRequest bad_request; detail.UnpackTo(&bad_request)) {
    for (const auto& violation : bad_request.field_violations()) {
      details.field_violations.push_back({violation.field(), violation.description()});
    }
  } else if (google::rpc::RetryInfo retry; detail.UnpackTo(&retry)) {
    details.retry_delay = absl::Seconds(retry.retry_delay().seconds()) + absl::Nanoseconds(retry.retry_delay().nanos());
  }
}

}  // namespace

ErrorDetails ErrorDetailsOf(const absl::Status& status) {
  ErrorDetails details;
  details.retry_outcome = internal::RetryOutcomeOf(status);
  google::rpc::Status server_status;
  const absl::optional<absl::Cord> bytes = status.GetPayload(ServerStatusUrl());
  if (!bytes.has_value() || !server_status.ParseFromString(std::string(*bytes))) return details;
  for (const google::protobuf::Any& detail : server_status.details()) ReadDetail(detail, details);
  return details;
}

v1::ErrorReason ErrorReasonOf(const absl::Status& status) { return ErrorDetailsOf(status).reason; }

absl::Status MakeServerError(absl::StatusCode code, std::string_view message, const ErrorDetails& details) {
  google::rpc::Status server_status;
  server_status.set_code(static_cast<int>(code));
  server_status.set_message(std::string(message));

  google::rpc::ErrorInfo info;
  info.set_domain(kErrorDomain);
  info.set_reason(details.reason_name.empty() ? v1::ErrorReason_Name(details.reason) : details.reason_name);
  for (const auto& [name, value] : details.metadata) (*info.mutable_metadata())[name] = value;
  server_status.add_details()->PackFrom(info);
  if (!details.field_violations.empty()) {
    google::rpc::BadRequest bad_request;
    for (const FieldViolation& violation : details.field_violations) {
      auto* added = bad_request.add_field_violations();
      added->set_field(violation.field);
      added->set_description(violation.description);
    }
    server_status.add_details()->PackFrom(bad_request);
  }
  if (details.retry_delay.has_value()) {
    google::rpc::RetryInfo retry;
    absl::Duration rest;
    retry.mutable_retry_delay()->set_seconds(absl::IDivDuration(*details.retry_delay, absl::Seconds(1), &rest));
    retry.mutable_retry_delay()->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
    server_status.add_details()->PackFrom(retry);
  }

  absl::Status status(code, absl::string_view(message.data(), message.size()));
  status.SetPayload(ServerStatusUrl(), absl::Cord(server_status.SerializeAsString()));
  return details.retry_outcome == RetryOutcome::kNone
             ? status
             : internal::WithRetryOutcome(status, details.retry_outcome, status.message());
}

}  // namespace millrace::client
