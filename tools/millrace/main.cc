// The command line client: the real world around RunCli.
#include <pthread.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <csignal>

#include <cstdlib>
#include <iostream>
#include <random>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "tools/millrace/cli.h"
#include "tools/millrace/failure.h"

namespace {

/// Signals that ask the user's command to end. Blocked in every thread: one thread waits for them, so that nothing has
/// to be safe in a signal handler.
sigset_t InterruptSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

/// Columns and rows; 0 where there is no terminal.
winsize TerminalSize() {
  winsize size = {};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 ? size : winsize{};
}

}  // namespace

int main(int argc, char** argv) {
  const sigset_t signals = InterruptSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::stop_source stop;
  std::thread([signals, stop]() mutable {
    int signal = 0;
    sigwait(&signals, &signal);
    stop.request_stop();
    // Who asks twice does not want to wait.
    sigwait(&signals, &signal);
    _exit(static_cast<int>(millrace::cli::ExitCode::kInterrupted));
  }).detach();

  const winsize terminal = TerminalSize();
  const millrace::cli::Environment environment = {
      .in = &std::cin,
      .in_is_terminal = isatty(STDIN_FILENO) == 1,
      .out = &std::cout,
      .err = &std::cerr,
      .out_is_terminal = isatty(STDOUT_FILENO) == 1,
      .err_is_terminal = isatty(STDERR_FILENO) == 1,
      .terminal_columns = terminal.ws_col > 0 ? terminal.ws_col : 80,
      .terminal_rows = terminal.ws_row > 0 ? terminal.ws_row : 24,
      .variable =
          [](const std::string& name) {
            const char* value = std::getenv(name.c_str());
            return std::string(value == nullptr ? "" : value);
          },
      .clock = millrace::model::SystemClock::Get(),
      .timer = millrace::client::SystemClock(),
      .zone = absl::LocalTimeZone(),
      .random_seed = (uint64_t{std::random_device{}()} << 32) | std::random_device{}(),
      .stop = stop.get_token(),
      .connect =
          [](const millrace::client::ClientOptions& options) { return millrace::client::Client::Connect(options); },
  };
  const int code = millrace::cli::RunCli(std::vector<std::string>(argv + 1, argv + argc), environment);
  std::cout.flush();
  return code;
}
