#include "server/background/clock_watcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <sstream>
#include <string>

#include "spdlog/sinks/ostream_sink.h"
#include "spdlog/spdlog.h"
#include "tests/support/factories.h"

namespace millrace::background {
namespace {

using ::millrace::testing::At;
using ::testing::HasSubstr;

constexpr absl::Duration kDay = absl::Hours(24);

class ClockWatcherTest : public ::testing::Test {
 protected:
  ClockWatcherTest() {
    spdlog::set_default_logger(
        std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log_)));
  }
  ~ClockWatcherTest() override { spdlog::set_default_logger(before_); }

  void Set(absl::Duration by) { clock_.SetWallTime(clock_.Now() + by); }

  const std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
  std::ostringstream log_;
  model::ManualClock clock_{At(0)};
  ClockWatcher watcher_{clock_};
};

TEST_F(ClockWatcherTest, TimeThatPassesIsNoJump) {
  for (int i = 0; i < 100; ++i) {
    clock_.Advance(absl::Hours(1));
    EXPECT_EQ(watcher_.RunOnce(), absl::ZeroDuration());
  }
  EXPECT_EQ(log_.str(), "");
}

TEST_F(ClockWatcherTest, AClockThatIsSetBackIsSaidOnceWithWhatFollows) {
  Set(-kDay);
  clock_.Advance(absl::Seconds(5));
  EXPECT_EQ(watcher_.RunOnce(), -kDay);
  EXPECT_THAT(log_.str(), HasSubstr("the clock was set back by 24h; "));
  EXPECT_THAT(log_.str(), HasSubstr("schedules wait for their next time"));
  log_.str("");
  for (int i = 0; i < 10; ++i) {
    clock_.Advance(absl::Seconds(5));
    EXPECT_EQ(watcher_.RunOnce(), absl::ZeroDuration());
  }
  EXPECT_EQ(log_.str(), "");
}

TEST_F(ClockWatcherTest, TheWayForwardIsSaidToo) {
  Set(-kDay);
  watcher_.RunOnce();
  log_.str("");
  Set(kDay);
  EXPECT_EQ(watcher_.RunOnce(), kDay);
  EXPECT_THAT(log_.str(), HasSubstr("the clock was set forward by 24h, "));
  EXPECT_THAT(log_.str(), HasSubstr("retention"));
}

TEST_F(ClockWatcherTest, SmallStepsAreSaidWhenTheyComeToAMinute) {
  Set(absl::Seconds(40));
  EXPECT_EQ(watcher_.RunOnce(), absl::ZeroDuration());
  EXPECT_EQ(log_.str(), "");
  Set(absl::Seconds(20));
  EXPECT_EQ(watcher_.RunOnce(), absl::Minutes(1));
  EXPECT_THAT(log_.str(), HasSubstr("forward by 1m, "));
  // There and back is where it was.
  Set(absl::Seconds(-59));
  Set(absl::Seconds(59));
  EXPECT_EQ(watcher_.RunOnce(), absl::ZeroDuration());
}

}  // namespace
}  // namespace millrace::background
