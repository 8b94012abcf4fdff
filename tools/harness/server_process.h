// A millraced of one's own: started on a folder, killed at will, started again.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/harness/program.h"

namespace millrace::harness {

/// One run of the server. The destructor kills it. Not thread-safe.
class ServerProcess {
 public:
  /// Starts `binary` on `data_folder` and waits until it serves: it says so by writing its port into a pipe. `port` 0
  /// lets the system choose. Fails when the process ends before it serves; what it said is on stderr, or where
  /// `output` sends it.
  static absl::StatusOr<std::unique_ptr<ServerProcess>> Start(const std::filesystem::path& binary,
                                                              const std::filesystem::path& data_folder, int port = 0,
                                                              const std::vector<std::string>& flags = {},
                                                              const ProgramOutput& output = {});

  pid_t pid() const { return program_->pid(); }
  int port() const { return port_; }
  /// `127.0.0.1:PORT`.
  std::string address() const;

  /// SIGKILL, and waits for the end. Safe to call twice.
  void Kill();

  /// SIGSTOP, and waits until no thread of it runs any more; SIGCONT. Clients hear nothing meanwhile.
  void Freeze();
  void Thaw();

  /// SIGTERM, and waits for the end. Returns the exit code, or 128 + the signal that ended it.
  int Terminate();

  /// Sends a signal and waits for nothing.
  void Send(int signal) const;

  /// Waits for the end. Returns as Terminate does.
  int Wait();

 private:
  ServerProcess(std::unique_ptr<Program> program, int port) : program_(std::move(program)), port_(port) {}

  std::unique_ptr<Program> program_;
  int port_;
};

}  // namespace millrace::harness
