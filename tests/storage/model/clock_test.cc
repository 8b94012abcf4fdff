#include "storage/model/clock.h"

#include <gtest/gtest.h>

#include <thread>

namespace millrace::model {
namespace {

TEST(ManualClockTest, WakesWhoWaitsWhenItsMomentComes) {
  ManualClock clock(absl::UnixEpoch());
  absl::Mutex mutex;
  std::condition_variable_any changed;
  std::thread waiter([&] {
    absl::MutexLock lock(&mutex);
    while (clock.SteadyNanos() < 100) clock.WaitUntil(changed, mutex, 100);
  });
  clock.Advance(absl::Nanoseconds(99));
  clock.Advance(absl::Nanoseconds(1));
  waiter.join();
}

TEST(ManualClockTest, ANotificationEndsTheWait) {
  ManualClock clock(absl::UnixEpoch());
  absl::Mutex mutex;
  std::condition_variable_any changed;
  bool done = false;
  std::thread waiter([&] {
    absl::MutexLock lock(&mutex);
    while (!done) clock.WaitUntil(changed, mutex, Clock::kNever);
  });
  {
    absl::MutexLock lock(&mutex);
    done = true;
    changed.notify_all();
  }
  waiter.join();
}

TEST(SystemClockTest, AMomentThatHasComeIsNotWaitedFor) {
  const Clock& clock = *SystemClock::Get();
  absl::Mutex mutex;
  std::condition_variable_any changed;
  absl::MutexLock lock(&mutex);
  const int64_t start = clock.SteadyNanos();
  while (clock.SteadyNanos() < start + 1'000'000) clock.WaitUntil(changed, mutex, start + 1'000'000);
  EXPECT_GE(clock.SteadyNanos(), start + 1'000'000);
}

}  // namespace
}  // namespace millrace::model
