// The service classes: they bind methods to handlers, and nothing else.
#pragma once

#include <memory>
#include <vector>

#include "grpcpp/impl/service_type.h"
#include "server/rpc/environment.h"

namespace millrace::rpc {

/// All services of millrace.v1. `environment` must outlive them.
std::vector<std::unique_ptr<grpc::Service>> MakeServices(const Environment& environment);

}  // namespace millrace::rpc
