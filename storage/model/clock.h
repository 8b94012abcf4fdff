// Time is a guest: every room is handed a Clock and none reads the machine's own (tools/tidy checks it).
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <limits>
#include <set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
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

  /// Waits until `changed` is notified or SteadyNanos() has come to `steady_nanos` (kNever: only for the former). Gives
  /// `mutex` free meanwhile. May return early, as any wait for a condition.
  ///
  /// Not an absl::CondVar: its timeouts follow wall time, and would grow by a day when that is set back by a day.
  virtual void WaitUntil(std::condition_variable_any& changed, absl::Mutex& mutex, int64_t steady_nanos) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) = 0;

  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
};

/// The machine's own clock; the only place that reads it.
class SystemClock final : public Clock {
 public:
  absl::Time Now() const override;
  int64_t SteadyNanos() const override;
  void WaitUntil(std::condition_variable_any& changed, absl::Mutex& mutex, int64_t steady_nanos) const override;

  /// The one instance of the process.
  static const SystemClock* Get();
};

/// A clock that moves only when told. While it is moved, other threads may read the steady time and wait, but not read
/// the wall time.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(absl::Time start) : now_(start) {}

  absl::Time Now() const override { return now_; }
  int64_t SteadyNanos() const override { return steady_nanos_; }

  void WaitUntil(std::condition_variable_any& changed, absl::Mutex& mutex, int64_t steady_nanos) const override;

  /// Wakes everyone whose moment may have come. Not while holding a mutex that somebody waits with.
  void Advance(absl::Duration duration);

  /// Sets the wall time, forward or back, as somebody who sets the clock of the machine. The steady time stays.
  void SetWallTime(absl::Time now) { now_ = now; }

 private:
  absl::Time now_;
  std::atomic<int64_t> steady_nanos_{0};
  mutable absl::Mutex mutex_;
  mutable std::multiset<std::pair<std::condition_variable_any*, absl::Mutex*>> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace millrace::model
