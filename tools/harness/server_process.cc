#include "tools/harness/server_process.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace millrace::harness {
namespace {

/// The child finds its end of the pipe under this number.
constexpr int kPortFd = 9;

/// The first line that comes, or what came before the end of the file.
std::string ReadLine(int fd) {
  std::string text;
  char buffer[64];
  while (text.empty() || text.back() != '\n') {
    const ssize_t count = read(fd, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    text.append(buffer, static_cast<size_t>(count));
  }
  return text;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ServerProcess>> ServerProcess::Start(const std::filesystem::path& binary,
                                                                    const std::filesystem::path& data_folder, int port,
                                                                    const std::vector<std::string>& flags,
                                                                    const ProgramOutput& output) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe2");
  std::vector<std::string> command = {binary.string(),
                                      "--data-dir",
                                      data_folder.string(),
                                      "--listen",
                                      absl::StrCat("127.0.0.1:", port),
                                      "--port-file",
                                      absl::StrCat("/dev/fd/", kPortFd)};
  command.insert(command.end(), flags.begin(), flags.end());
  absl::StatusOr<std::unique_ptr<Program>> program = Program::Start(command, output, ends[1], kPortFd);
  close(ends[1]);
  // The pipe ends when the child has written its port, or has died.
  const std::string text = program.ok() ? ReadLine(ends[0]) : "";
  close(ends[0]);
  if (!program.ok()) return program.status();
  int actual_port = 0;
  if (!absl::SimpleAtoi(text, &actual_port)) {
    return absl::UnavailableError(absl::StrCat(binary.string(), " ended with ", (*program)->End(SIGKILL),
                                               " before it served; see its log above"));
  }
  return std::unique_ptr<ServerProcess>(new ServerProcess(*std::move(program), actual_port));
}

std::string ServerProcess::address() const { return absl::StrCat("127.0.0.1:", port_); }

void ServerProcess::Kill() { program_->End(SIGKILL); }

void ServerProcess::Freeze() {
  kill(pid(), SIGSTOP);
  // The signal is on its way when kill returns, and the server may still answer a call.
  siginfo_t stopped{};
  while (waitid(P_PID, static_cast<id_t>(pid()), &stopped, WSTOPPED | WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
}

void ServerProcess::Thaw() { kill(pid(), SIGCONT); }

int ServerProcess::Terminate() { return program_->End(SIGTERM); }

void ServerProcess::Send(int signal) const { kill(program_->pid(), signal); }

int ServerProcess::Wait() { return program_->Wait(); }

}  // namespace millrace::harness
