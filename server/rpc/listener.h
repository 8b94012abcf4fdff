// Where connections come in. In place of gRPC's own listener, which takes no connection any more, for good, once the
// process has run out of files (gRPC 1.51): a thousand idle clients could lock everybody out until a restart.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"

namespace millrace::rpc {

/// Raises the number of files that this process may have open as far as it may by itself, and returns it.
int64_t RaiseFileLimit();

/// Listens from Open and accepts from Start until Stop. Start and Stop by one thread.
class Listener {
 public:
  /// Takes over the descriptor of a connection.
  using OnConnection = std::function<void(int fd)>;

  /// Listens on `HOST:PORT`; a host of IPv6 stands in brackets, port 0 lets the system choose. A connection whose descriptor
  /// would not be below `descriptor_max` is closed at once: what is behind is kept for the store. UNAVAILABLE names the
  /// address and the cause.
  static absl::StatusOr<std::unique_ptr<Listener>> Open(const std::string& address, int64_t descriptor_max);

  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  int port() const { return port_; }
  /// Connections that were closed for want of a descriptor.
  int64_t refused() const { return refused_; }

  /// Accepts on a thread of its own, and calls `on_connection` there.
  void Start(OnConnection on_connection);

  /// Closes the port. Returns when no call of `on_connection` runs or will come. Safe to call again.
  void Stop();

 private:
  Listener(int64_t descriptor_max, int stop, int spare) : descriptor_max_(descriptor_max), stop_(stop), spare_(spare) {}

  void Run();
  void AcceptAll(int socket);
  void Refuse(int fd);
  void RefuseOneWithTheSpare(int socket);

  const int64_t descriptor_max_;
  int port_ = 0;
  std::vector<int> sockets_;
  /// Becomes readable when the thread shall end.
  const int stop_;
  /// Given up for a moment to accept, and so refuse, a connection for which there is no descriptor.
  int spare_;
  std::atomic<int64_t> refused_{0};
  OnConnection on_connection_;
  std::thread thread_;
};

}  // namespace millrace::rpc
