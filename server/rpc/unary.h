// Binds one unary method to its handler: the handler runs on the executor, so the reaction never blocks.
#pragma once

#include <utility>

#include "absl/status/statusor.h"
#include "grpcpp/support/server_callback.h"
#include "server/rpc/environment.h"
#include "server/rpc/status.h"

namespace millrace::rpc {

/// `handler` is a function `(Request, const Call&, const Deps&) -> StatusOr<Response>`; it may take the request as
/// a mutable reference and consume it.
template <typename Request, typename Response, typename Handler>
grpc::ServerUnaryReactor* ServeUnary(grpc::CallbackServerContext* context, const Request* request, Response* response,
                                     const Environment& environment, Handler handler) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (environment.draining) {
    reactor->Finish(ToGrpcStatus(ShuttingDown()));
    return reactor;
  }
  const handlers::Call call = environment.NewCall();
  auto work = [=, &environment] {
    // A caller that has gone needs no answer, and its call no work.
    if (context->IsCancelled()) return reactor->Finish(grpc::Status::CANCELLED);
    // gRPC made the request for this call alone and reads it no more, so a handler may take its bytes.
    absl::StatusOr<Response> result = handler(const_cast<Request&>(*request), call, environment.deps);
    if (!result.ok()) return reactor->Finish(ToGrpcStatus(result.status()));
    *response = *std::move(result);
    reactor->Finish(grpc::Status::OK);
  };
  // The request waits with its call.
  if (!environment.executor.TrySubmit(std::move(work), request->ByteSizeLong())) reactor->Finish(BusyStatus());
  return reactor;
}

}  // namespace millrace::rpc
