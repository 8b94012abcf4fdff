// Pull with `wait`: a long poll that hears of commits, of cancellation and of the end of its patience.
#pragma once

#include "grpcpp/support/server_callback.h"
#include "millrace/v1/pipeline_service.pb.h"
#include "server/rpc/environment.h"

namespace millrace::rpc {

/// Serves one Pull. The default reactor would not do: it cannot hear cancellation.
grpc::ServerUnaryReactor* ServePull(const v1::PullRequest* request, v1::PullResponse* response,
                                    const Environment& environment);

}  // namespace millrace::rpc
