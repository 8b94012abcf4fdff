// What a job that ended early goes back to when it is taken up.
#include <gtest/gtest.h>

#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/model/tuning_rules.h"
#include "tests/support/factories.h"
#include "tests/support/status_matchers.h"

namespace millrace::model {
namespace {

using ::millrace::testing::At;
using ::millrace::testing::ExampleJob;
using ::millrace::testing::IsOk;

/// A job with a source of which `chunks` chunks were read.
Job ReadingJob(int64_t chunks) {
  Job job = ExampleJob();
  job.source.kind = SourceKind::kRange;
  ApplyCreate(job, 1, At(0));
  if (chunks == 0) return job;
  const SourcePosition position{.records = 3 * chunks, .chunks = chunks};
  EXPECT_THAT(ApplyPush(job, {.chunks = chunks, .records = 3 * chunks, .bytes = 24 * chunks}, At(1), position), IsOk());
  return job;
}

TEST(ApplyTakeUpTest, ASourceThatBrokeIsReadOn) {
  Job job = ReadingJob(2);
  ApplyFail(job, "the database is gone", At(2));
  ASSERT_THAT(ApplyTakeUp(job, At(3)), IsOk());
  EXPECT_EQ(job.state, JobState::kInProgress);
  EXPECT_TRUE(NeedsReading(job));
  EXPECT_EQ(job.input_close_time, absl::InfinitePast());
  EXPECT_EQ(job.source_position.chunks, 2);

  Job unread = ReadingJob(0);
  ApplyFail(unread, "the file is gone", At(2));
  ASSERT_THAT(ApplyTakeUp(unread, At(3)), IsOk());
  EXPECT_EQ(unread.state, JobState::kCreated);
  EXPECT_TRUE(NeedsReading(unread));
}

TEST(ApplyTakeUpTest, ASourceThatACallerClosedIsNotReadOn) {
  Job job = ReadingJob(2);
  ASSERT_THAT(ApplyClose(job, At(2)), IsOk());
  ASSERT_THAT(ApplyCancel(job, "enough", false, At(3)), IsOk());
  ASSERT_THAT(ApplyTakeUp(job, At(4)), IsOk());
  EXPECT_EQ(job.state, JobState::kClosed);
  EXPECT_EQ(job.input_close_time, At(2));
}

TEST(ApplyTakeUpTest, ASourceThatWasReadToItsEndIsNotReadAgain) {
  Job job = ReadingJob(2);
  const SourcePosition end{.records = 6, .chunks = 2, .exhausted = true};
  ASSERT_THAT(ApplyPush(job, {}, At(2), end), IsOk());
  ASSERT_THAT(ApplyCancel(job, "enough", false, At(2)), IsOk());
  ASSERT_THAT(ApplyTakeUp(job, At(3)), IsOk());
  EXPECT_EQ(job.state, JobState::kClosed);
}

TEST(ApplyTakeUpTest, NothingOfTheEndIsLeft) {
  Job job = ReadingJob(1);
  job.counters.records_failed = 1;
  ASSERT_THAT(ApplyPause(job, "lunch", At(2)), IsOk());
  ASSERT_THAT(ApplyCancel(job, "enough", false, At(3)), IsOk());
  ASSERT_THAT(ApplyTakeUp(job, At(4)), IsOk());
  EXPECT_EQ(job.state_reason, "");
  EXPECT_EQ(job.cancel_mode, CancelMode::kNone);
  EXPECT_EQ(job.complete_time, absl::InfinitePast());
  EXPECT_EQ(job.update_time, At(4));
  EXPECT_EQ(job.pause_reason, "") << "a cancel ends a pause";
  EXPECT_EQ(RecordsSkipped(job), 0);
  EXPECT_EQ(RecordsPending(job), 2);
}

}  // namespace
}  // namespace millrace::model
