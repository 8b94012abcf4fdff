// Time is a guest: every room is handed a Clock and none reads the machine's own (tools/tidy checks it).
#pragma once

#include <atomic>
#include <cstdint>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace millrace::model {

/// Tells wall time and measures durations. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  /// Wall time: for people and for what is stored. May jump.
  virtual absl::Time Now() const = 0;

  /// Nanoseconds since an arbitrary moment: for durations. Never goes back.
  virtual int64_t SteadyNanos() const = 0;
};

/// The machine's own clock; the only place that reads it.
class SystemClock final : public Clock {
 public:
  absl::Time Now() const override;
  int64_t SteadyNanos() const override;

  /// The one instance of the process.
  static const SystemClock* Get();
};

/// A clock that moves only when told. While it is moved, other threads may read the steady time but not the wall time.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(absl::Time start) : now_(start) {}

  absl::Time Now() const override { return now_; }
  int64_t SteadyNanos() const override { return steady_nanos_; }

  void Advance(absl::Duration duration) {
    now_ += duration;
    steady_nanos_ += absl::ToInt64Nanoseconds(duration);
  }

 private:
  absl::Time now_;
  std::atomic<int64_t> steady_nanos_{0};
};

}  // namespace millrace::model
