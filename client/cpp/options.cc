#include "client/cpp/options.h"

#include "client/cpp/internal/status_details.h"

namespace millrace::client {
namespace {

using internal::OptionError;

absl::Status ValidateRetry(const RetryOptions& retry) {
  if (retry.max_elapsed < absl::ZeroDuration()) return OptionError("retry.max_elapsed", "must not be negative");
  if (retry.max_wait_for_room < absl::ZeroDuration()) {
    return OptionError("retry.max_wait_for_room", "must not be negative");
  }
  if (retry.initial_backoff.has_value() && *retry.initial_backoff <= absl::ZeroDuration()) {
    return OptionError("retry.initial_backoff", "must be more than 0");
  }
  if (retry.max_backoff.has_value() && *retry.max_backoff < retry.initial_backoff.value_or(absl::Nanoseconds(1))) {
    return OptionError("retry.max_backoff", "must be more than 0 and at least retry.initial_backoff");
  }
  if (retry.backoff_multiplier.has_value() && !(*retry.backoff_multiplier >= 1)) {
    return OptionError("retry.backoff_multiplier", "must be at least 1");
  }
  if (!(retry.jitter >= 0 && retry.jitter <= 1)) return OptionError("retry.jitter", "must be between 0 and 1");
  return absl::OkStatus();
}

}  // namespace

absl::Status Validate(const ClientOptions& options) {
  if (options.endpoint.empty()) return OptionError("endpoint", "must be host:port, for example 127.0.0.1:7400");
  if (options.endpoint.find("//") != std::string::npos && options.endpoint.rfind("http", 0) == 0) {
    return OptionError("endpoint", "must be host:port without http:// or https://");
  }
  if (options.endpoint.find_first_of(" \t\r\n") != std::string::npos) {
    return OptionError("endpoint", "must not contain blanks");
  }
  if (options.call_timeout.has_value() && *options.call_timeout <= absl::ZeroDuration()) {
    return OptionError("call_timeout", "must be more than 0");
  }
  if (options.max_receive_message_bytes < -1) {
    return OptionError("max_receive_message_bytes", "must be -1 for no limit, or not negative");
  }
  return ValidateRetry(options.retry);
}

}  // namespace millrace::client
