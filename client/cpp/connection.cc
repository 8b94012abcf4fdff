#include "client/cpp/connection.h"

#include "client/cpp/internal/grpc_connection.h"
#include "client/cpp/internal/retrying_connection.h"
#include "client/cpp/internal/service_config.h"

namespace millrace::client {

absl::StatusOr<std::shared_ptr<Connection>> MakeConnection(const ClientOptions& options) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  const absl::StatusOr<internal::ServiceConfig> config =
      internal::ServiceConfig::Parse(internal::EmbeddedServiceConfig());
  if (!config.ok()) return config.status();
  return internal::MakeRetryingConnection(internal::MakeGrpcConnection(options, *config), options, *config);
}

}  // namespace millrace::client
