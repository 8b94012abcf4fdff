// Signals that end the server: the first one begins the drain, a second one cuts it short.
#pragma once

#include <pthread.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"

namespace millrace::app {

/// SIGTERM and SIGINT, blocked for every thread that starts after it, so that only those who wait take them. Ignores
/// SIGPIPE: a client or log reader that goes away is no reason to die.
class EndSignals {
 public:
  EndSignals();

  /// Waits for a signal and returns its number.
  int Await() const;

  /// The same for at most `timeout`; 0 when none came.
  int Await(absl::Duration timeout) const;

 private:
  sigset_t signals_;
};

/// Watches over a drain: whatever the drain is stuck in, a second signal or the end of its patience ends it.
class DrainGuard {
 public:
  /// Calls `cut_short` once, on a thread of its own, with the signal that came, or 0 when `patience` ran out. It is
  /// meant to end the process. `signals` must outlive the guard.
  DrainGuard(const EndSignals& signals, absl::Duration patience, absl::AnyInvocable<void(int signal)> cut_short);

  /// The drain is over: nobody is called any more.
  ~DrainGuard();

 private:
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

}  // namespace millrace::app
