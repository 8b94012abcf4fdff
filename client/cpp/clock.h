// Time as the SDK sees it, so that tests of retries take none.
#pragma once

#include <stop_token>

#include "absl/time/time.h"

namespace millrace::client {

/// Measures and spends time for retries. Thread-safe. mocks/fake_clock.h has one for tests.
class Clock {
 public:
  virtual ~Clock() = default;

  /// Time since an arbitrary moment. Never goes back.
  virtual absl::Duration Elapsed() = 0;

  /// Returns true after `duration`, or false as soon as a stop is requested.
  virtual bool Sleep(absl::Duration duration, std::stop_token stop) = 0;
};

/// The machine's own clock. Lives as long as the process.
Clock* SystemClock();

}  // namespace millrace::client
