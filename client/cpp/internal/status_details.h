// Statuses made and changed with their details.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "client/cpp/errors.h"
#include "google/rpc/status.pb.h"

namespace millrace::client::internal {

/// The same error with its details, under a new message.
absl::Status WithMessage(const absl::Status& status, absl::string_view message);

/// The same under a new message, with the outcome attached.
absl::Status WithRetryOutcome(const absl::Status& status, RetryOutcome outcome, absl::string_view message);

RetryOutcome RetryOutcomeOf(const absl::Status& status);

/// An error that came inside a message, as if a call had ended with it.
absl::Status ServerError(const google::rpc::Status& status);

/// INVALID_ARGUMENT, FIELD_INVALID: `option` is the name of the option, `expected` says what it must be.
absl::Status OptionError(std::string_view option, std::string_view expected);

}  // namespace millrace::client::internal
