// PushStream: chunks one a message, each acknowledged once it is durable.
#pragma once

#include "grpcpp/support/server_callback.h"
#include "millrace/v1/pipeline_service.pb.h"
#include "server/rpc/environment.h"

namespace millrace::rpc {

/// Serves one stream. `environment` must outlive it.
grpc::ServerBidiReactor<v1::PushStreamRequest, v1::PushStreamResponse>* ServePushStream(
    grpc::CallbackServerContext* context, const Environment& environment);

}  // namespace millrace::rpc
