#include "server/core/executor.h"

#include <gtest/gtest.h>

#include <atomic>

#include "absl/synchronization/notification.h"

namespace millrace::core {
namespace {

TEST(ExecutorTest, RunsWhatIsQueuedBeforeItEnds) {
  std::atomic<int> ran = 0;
  {
    Executor executor(2, 1'000);
    for (int i = 0; i < 500; ++i) ASSERT_TRUE(executor.TrySubmit([&] { ++ran; }));
  }
  EXPECT_EQ(ran, 500);
}

TEST(ExecutorTest, RefusesWorkWhenTheQueueIsFull) {
  absl::Notification started, go_on;
  std::atomic<int> ran = 0;
  {
    Executor executor(1, 2);
    ASSERT_TRUE(executor.TrySubmit([&] {
      started.Notify();
      go_on.WaitForNotification();
    }));
    started.WaitForNotification();
    EXPECT_TRUE(executor.TrySubmit([&] { ++ran; }));
    EXPECT_TRUE(executor.TrySubmit([&] { ++ran; }));
    EXPECT_FALSE(executor.TrySubmit([&] { ++ran; }));
    go_on.Notify();
  }
  EXPECT_EQ(ran, 2) << "refused work must not run";
}

TEST(ExecutorTest, RefusesWorkThatHoldsMoreThanMayWait) {
  absl::Notification started, go_on;
  Executor executor(1, 100, 1'000);
  ASSERT_TRUE(executor.TrySubmit(
      [&] {
        started.Notify();
        go_on.WaitForNotification();
      },
      5'000))
      << "alone, anything is taken";
  started.WaitForNotification();
  EXPECT_TRUE(executor.TrySubmit([] {}, 600)) << "what runs does not wait";
  EXPECT_FALSE(executor.TrySubmit([] {}, 401));
  EXPECT_FALSE(executor.TrySubmit([] {}, 5'000));
  EXPECT_TRUE(executor.TrySubmit([] {}, 400));
  EXPECT_TRUE(executor.TrySubmit([] {}));
  absl::Notification done;
  ASSERT_TRUE(executor.TrySubmit([&] { done.Notify(); }));
  go_on.Notify();
  done.WaitForNotification();
  EXPECT_TRUE(executor.TrySubmit([] {}, 1'000)) << "room was made";
}

}  // namespace
}  // namespace millrace::core
