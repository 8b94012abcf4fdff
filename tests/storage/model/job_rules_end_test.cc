#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "tests/support/describe.h"
#include "tests/support/factories.h"
#include "tests/support/status_matchers.h"

namespace millrace::model {
namespace {

using ::millrace::testing::At;
using ::millrace::testing::Describe;
using ::millrace::testing::ExampleCommit;
using ::millrace::testing::ExampleJob;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using ::millrace::testing::MetadataOf;

Job NewJob() {
  Job job = ExampleJob();
  ApplyCreate(job, 1, At(0));
  return job;
}

/// A job with `pushed` chunks of 3 records and 24 bytes, the first `committed` of them committed with one failure each.
Job JobWith(int64_t pushed, int64_t committed) {
  Job job = NewJob();
  EXPECT_THAT(ApplyPush(job, {.chunks = pushed, .records = 3 * pushed, .bytes = 24 * pushed}, At(1)), IsOk());
  for (int64_t sequence = 1; sequence <= committed; ++sequence) {
    Chunk chunk;
    chunk.sequence = sequence;
    chunk.record_count = 3;
    chunk.input_bytes = 24;
    EXPECT_THAT(ApplyCommit(job, chunk, ExampleCommit(job.key(), sequence, 3, 1), 1, At(2)), IsOk());
  }
  return job;
}

TEST(ApplyCloseTest, AnEmptyJobCompletesAtOnce) {
  Job job = NewJob();
  ASSERT_OK_AND_ASSIGN(const bool changed, ApplyClose(job, At(5)));
  EXPECT_TRUE(changed);
  EXPECT_EQ(job.state, JobState::kCompleted);
  EXPECT_EQ(job.input_close_time, At(5));
  EXPECT_EQ(job.complete_time, At(5));
  EXPECT_EQ(OutcomeOf(job), Outcome::kSucceeded);
}

TEST(ApplyCloseTest, AJobWithEverythingCommittedCompletesAtOnce) {
  Job job = JobWith(2, 2);
  ASSERT_THAT(ApplyClose(job, At(5)), IsOk());
  EXPECT_EQ(job.state, JobState::kCompleted);
}

TEST(ApplyCloseTest, AJobWithWaitingChunksDrains) {
  Job job = JobWith(2, 1);
  ASSERT_THAT(ApplyClose(job, At(5)), IsOk());
  EXPECT_EQ(job.state, JobState::kClosed);
  EXPECT_EQ(job.input_close_time, At(5));
  EXPECT_EQ(job.complete_time, absl::InfinitePast());
  EXPECT_EQ(ChunksPending(job), 1);
}

TEST(ApplyCloseTest, ASecondCloseChangesNothing) {
  for (Job job : {JobWith(2, 1), JobWith(2, 2)}) {
    ASSERT_THAT(ApplyClose(job, At(5)), IsOk());
    const std::string before = Describe(job);
    ASSERT_OK_AND_ASSIGN(const bool changed, ApplyClose(job, At(6)));
    EXPECT_FALSE(changed);
    EXPECT_EQ(Describe(job), before);
  }
}

TEST(ApplyCancelTest, WithoutForceKeepsResultsAndSkipsWhatWaits) {
  Job job = JobWith(3, 1);
  const int64_t output_bytes = job.output_buffer_used_bytes;
  ASSERT_OK_AND_ASSIGN(const bool changed, ApplyCancel(job, "wrong file", false, At(5)));
  EXPECT_TRUE(changed);
  EXPECT_EQ(job.cancel_mode, CancelMode::kDrain);
  EXPECT_EQ(job.state_reason, "wrong file");
  EXPECT_EQ(job.complete_time, At(5));
  EXPECT_EQ(job.input_close_time, At(5));
  EXPECT_EQ(job.output_buffer_used_bytes, output_bytes);
  EXPECT_EQ(ResultsAvailable(job), 1);
  EXPECT_EQ(ChunksSkipped(job), 2);
  EXPECT_EQ(RecordsSkipped(job), 6);
  EXPECT_EQ(ChunksPending(job), 0);
}

TEST(ApplyCancelTest, WithForceEmptiesBothBuffers) {
  Job job = JobWith(3, 1);
  ASSERT_THAT(ApplyCancel(job, "wrong file", true, At(5)), IsOk());
  EXPECT_EQ(job.cancel_mode, CancelMode::kForce);
  EXPECT_EQ(job.input_buffer_used_bytes, 0);
  EXPECT_EQ(job.output_buffer_used_bytes, 0);
  EXPECT_EQ(job.unacknowledged_records, 0);
  EXPECT_EQ(job.last_result, 1);
  EXPECT_EQ(ResultsAvailable(job), 0);
}

TEST(ApplyCancelTest, KeepsTheTimeAtWhichAClosedJobWasClosed) {
  Job job = JobWith(2, 1);
  ASSERT_THAT(ApplyClose(job, At(5)), IsOk());
  ASSERT_THAT(ApplyCancel(job, "", false, At(6)), IsOk());
  EXPECT_EQ(job.input_close_time, At(5));
  EXPECT_EQ(job.complete_time, At(6));
}

TEST(ApplyCancelTest, ASecondCallMayAddForceButNotTakeItBack) {
  Job job = JobWith(3, 1);
  ASSERT_THAT(ApplyCancel(job, "first", false, At(5)), IsOk());
  ASSERT_OK_AND_ASSIGN(const bool repeated, ApplyCancel(job, "again", false, At(6)));
  EXPECT_FALSE(repeated);
  ASSERT_OK_AND_ASSIGN(const bool forced, ApplyCancel(job, "", true, At(7)));
  EXPECT_TRUE(forced);
  EXPECT_EQ(job.cancel_mode, CancelMode::kForce);
  EXPECT_EQ(job.state_reason, "first");
  EXPECT_EQ(job.complete_time, At(5));
  EXPECT_EQ(job.input_buffer_used_bytes, 0);

  const std::string before = Describe(job);
  for (const bool force : {false, true}) {
    ASSERT_OK_AND_ASSIGN(const bool changed, ApplyCancel(job, "late", force, At(8)));
    EXPECT_FALSE(changed);
    EXPECT_EQ(Describe(job), before);
  }
}

TEST(OutcomeTest, FollowsFromTheCounters) {
  struct Case {
    int64_t completed;
    int64_t failed;
    Outcome outcome;
  };
  for (const Case& c : {Case{0, 0, Outcome::kSucceeded}, Case{5, 0, Outcome::kSucceeded}, Case{5, 1, Outcome::kPartial},
                        Case{0, 1, Outcome::kFailedAll}}) {
    Job job = NewJob();
    job.counters.records_completed = c.completed;
    job.counters.records_failed = c.failed;
    for (const JobState state : {JobState::kCompleted, JobState::kCompletedByTimeout}) {
      job.state = state;
      EXPECT_EQ(OutcomeOf(job), c.outcome) << c.completed << " " << c.failed;
    }
    for (const JobState state : {JobState::kInProgress, JobState::kClosed, JobState::kCancelled, JobState::kFailed}) {
      job.state = state;
      EXPECT_EQ(OutcomeOf(job), Outcome::kNone);
    }
  }
}

TEST(IsDrainedTest, OnlyAFinalJobWithNothingBehindTheCursorIs) {
  Job job = JobWith(2, 1);
  EXPECT_FALSE(IsDrained(job, 1));
  ASSERT_THAT(ApplyClose(job, At(3)), IsOk());
  EXPECT_FALSE(IsDrained(job, 1));
  Job done = JobWith(2, 2);
  ASSERT_THAT(ApplyClose(done, At(3)), IsOk());
  EXPECT_FALSE(IsDrained(done, 1));
  EXPECT_TRUE(IsDrained(done, 2));
}

TEST(IsDrainedTest, ACancelledJobDrainsWhenNothingRunsAnyMore) {
  Job job = JobWith(3, 1);
  ASSERT_THAT(ApplyCancel(job, "", false, At(3)), IsOk());
  EXPECT_FALSE(IsDrained(job, 1, /*running_chunks=*/1));
  EXPECT_TRUE(IsDrained(job, 1, /*running_chunks=*/0));
  EXPECT_FALSE(IsDrained(job, 0));
}

TEST(IsDrainedTest, AForcedCancelDrainsBehindWhatWasAcknowledged) {
  Job job = JobWith(3, 2);
  ASSERT_TRUE(ApplyAcknowledge(job, 1, 0, 3, At(3)));
  ASSERT_THAT(ApplyCancel(job, "", true, At(3)), IsOk());
  EXPECT_FALSE(IsDrained(job, 0));
  EXPECT_TRUE(IsDrained(job, 1, /*running_chunks=*/1));
}

TEST(CheckCursorTest, TakesResultsThatExistAndZero) {
  const Job job = JobWith(3, 2);
  for (const int64_t cursor : {0, 1, 2}) EXPECT_THAT(CheckCursor(job, cursor, "cursor"), IsOk());
}

TEST(CheckCursorTest, ANegativeCursorIsABadField) {
  const absl::Status refused = CheckCursor(NewJob(), -1, "after");
  EXPECT_THAT(refused, IsError(Reason::kFieldInvalid));
  EXPECT_EQ(DetailsOf(refused).field, "after");
}

TEST(CheckCursorTest, ACursorFromTheFutureNamesTheNewestResult) {
  const absl::Status refused = CheckCursor(JobWith(3, 2), 3, "after");
  EXPECT_THAT(refused, IsError(Reason::kCursorInFuture));
  EXPECT_EQ(MetadataOf(refused, "newest"), "2");
  EXPECT_EQ(DetailsOf(refused).field, "after");
}

TEST(ApplyAcknowledgeTest, FreesTheOutputBuffer) {
  Job job = JobWith(3, 3);
  const int64_t third = job.output_buffer_used_bytes / 3;
  ASSERT_TRUE(ApplyAcknowledge(job, 2, 2 * third, 6, At(4)));
  EXPECT_EQ(job.acknowledged_result, 2);
  EXPECT_EQ(job.output_buffer_used_bytes, third);
  EXPECT_EQ(job.unacknowledged_records, 3);
  EXPECT_EQ(job.update_time, At(4));
  EXPECT_EQ(ResultsAvailable(job), 1);
}

TEST(ApplyAcknowledgeTest, NeverGoesBack) {
  Job job = JobWith(3, 3);
  ASSERT_TRUE(ApplyAcknowledge(job, 2, 10, 6, At(4)));
  const std::string before = Describe(job);
  for (const int64_t cursor : {0, 1, 2}) {
    EXPECT_FALSE(WouldAcknowledge(job, cursor));
    EXPECT_FALSE(ApplyAcknowledge(job, cursor, 10, 3, At(5)));
  }
  EXPECT_EQ(Describe(job), before);
}

TEST(ApplyAcknowledgeTest, ThereIsNothingToAcknowledgeAfterAForcedCancel) {
  Job job = JobWith(3, 3);
  ASSERT_THAT(ApplyCancel(job, "", true, At(4)), IsOk());
  EXPECT_FALSE(WouldAcknowledge(job, 3));
  EXPECT_FALSE(ApplyAcknowledge(job, 3, 10, 9, At(5)));
  EXPECT_EQ(job.acknowledged_result, 0);
  EXPECT_EQ(job.output_buffer_used_bytes, 0);
}

}  // namespace
}  // namespace millrace::model
