// Timeouts and retries of each method, from protos/millrace/v1/service_config.json: a gRPC service config, which other
// languages hand to gRPC as it is. gRPC's own retries end after five attempts, too early for the restart of a server;
// so this SDK reads the file itself and runs a loop of its own. It leaves `maxAttempts` aside for RetryOptions.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace millrace::client::internal {

/// What the file says about one method. The defaults are those of a method that it does not name: neither a timeout nor
/// a retry.
struct MethodPolicy {
  absl::Duration timeout = absl::InfiniteDuration();
  absl::Duration initial_backoff = absl::ZeroDuration();
  absl::Duration max_backoff = absl::ZeroDuration();
  double backoff_multiplier = 1;
  std::vector<absl::StatusCode> retryable_codes;
};

/// The table of all methods. Immutable.
class ServiceConfig {
 public:
  /// INVALID_ARGUMENT that says what is wrong when `json` is not a service config.
  static absl::StatusOr<ServiceConfig> Parse(std::string_view json);

  /// The policy of a method, named `package.Service/Method`: its own, or else that of its service.
  MethodPolicy Find(std::string_view method) const;

 private:
  std::map<std::string, MethodPolicy, std::less<>> policies_;
};

/// The text of the file as it was when the SDK was built.
std::string_view EmbeddedServiceConfig();

}  // namespace millrace::client::internal
