#include "client/cpp/internal/status_details.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace millrace::client::internal {
namespace {

// Never leaves the process; the value is one byte.
constexpr char kRetryOutcomeUrl[] = "millrace.dev/client/retry-outcome";

}  // namespace

absl::Status WithMessage(const absl::Status& status, absl::string_view message) {
  absl::Status copy(status.code(), message);
  status.ForEachPayload([&copy](absl::string_view url, const absl::Cord& payload) { copy.SetPayload(url, payload); });
  return copy;
}

absl::Status WithRetryOutcome(const absl::Status& status, RetryOutcome outcome, absl::string_view message) {
  absl::Status copy = WithMessage(status, message);
  copy.SetPayload(kRetryOutcomeUrl, absl::Cord(std::string(1, static_cast<char>(outcome))));
  return copy;
}

RetryOutcome RetryOutcomeOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kRetryOutcomeUrl);
  return payload.has_value() ? static_cast<RetryOutcome>((*payload)[0]) : RetryOutcome::kNone;
}

absl::Status ServerError(const google::rpc::Status& status) {
  absl::Status error(static_cast<absl::StatusCode>(status.code()), status.message());
  error.SetPayload({kServerStatusUrl.data(), kServerStatusUrl.size()}, absl::Cord(status.SerializeAsString()));
  return WithRetryOutcome(error, RetryOutcome::kPermanent, error.message());
}

absl::Status OptionError(std::string_view option, std::string_view expected) {
  const std::string field(option);
  const std::string description(expected);
  return MakeServerError(absl::StatusCode::kInvalidArgument, absl::StrCat(field, ": ", description),
                         {.reason = v1::FIELD_INVALID, .field_violations = {{field, description}}});
}

}  // namespace millrace::client::internal
