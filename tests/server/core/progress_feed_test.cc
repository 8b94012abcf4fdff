#include "server/core/progress_feed.h"

#include <gtest/gtest.h>

namespace millrace::core {
namespace {

model::JobPtr JobNamed(const std::string& id) {
  model::Job job;
  job.tenant = "default";
  job.id = id;
  return std::make_shared<const model::Job>(job);
}

TEST(ProgressFeedTest, AWatcherSeesOnlyItsOwnJob) {
  ProgressFeed feed;
  int seen = 0;
  feed.Watch({"default", "a"}, [&](const model::JobPtr&) { return ++seen > 100; });
  feed.OnJobChanged(JobNamed("b"));
  EXPECT_EQ(seen, 0);
  feed.OnJobChanged(JobNamed("a"));
  feed.OnJobChanged(JobNamed("a"));
  EXPECT_EQ(seen, 2);
}

TEST(ProgressFeedTest, AWatcherThatHasSeenEnoughIsRemoved) {
  ProgressFeed feed;
  int seen = 0;
  const auto id = feed.Watch({"default", "a"}, [&](const model::JobPtr&) { return ++seen == 1; });
  feed.OnJobChanged(JobNamed("a"));
  feed.OnJobChanged(JobNamed("a"));
  EXPECT_EQ(seen, 1);
  EXPECT_FALSE(feed.Unwatch({"default", "a"}, id));
}

TEST(ProgressFeedTest, AnUnwatchedWatcherRunsNoMore) {
  ProgressFeed feed;
  int seen = 0;
  const auto id = feed.Watch({"default", "a"}, [&](const model::JobPtr&) { return ++seen == 0; });
  EXPECT_TRUE(feed.Unwatch({"default", "a"}, id));
  feed.OnJobChanged(JobNamed("a"));
  EXPECT_EQ(seen, 0);
}

TEST(ProgressFeedTest, RemovingOneWatcherKeepsTheOthers) {
  ProgressFeed feed;
  int first = 0, second = 0;
  feed.Watch({"default", "a"}, [&](const model::JobPtr&) { return ++first == 1; });
  feed.Watch({"default", "a"}, [&](const model::JobPtr&) { return ++second == 2; });
  feed.OnJobChanged(JobNamed("a"));
  feed.OnJobChanged(JobNamed("a"));
  feed.OnJobChanged(JobNamed("a"));
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 2);
}

TEST(ProgressFeedTest, AClosedFeedTellsEveryWatcherOnce) {
  ProgressFeed feed;
  int early = 0, late = 0;
  feed.Watch(
      {"default", "a"}, [](const model::JobPtr&) { return false; }, [&] { ++early; });
  feed.Watch({"default", "a"}, [](const model::JobPtr&) { return false; });
  feed.Close();
  feed.Close();
  EXPECT_EQ(early, 1);
  feed.Watch(
      {"default", "a"}, [](const model::JobPtr&) { return false; }, [&] { ++late; });
  EXPECT_EQ(late, 1);
}

}  // namespace
}  // namespace millrace::core
