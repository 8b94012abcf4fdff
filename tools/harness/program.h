// A program run as a child process, to be waited for or killed.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace millrace::harness {

/// Where the output of a program goes; empty: where ours goes.
struct ProgramOutput {
  std::filesystem::path stdout_file;
  std::filesystem::path stderr_file;
};

/// One child process. The destructor kills it. Not thread-safe.
class Program {
 public:
  /// Starts `command`; the first element is a path, or a name to be found in PATH. The child inherits the descriptor
  /// `pass_fd` under the number `as_fd` when it is not negative, and no signal mask.
  static absl::StatusOr<std::unique_ptr<Program>> Start(const std::vector<std::string>& command,
                                                        const ProgramOutput& output = {}, int pass_fd = -1,
                                                        int as_fd = -1);

  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  pid_t pid() const { return pid_; }

  /// Sends `signal` (0 sends nothing) and waits for the end. Returns the exit code, or 128 + the signal that ended it.
  /// Safe to call again: the first end counts.
  int End(int signal);
  int Wait() { return End(0); }

  /// True when the program has ended by itself within `patience`; End then tells how.
  bool EndsWithin(absl::Duration patience) const;

 private:
  explicit Program(pid_t pid) : pid_(pid) {}

  pid_t pid_;
  bool ended_ = false;
  int exit_code_ = 0;
};

}  // namespace millrace::harness
