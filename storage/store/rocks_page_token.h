// Page tokens of the RocksDB store: the place behind which the next page begins, opaque to whoever carries it.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace millrace::store {

/// `list` names the list that the token belongs to.
std::string MakePageToken(std::string_view list, std::string_view place);

/// The place again. PAGE_TOKEN_INVALID for what MakePageToken did not make for this list.
absl::StatusOr<std::string> ReadPageToken(std::string_view list, std::string_view token);

}  // namespace millrace::store
