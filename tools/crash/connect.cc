#include "tools/crash/connect.h"

#include "absl/time/time.h"

namespace millrace::crash {

absl::StatusOr<client::Client> Connect(const std::string& address) {
  client::ClientOptions options;
  options.endpoint = address;
  options.retry.initial_backoff = absl::Milliseconds(5);
  options.retry.max_backoff = absl::Milliseconds(50);
  options.retry.max_elapsed = absl::Minutes(2);
  options.user_agent_prefix = "millrace-crash/1";
  return client::Client::Connect(options);
}

}  // namespace millrace::crash
