// PullStream: results one a message, at most a window of them without acknowledgement.
#pragma once

#include "grpcpp/support/server_callback.h"
#include "millrace/v1/pipeline_service.pb.h"
#include "server/rpc/environment.h"

namespace millrace::rpc {

/// Serves one stream. `environment` must outlive it.
grpc::ServerBidiReactor<v1::PullStreamRequest, v1::PullStreamResponse>* ServePullStream(
    grpc::CallbackServerContext* context, const Environment& environment);

}  // namespace millrace::rpc
