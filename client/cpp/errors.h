// Reads what a failed call says beyond its code and message.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "millrace/v1/errors.pb.h"

namespace millrace::client {

/// Under this type URL a status of this SDK carries the google.rpc.Status of the server, serialized.
inline constexpr std::string_view kServerStatusUrl = "type.googleapis.com/google.rpc.Status";

/// Why a call was not repeated (again).
enum class RetryOutcome {
  /// The status is OK, or does not come from a call.
  kNone,
  /// Repeating the call cannot help: fix it, or the state of the pipeline, first.
  kPermanent,
  /// The call was repeated as long as RetryOptions allow.
  kExhausted,
  /// The cause was transient, but the call may have been carried out and carries no id that makes it safe to repeat.
  kNotIdempotent,
};

/// A field of the request that is wrong.
struct FieldViolation {
  /// The path of the field, for example `chunks[2].id`.
  std::string field;
  std::string description;
};

/// Everything an error says.
struct ErrorDetails {
  /// The stable reason. ERROR_REASON_UNSPECIFIED when the error does not come from a Millrace server (nothing listens,
  /// a proxy answered), or is newer than this SDK.
  v1::ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED;
  /// The name of the reason as the server sent it, also when this SDK does not know it.
  std::string reason_name;
  /// Each variable of the message, by name.
  std::map<std::string, std::string> metadata;
  std::vector<FieldViolation> field_violations;
  /// How long the server asks to wait before the same call.
  std::optional<absl::Duration> retry_delay;
  RetryOutcome retry_outcome = RetryOutcome::kNone;
};

/// What `status` says; all fields at their defaults for a status that says nothing more.
ErrorDetails ErrorDetailsOf(const absl::Status& status);

/// The reason alone: what callers branch on.
v1::ErrorReason ErrorReasonOf(const absl::Status& status);

/// Makes an error as a server would send it, of which ErrorDetailsOf gives back `details`. For mocks. `reason_name` may
/// stay empty when `reason` is set.
absl::Status MakeServerError(absl::StatusCode code, std::string_view message, const ErrorDetails& details);

}  // namespace millrace::client
