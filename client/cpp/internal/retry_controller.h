// Decides whether and when a call that failed is made again. No clock and no sleeping: pure rules.
#pragma once

#include <optional>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/cpp/internal/service_config.h"
#include "client/cpp/options.h"

namespace millrace::client::internal {

/// Follows one call through its attempts.
class RetryController {
 public:
  /// `idempotent`: a second attempt changes nothing when the first one was carried out.
  RetryController(const RetryOptions& options, const MethodPolicy& policy, bool idempotent);

  /// Takes note that an attempt failed at `elapsed` (since any fixed moment). Returns how long to wait before the next
  /// attempt; or, when there shall be none, the error for the caller: the same code and details, with the RetryOutcome
  /// attached and said in the message.
  absl::StatusOr<absl::Duration> OnFailure(const absl::Status& failure, absl::Duration elapsed);

 private:
  // Why an attempt failed, as far as retries care.
  enum class Cause { kPermanent, kUnreachable, kBusy, kNoRoom };

  struct Verdict {
    Cause cause;
    std::optional<absl::Duration> retry_delay;
  };

  Verdict Judge(const absl::Status& failure) const;
  absl::Duration NextWait(const Verdict& verdict);

  const RetryOptions options_;
  const MethodPolicy policy_;
  const bool idempotent_;
  absl::BitGen random_;

  absl::Duration backoff_;
  int attempts_ = 0;
  // The cause of the last failure, and when it set in.
  Cause cause_ = Cause::kPermanent;
  absl::Duration since_;
};

}  // namespace millrace::client::internal
