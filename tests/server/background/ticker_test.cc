#include "server/background/ticker.h"

#include <gtest/gtest.h>

#include "absl/synchronization/notification.h"

namespace millrace::background {
namespace {

class TickerTest : public ::testing::Test {
 protected:
  model::ManualClock clock_{absl::UnixEpoch()};
};

TEST_F(TickerTest, RunsAtOnceAndAgainWithoutAWaitWhileThereIsMore) {
  absl::Notification third_run;
  int runs = 0;
  Ticker ticker(&clock_, absl::Seconds(1), [&] {
    if (++runs < 3) return true;
    third_run.Notify();
    return false;
  });
  third_run.WaitForNotification();
  ticker.Stop();
  EXPECT_EQ(runs, 3);
}

TEST_F(TickerTest, RunsAgainWhenTheClockHasMovedByTheInterval) {
  absl::Notification first_run;
  absl::Notification second_run;
  int runs = 0;
  Ticker ticker(&clock_, absl::Seconds(1), [&] {
    ++runs;
    if (runs == 1) first_run.Notify();
    if (runs == 2) second_run.Notify();
    return false;
  });
  first_run.WaitForNotification();
  // The loop may begin its wait before or after the clock moves; a second step is enough in either case.
  while (!second_run.HasBeenNotified()) clock_.Advance(absl::Seconds(1));
  ticker.Stop();
  EXPECT_GE(runs, 2);
}

TEST_F(TickerTest, StopsTwiceWithoutHarm) {
  Ticker ticker(&clock_, absl::Seconds(1), [] { return false; });
  ticker.Stop();
  ticker.Stop();
}

}  // namespace
}  // namespace millrace::background
