// An HTTP server on loopback that keeps what it is sent: the receiver of webhooks.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace millrace::harness {

/// Serves from construction until it is destroyed. Thread-safe.
class HttpReceiver {
 public:
  struct Request {
    std::string path;
    /// By name in small letters.
    std::map<std::string, std::string> headers;
    std::string body;
  };

  /// The status of the answer; 0: there is none as long as the receiver lives. Called by any thread.
  using Answer = std::function<int(const Request&)>;

  /// The port is the system's choice, or the one given, of a receiver that is gone.
  explicit HttpReceiver(
      Answer answer = [](const Request&) { return 200; }, int port = 0);
  ~HttpReceiver();
  HttpReceiver(const HttpReceiver&) = delete;
  HttpReceiver& operator=(const HttpReceiver&) = delete;

  int port() const { return port_; }
  std::string Url(const std::string& path) const;

  /// All requests that have come so far, in order.
  std::vector<Request> requests() const;
  /// Waits until so many have come in all.
  std::vector<Request> Await(size_t count) const;

 private:
  void Accept();
  void Serve(int connection);

  const Answer answer_;
  int listener_ = -1;
  int port_ = 0;
  mutable absl::Mutex mutex_;
  std::vector<Request> requests_ ABSL_GUARDED_BY(mutex_);
  std::set<int> connections_ ABSL_GUARDED_BY(mutex_);
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> servers_;
  std::thread acceptor_;
};

}  // namespace millrace::harness
