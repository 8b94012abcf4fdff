// A connection that repeats the calls of another one.
#pragma once

#include <memory>

#include "client/cpp/connection.h"
#include "client/cpp/internal/service_config.h"

namespace millrace::client::internal {

/// Makes each call on `inner`, and again as `options` and `config` say. REQUIRES: Validate(options) is OK.
std::shared_ptr<Connection> MakeRetryingConnection(std::shared_ptr<Connection> inner, const ClientOptions& options,
                                                   const ServiceConfig& config);

}  // namespace millrace::client::internal
