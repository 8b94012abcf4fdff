// A client that is in a hurry to find a server that comes back.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "client/cpp/client.h"

namespace millrace::crash {

absl::StatusOr<client::Client> Connect(const std::string& address);

}  // namespace millrace::crash
