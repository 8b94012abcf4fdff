// What the bindings need to serve a call.
#pragma once

#include <atomic>

#include "grpcpp/support/server_callback.h"
#include "server/core/executor.h"
#include "server/core/progress_feed.h"
#include "server/handlers/call.h"
#include "server/rpc/open_streams.h"

namespace millrace::rpc {

/// Constant after construction; outlives every call.
struct Environment {
  handlers::Deps deps;
  core::Executor& executor;
  core::ProgressFeed& feed;
  OpenStreams& streams;
  /// New calls are refused; see ShuttingDown.
  const std::atomic<bool>& draining;

  /// A call that begins now. Without authentication everyone is the default principal.
  handlers::Call NewCall() const { return {.principal = {}, .request_time = deps.clock.Now()}; }
};

}  // namespace millrace::rpc
