#include "tools/harness/program.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "absl/strings/str_cat.h"

extern char** environ;

namespace millrace::harness {
namespace {

void SendTo(posix_spawn_file_actions_t& actions, int fd, const std::filesystem::path& file) {
  if (file.empty()) return;
  posix_spawn_file_actions_addopen(&actions, fd, file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Program>> Program::Start(const std::vector<std::string>& command,
                                                        const ProgramOutput& output, int pass_fd, int as_fd) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  SendTo(actions, STDOUT_FILENO, output.stdout_file);
  SendTo(actions, STDERR_FILENO, output.stderr_file);
  if (pass_fd >= 0) posix_spawn_file_actions_adddup2(&actions, pass_fd, as_fd);
  // A clean slate: a caller that blocks signals must not pass that on.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);

  pid_t pid = 0;
  const int error = posix_spawnp(&pid, arguments[0], &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return absl::UnavailableError(absl::StrCat("cannot start ", command[0], ": ", std::strerror(error)));
  return std::unique_ptr<Program>(new Program(pid));
}

Program::~Program() { End(SIGKILL); }

bool Program::EndsWithin(absl::Duration patience) const {
  if (ended_) return true;
  const int process = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  if (process < 0) return false;
  pollfd waiting{.fd = process, .events = POLLIN, .revents = 0};
  const int ready = poll(&waiting, 1, static_cast<int>(absl::ToInt64Milliseconds(patience)));
  close(process);
  return ready == 1;
}

int Program::End(int signal) {
  if (ended_) return exit_code_;
  if (signal != 0) kill(pid_, signal);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  ended_ = true;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return exit_code_;
}

}  // namespace millrace::harness
