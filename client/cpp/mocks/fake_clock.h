// A Clock for tests: sleeping takes no time, and is written down.
#pragma once

#include <stop_token>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/cpp/clock.h"

namespace millrace::client {

/// Moves only by what is slept. Thread-safe.
class FakeClock final : public Clock {
 public:
  absl::Duration Elapsed() override {
    absl::MutexLock lock(&mutex_);
    return elapsed_;
  }

  bool Sleep(absl::Duration duration, std::stop_token stop) override {
    if (stop.stop_requested()) return false;
    absl::MutexLock lock(&mutex_);
    elapsed_ += duration;
    sleeps_.push_back(duration);
    return true;
  }

  /// Every sleep so far, in order.
  std::vector<absl::Duration> sleeps() const {
    absl::MutexLock lock(&mutex_);
    return sleeps_;
  }

 private:
  mutable absl::Mutex mutex_;
  absl::Duration elapsed_ ABSL_GUARDED_BY(mutex_);
  std::vector<absl::Duration> sleeps_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace millrace::client
