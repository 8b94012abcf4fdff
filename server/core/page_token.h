// Page tokens: opaque to callers, and bound to the list they came from.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace millrace::core {

/// Wraps the store's token. `list` names the method and its filters; the same must be given to OpenPageToken. Empty
/// stays empty: the end of the list.
std::string SealPageToken(std::string_view list, std::string_view store_token);

/// The store's token again; empty for an empty one. PAGE_TOKEN_INVALID for one that was not sealed with this `list`.
absl::StatusOr<std::string> OpenPageToken(std::string_view list, std::string_view page_token);

}  // namespace millrace::core
