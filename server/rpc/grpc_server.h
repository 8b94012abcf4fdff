// The gRPC server: the four services, health and reflection on one port.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/core/executor.h"
#include "server/core/progress_feed.h"
#include "server/handlers/call.h"
#include "server/rpc/call_watch.h"

namespace millrace::rpc {

/// Serves from Start until Shutdown.
class GrpcServer {
 public:
  virtual ~GrpcServer() = default;

  /// The port that is listened on; what the system chose where port 0 was asked for.
  virtual int port() const = 0;

  /// Health turns to NOT_SERVING, so that balancers look elsewhere. Streams end with SERVER_NOT_READY, and every call that
  /// comes from now on is answered with it; calls that run go on. The port stays open, or nobody could ask for health.
  virtual void StopServing() = 0;

  /// StopServing; closes the port and waits for the calls that run, at most for `patience`; then cuts them off.
  virtual void Shutdown(absl::Duration patience) = 0;
};

/// `address` is `HOST:PORT`. `executor` and `feed` and all of `deps` must outlive the server. UNAVAILABLE when the
/// address cannot be listened on, for example because another process has it.
absl::StatusOr<std::unique_ptr<GrpcServer>> StartGrpcServer(const std::string& address, const handlers::Deps& deps,
                                                            core::Executor& executor, core::ProgressFeed& feed,
                                                            const CallWatch& watch = {});

}  // namespace millrace::rpc
