#include "server/app/end_signals.h"

#include <cerrno>
#include <utility>

namespace millrace::app {

EndSignals::EndSignals() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGTERM);
  sigaddset(&signals_, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

int EndSignals::Await() const {
  int signal = 0;
  sigwait(&signals_, &signal);
  return signal;
}

int EndSignals::Await(absl::Duration timeout) const {
  const timespec limit = absl::ToTimespec(timeout);
  int signal = 0;
  // A process that was stopped and goes on is interrupted here; the wait then begins anew.
  do {
    signal = sigtimedwait(&signals_, nullptr, &limit);
  } while (signal < 0 && errno == EINTR);
  return signal > 0 ? signal : 0;
}

DrainGuard::DrainGuard(const EndSignals& signals, absl::Duration patience,
                       absl::AnyInvocable<void(int signal)> cut_short)
    : thread_([this, &signals, patience, cut_short = std::move(cut_short)]() mutable {
        const int signal = signals.Await(patience);
        if (!over_) cut_short(signal);
      }) {}

DrainGuard::~DrainGuard() {
  over_ = true;
  // Wakes the thread, and nobody else: the signal is blocked, and sent to this thread alone.
  pthread_kill(thread_.native_handle(), SIGINT);
  thread_.join();
}

}  // namespace millrace::app
