#include "storage/model/clock.h"

#include <chrono>

namespace millrace::model {
namespace {

/// An absl::Mutex under the names that the standard library uses.
class Lockable {
 public:
  explicit Lockable(absl::Mutex& mutex) : mutex_(mutex) {}
  void lock() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex_.Lock(); }
  void unlock() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex_.Unlock(); }

 private:
  absl::Mutex& mutex_;
};

void WaitFor(std::condition_variable_any& changed, absl::Mutex& mutex) {
  Lockable lock(mutex);
  changed.wait(lock);
}

}  // namespace

absl::Time SystemClock::Now() const { return absl::Now(); }

int64_t SystemClock::SteadyNanos() const {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void SystemClock::WaitUntil(std::condition_variable_any& changed, absl::Mutex& mutex, int64_t steady_nanos) const {
  if (steady_nanos == kNever) return WaitFor(changed, mutex);
  Lockable lock(mutex);
  changed.wait_until(lock, std::chrono::steady_clock::time_point(std::chrono::nanoseconds(steady_nanos)));
}

const SystemClock* SystemClock::Get() {
  static const SystemClock clock;
  return &clock;
}

void ManualClock::WaitUntil(std::condition_variable_any& changed, absl::Mutex& mutex, int64_t steady_nanos) const {
  const std::pair<std::condition_variable_any*, absl::Mutex*> waiter(&changed, &mutex);
  {
    absl::MutexLock lock(&mutex_);
    waiting_.insert(waiter);
  }
  // Advance moves the time, then takes `mutex`, then notifies: it cannot pass between this look and the wait.
  if (SteadyNanos() < steady_nanos) WaitFor(changed, mutex);
  absl::MutexLock lock(&mutex_);
  waiting_.erase(waiting_.find(waiter));
}

void ManualClock::Advance(absl::Duration duration) {
  now_ += duration;
  steady_nanos_ += absl::ToInt64Nanoseconds(duration);
  std::multiset<std::pair<std::condition_variable_any*, absl::Mutex*>> waiting;
  {
    absl::MutexLock lock(&mutex_);
    waiting = waiting_;
  }
  for (const auto& [changed, mutex] : waiting) {
    absl::MutexLock lock(mutex);
    changed->notify_all();
  }
}

}  // namespace millrace::model
