#include "storage/model/notice.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/factories.h"

namespace millrace::model {
namespace {

using ::millrace::testing::At;
using ::millrace::testing::ExampleJob;

JobEvent StateChange(JobState to) { return {.kind = JobEventKind::kStateChanged, .to_state = to}; }

TEST(NoticeTest, OnlyEndsPausesAndTheFirstExceptionAreTold) {
  for (const JobState state :
       {JobState::kCompleted, JobState::kCompletedByTimeout, JobState::kFailed, JobState::kCancelled}) {
    EXPECT_EQ(NoticeKindOf(StateChange(state)), NoticeKind::kEnded);
  }
  EXPECT_EQ(NoticeKindOf(StateChange(JobState::kPaused)), NoticeKind::kPaused);
  EXPECT_EQ(NoticeKindOf({.kind = JobEventKind::kFirstException}), NoticeKind::kFirstException);
  EXPECT_EQ(NoticeKindOf(StateChange(JobState::kClosed)), std::nullopt);
  EXPECT_EQ(NoticeKindOf({.kind = JobEventKind::kSourceRead}), std::nullopt);
  EXPECT_EQ(NoticeKindOf({.kind = JobEventKind::kWebhookGivenUp}), std::nullopt);
}

TEST(NoticeTest, AJobTellsWhatItsWebhookAsksForAndNothingWithoutOne) {
  Job job = ExampleJob();
  EXPECT_FALSE(IsToBeTold(job, StateChange(JobState::kFailed)));
  job.options.webhook = {.url = "http://h", .tells_pause = true};
  EXPECT_FALSE(IsToBeTold(job, StateChange(JobState::kFailed)));
  EXPECT_TRUE(IsToBeTold(job, StateChange(JobState::kPaused)));
}

TEST(NoticeTest, AnIdIsNeverThatOfTheNextJobOfTheName) {
  EXPECT_EQ(NoticeId({{"t", "job-1"}, At(0), 7}), "job-1-1704067200000000-7");
  EXPECT_NE(NoticeId({{"t", "job-1"}, At(0), 7}), NoticeId({{"t", "job-1"}, At(1), 7}));
}

}  // namespace
}  // namespace millrace::model
