// What a caller may choose about a connection and about a single call.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/cpp/clock.h"

namespace millrace::client {

/// How long and how patiently calls are repeated. Backoffs that are not set are those of
/// protos/millrace/v1/service_config.json, which all SDKs share.
///
/// UNAVAILABLE, and DEADLINE_EXCEEDED of an attempt (its timeout passed without a word, as when a server stands still),
/// are retried when repeating the call is safe: always, but for a CreatePipeline without `request_id`, a Push without
/// ids, and a Pull with `auto_acknowledge` and without `after`. RESOURCE_EXHAUSTED with RetryInfo changed nothing on the
/// server, and is always retried. Nothing else is.
struct RetryOptions {
  /// How long a call is repeated, counted from its first failure. Long enough to outlast the restart of a server.
  /// 0 never repeats.
  absl::Duration max_elapsed = absl::Minutes(10);

  /// The same for a push that finds the input buffer of its pipeline full (INPUT_BUFFER_FULL): a slow service is no
  /// failure, so that the default waits for room without limit.
  absl::Duration max_wait_for_room = absl::InfiniteDuration();

  /// The wait after the first failure, more than 0.
  std::optional<absl::Duration> initial_backoff;
  /// The longest wait, at least the initial one. A longer RetryInfo of the server is obeyed all the same.
  std::optional<absl::Duration> max_backoff;
  /// By how much each wait is longer than the one before, at least 1.
  std::optional<double> backoff_multiplier;

  /// The share of each wait that is left to chance, 0 to 1, so that many clients do not come back at once.
  double jitter = 0.2;

  /// Told of each failure that is going to be repeated, before the wait; several threads may call it at once. Lets an
  /// application say that it waits.
  std::function<void(const absl::Status& failure, absl::Duration wait)> on_retry;
};

/// How to reach a server. Validated once, by Client::Connect.
struct ClientOptions {
  /// `host:port`, or any other name that gRPC resolves (`unix:/path/of/socket`, `dns:///host:port`).
  std::string endpoint = "127.0.0.1:7400";

  /// The longest a single attempt of any call may take, more than 0; a Pull may take its `wait` more. Not set: the
  /// method's own timeout of service_config.json.
  std::optional<absl::Duration> call_timeout;

  RetryOptions retry;

  /// The largest reply that is accepted, in bytes; -1 is no limit. There is no limit on requests but the server's.
  int max_receive_message_bytes = -1;

  /// Put before the SDK's own name in the `user-agent` of each call, for example `nightly-import/1.2`.
  std::string user_agent_prefix;

  /// Must outlive the client. Null: the machine's own clock.
  Clock* clock = nullptr;
};

/// OK, or INVALID_ARGUMENT that names the first field that is wrong.
absl::Status Validate(const ClientOptions& options);

/// What a caller may choose about one call. Every method of Client takes it last.
struct CallOptions {
  /// Ends the call early, waits between attempts included, with CANCELLED. Whether the server carried the call out
  /// is then unknown.
  std::stop_token stop;

  /// Replaces ClientOptions::call_timeout for each attempt of this call. For how long it is repeated, see
  /// RetryOptions::max_elapsed.
  std::optional<absl::Duration> timeout;
};

}  // namespace millrace::client
