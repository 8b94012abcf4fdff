#include "client/cpp/internal/grpc_stream.h"

#include "absl/strings/cord.h"
#include "client/cpp/errors.h"

namespace millrace::client::internal {

absl::Status ToAbslStatus(const grpc::Status& status) {
  absl::Status converted(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  if (!converted.ok() && !status.error_details().empty()) {
    converted.SetPayload({kServerStatusUrl.data(), kServerStatusUrl.size()}, absl::Cord(status.error_details()));
  }
  return converted;
}

}  // namespace millrace::client::internal
