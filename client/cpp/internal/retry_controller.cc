#include "client/cpp/internal/retry_controller.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/cpp/errors.h"
#include "client/cpp/internal/status_details.h"

namespace millrace::client::internal {
namespace {

// The method's own backoff, changed where the options say so. A method without one gets a modest one: it is used only
// when the server itself asks for the same call again.
MethodPolicy Merge(MethodPolicy policy, const RetryOptions& options) {
  if (policy.initial_backoff <= absl::ZeroDuration()) policy.initial_backoff = absl::Milliseconds(100);
  policy.initial_backoff = options.initial_backoff.value_or(policy.initial_backoff);
  policy.max_backoff = std::max(options.max_backoff.value_or(policy.max_backoff), policy.initial_backoff);
  policy.backoff_multiplier = options.backoff_multiplier.value_or(policy.backoff_multiplier);
  return policy;
}

}  // namespace

RetryController::RetryController(const RetryOptions& options, const MethodPolicy& policy, bool idempotent)
    : options_(options), policy_(Merge(policy, options)), idempotent_(idempotent), backoff_(policy_.initial_backoff) {}

RetryController::Verdict RetryController::Judge(const absl::Status& failure) const {
  ErrorDetails details = ErrorDetailsOf(failure);
  if (absl::IsResourceExhausted(failure)) {
    // Without advice it is not about now: a message over a limit stays over it.
    if (!details.retry_delay.has_value()) return {Cause::kPermanent, {}};
    return {details.reason == v1::INPUT_BUFFER_FULL ? Cause::kNoRoom : Cause::kBusy, details.retry_delay};
  }
  const bool retryable = std::find(policy_.retryable_codes.begin(), policy_.retryable_codes.end(), failure.code()) !=
                         policy_.retryable_codes.end();
  return {retryable ? Cause::kUnreachable : Cause::kPermanent, details.retry_delay};
}

absl::Duration RetryController::NextWait(const Verdict& verdict) {
  const double chance = options_.jitter > 0 ? absl::Uniform(random_, 0.0, options_.jitter) : 0.0;
  const absl::Duration backoff = backoff_ * (1 - chance);
  backoff_ = std::min(backoff_ * policy_.backoff_multiplier, policy_.max_backoff);
  // Never earlier than the server asks for; chance makes it later. A server that asks for 0 gets no storm of calls.
  if (verdict.cause != Cause::kUnreachable) {
    return std::max(*verdict.retry_delay * (1 + chance), absl::Milliseconds(1));
  }
  return std::max(backoff, verdict.retry_delay.value_or(absl::ZeroDuration()) * (1 + chance));
}

absl::StatusOr<absl::Duration> RetryController::OnFailure(const absl::Status& failure, absl::Duration elapsed) {
  ++attempts_;
  const Verdict verdict = Judge(failure);
  if (verdict.cause == Cause::kPermanent) {
    return WithRetryOutcome(failure, RetryOutcome::kPermanent, failure.message());
  }
  if (verdict.cause == Cause::kUnreachable && !idempotent_) {
    return WithRetryOutcome(
        failure, RetryOutcome::kNotIdempotent,
        absl::StrCat(failure.message(), " (not repeated: without ids it might be carried out twice)"));
  }
  if (attempts_ == 1 || verdict.cause != cause_) {
    // A full buffer proves that an outage is over, and the other way round: each cause has its time to itself.
    cause_ = verdict.cause;
    since_ = elapsed;
    backoff_ = policy_.initial_backoff;
  }
  const absl::Duration limit = verdict.cause == Cause::kNoRoom ? options_.max_wait_for_room : options_.max_elapsed;
  const absl::Duration wait = NextWait(verdict);
  if (elapsed - since_ + wait > limit) {
    return WithRetryOutcome(
        failure, RetryOutcome::kExhausted,
        absl::StrCat(failure.message(), " (gave up after ", attempts_, attempts_ == 1 ? " attempt" : " attempts",
                     " within ", absl::FormatDuration(limit), ")"));
  }
  return wait;
}

}  // namespace millrace::client::internal
