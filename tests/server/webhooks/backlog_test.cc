#include "server/webhooks/backlog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "storage/model/clock.h"

namespace millrace::webhooks {
namespace {

using model::NoticeKey;

NoticeKey Key(int64_t number) { return {{"default", "job"}, absl::UnixEpoch(), number}; }

TEST(BacklogTest, EachNoticeIsTakenOnceAndAgainWhenItIsDue) {
  Backlog backlog(10, 10);
  backlog.Add(Key(1), "a");
  backlog.Add(Key(1), "a");
  EXPECT_EQ(backlog.size(), 1U);
  EXPECT_EQ(backlog.Take(5), Key(1));
  EXPECT_EQ(backlog.Take(5), std::nullopt) << "it is on its way";
  backlog.Add(Key(1), "a");
  EXPECT_EQ(backlog.Take(5), std::nullopt);
  backlog.PutOff(Key(1), 9);
  EXPECT_EQ(backlog.NextDue(), 9);
  EXPECT_EQ(backlog.Take(8), std::nullopt);
  EXPECT_EQ(backlog.Take(9), Key(1));
  EXPECT_EQ(backlog.attempts(Key(1)), 2);
  backlog.Remove(Key(1));
  EXPECT_EQ(backlog.size(), 0U);
  EXPECT_EQ(backlog.NextDue(), model::Clock::kNever);
}

TEST(BacklogTest, AHostThatIsBusyDelaysNoOther) {
  Backlog backlog(10, 2);
  for (int64_t number = 1; number <= 5; ++number) backlog.Add(Key(number), "slow");
  backlog.Add(Key(6), "swift");
  EXPECT_EQ(backlog.Take(0), Key(1));
  EXPECT_EQ(backlog.Take(0), Key(6)) << "nothing is on its way to that host";
  EXPECT_EQ(backlog.Take(0), Key(2));
  EXPECT_EQ(backlog.Take(0), std::nullopt);
  EXPECT_EQ(backlog.NextDue(), model::Clock::kNever) << "one has to end first";
  backlog.Remove(Key(2));
  EXPECT_EQ(backlog.Take(0), Key(3));
}

TEST(BacklogTest, NoMoreAreOnTheirWayThanMayBe) {
  Backlog backlog(3, 2);
  for (int64_t number = 1; number <= 6; ++number) backlog.Add(Key(number), absl::StrCat("host-", number));
  for (int i = 0; i < 3; ++i) EXPECT_NE(backlog.Take(0), std::nullopt);
  EXPECT_EQ(backlog.Take(0), std::nullopt);
  EXPECT_EQ(backlog.NextDue(), model::Clock::kNever);
  backlog.PutOff(Key(1), 7);
  EXPECT_EQ(backlog.NextDue(), 0);
  EXPECT_EQ(backlog.Take(0), Key(4));
}

}  // namespace
}  // namespace millrace::webhooks
