#include "server/core/pipeline_activity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace millrace::core {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Duration kTimeout = absl::Minutes(30);

model::JobKey KeyOf(const std::string& id) { return {"default", id}; }

model::JobPtr OpenJob(const std::string& id, model::JobState state = model::JobState::kInProgress) {
  model::Job job;
  job.tenant = "default";
  job.id = id;
  job.state = state;
  job.options.idle_timeout = kTimeout;
  return std::make_shared<const model::Job>(job);
}

class PipelineActivityTest : public ::testing::Test {
 protected:
  model::ManualClock clock_{absl::UnixEpoch()};
  PipelineActivity activity_{&clock_};
};

TEST_F(PipelineActivityTest, TheLongestUnusedComesFirst) {
  activity_.OnJobChanged(OpenJob("b"));
  clock_.Advance(absl::Seconds(1));
  activity_.OnJobChanged(OpenJob("a"));
  clock_.Advance(kTimeout);
  EXPECT_THAT(activity_.TakeUnused(1), ElementsAre(KeyOf("b")));
  EXPECT_THAT(activity_.TakeUnused(5), ElementsAre(KeyOf("a")));
}

TEST_F(PipelineActivityTest, AnUnusedPipelineIsNamedAgainALittleLater) {
  activity_.OnJobChanged(OpenJob("a"));
  clock_.Advance(kTimeout);
  EXPECT_THAT(activity_.TakeUnused(5), ElementsAre(KeyOf("a")));
  EXPECT_THAT(activity_.TakeUnused(5), IsEmpty());
  clock_.Advance(PipelineActivity::kNamedAgainAfter);
  EXPECT_THAT(activity_.TakeUnused(5), ElementsAre(KeyOf("a")));
}

TEST_F(PipelineActivityTest, APipelineThatIsUsedIsNotNamed) {
  activity_.OnJobChanged(OpenJob("a"));
  clock_.Advance(kTimeout / 2);
  activity_.OnUse(KeyOf("a"));
  clock_.Advance(kTimeout / 2);
  EXPECT_THAT(activity_.TakeUnused(5), IsEmpty());
}

TEST_F(PipelineActivityTest, APipelineIsInUseAsLongAsSomebodyWaits) {
  activity_.OnJobChanged(OpenJob("a"));
  ASSERT_TRUE(activity_.BeginWait(KeyOf("a")));
  ASSERT_TRUE(activity_.BeginWait(KeyOf("a")));
  clock_.Advance(10 * kTimeout);
  EXPECT_THAT(activity_.TakeUnused(5), IsEmpty());
  activity_.EndWait(KeyOf("a"));
  clock_.Advance(10 * kTimeout);
  EXPECT_THAT(activity_.TakeUnused(5), IsEmpty());
  activity_.EndWait(KeyOf("a"));
  clock_.Advance(kTimeout - absl::Nanoseconds(1));
  EXPECT_THAT(activity_.TakeUnused(5), IsEmpty());
  clock_.Advance(absl::Nanoseconds(1));
  EXPECT_THAT(activity_.TakeUnused(5), ElementsAre(KeyOf("a")));
}

TEST_F(PipelineActivityTest, AWaitForAClosedPipelineIsNotCounted) {
  EXPECT_FALSE(activity_.BeginWait(KeyOf("a")));
  activity_.OnJobChanged(OpenJob("a"));
  activity_.EndWait(KeyOf("a"));
  clock_.Advance(kTimeout);
  EXPECT_THAT(activity_.TakeUnused(5), ElementsAre(KeyOf("a")));
}

TEST_F(PipelineActivityTest, AClosedPipelineIsForgotten) {
  activity_.OnJobChanged(OpenJob("a"));
  activity_.OnJobChanged(OpenJob("a", model::JobState::kClosed));
  EXPECT_EQ(activity_.size(), 0u);
  clock_.Advance(kTimeout);
  EXPECT_THAT(activity_.TakeUnused(5), IsEmpty());
}

TEST_F(PipelineActivityTest, ManyClosedPipelinesLeaveNothingBehind) {
  activity_.OnJobChanged(OpenJob("open"));
  for (int i = 0; i < 5'000; ++i) {
    const std::string id = std::to_string(i);
    activity_.OnJobChanged(OpenJob(id));
    activity_.OnJobChanged(OpenJob(id, model::JobState::kClosed));
  }
  EXPECT_LE(activity_.looks(), PipelineActivity::kLooksMin + 2);
  clock_.Advance(kTimeout);
  EXPECT_THAT(activity_.TakeUnused(5), ElementsAre(KeyOf("open")));
}

TEST_F(PipelineActivityTest, AUseOfAnUnknownPipelineIsNoMatter) {
  activity_.OnUse(KeyOf("nobody"));
  EXPECT_EQ(activity_.size(), 0u);
}

}  // namespace
}  // namespace millrace::core
