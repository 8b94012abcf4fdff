// Clients that connect and then say nothing: they hold a place and files of a server, as forgotten programs do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"

namespace millrace::harness {

/// Raises the number of files that this process, and what it starts from now on, may have open as far as it may by itself,
/// and returns it.
int64_t RaiseFileLimit();

/// Not thread-safe. Closes the connections with its own end.
class SilentClients {
 public:
  explicit SilentClients(int port) : port_(port) {}
  ~SilentClients() { CloseAll(); }
  SilentClients(const SilentClients&) = delete;
  SilentClients& operator=(const SilentClients&) = delete;

  /// Connects so many more and greets each time in HTTP/2. RESOURCE_EXHAUSTED says how many files this takes when there are
  /// too few.
  absl::Status Connect(int count);

  /// Waits until the server has answered the greeting of the newest one, or has closed its connection, and tells which.
  bool NewestIsServed() const;

  size_t size() const { return sockets_.size(); }
  void CloseAll();

 private:
  const int port_;
  std::vector<int> sockets_;
};

}  // namespace millrace::harness
