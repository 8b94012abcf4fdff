#include "storage/model/error_budget.h"

#include <gtest/gtest.h>

#include "storage/model/job_rules.h"
#include "tests/support/factories.h"
#include "tests/support/status_matchers.h"

namespace millrace::model {
namespace {

using ::millrace::testing::At;
using ::millrace::testing::ExampleCommit;
using ::millrace::testing::ExampleJob;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;

Job JobWith(double max_failed_ratio, int64_t min_records, int64_t chunks = 3) {
  Job job = ExampleJob();
  job.options.max_failed_ratio = max_failed_ratio;
  job.options.min_records_for_ratio = min_records;
  ApplyCreate(job, 1, At(0));
  EXPECT_THAT(ApplyPush(job, {.chunks = chunks, .records = 100 * chunks, .bytes = 800 * chunks}, At(1)), IsOk());
  return job;
}

/// Commits chunk `sequence` of 100 records.
absl::Status Commit(Job& job, int64_t sequence, int32_t failed) {
  Chunk chunk;
  chunk.id = "c";
  chunk.sequence = sequence;
  chunk.record_count = 100;
  chunk.input_bytes = 800;
  return ApplyCommit(job, chunk, ExampleCommit(job.key(), sequence, 100, failed), 1, At(1 + sequence));
}

TEST(ErrorBudgetTest, AShareAboveTheRatioFailsTheJobWithTheNumbers) {
  Job job = JobWith(0.29, 0);
  ASSERT_THAT(Commit(job, 1, 30), IsOk());
  EXPECT_EQ(job.state, JobState::kFailed);
  EXPECT_EQ(job.state_reason,
            "error budget spent: 30 of 100 records failed, a share of 0.3, and max_failed_ratio is 0.29");
  EXPECT_EQ(job.complete_time, At(2));
  EXPECT_EQ(job.input_close_time, At(2));
}

TEST(ErrorBudgetTest, AShareOfExactlyTheRatioIsBorne) {
  for (const int32_t failed : {1, 7, 29, 30, 57, 58, 99, 100}) {
    Job job = JobWith(static_cast<double>(failed) / 100, 0);
    ASSERT_THAT(Commit(job, 1, failed), IsOk());
    EXPECT_EQ(job.state, JobState::kInProgress) << failed << ": " << job.state_reason;
  }
}

TEST(ErrorBudgetTest, NothingIsJudgedBeforeEnoughRecordsAreThrough) {
  Job job = JobWith(0.1, 200);
  ASSERT_THAT(Commit(job, 1, 100), IsOk());
  EXPECT_EQ(job.state, JobState::kInProgress);
  ASSERT_THAT(Commit(job, 2, 0), IsOk());
  EXPECT_EQ(job.state, JobState::kFailed);
}

TEST(ErrorBudgetTest, AJobThatNeverHasEnoughRecordsCompletes) {
  Job job = JobWith(0.1, 1'000, 1);
  ASSERT_THAT(ApplyClose(job, At(2)), IsOk());
  ASSERT_THAT(Commit(job, 1, 100), IsOk());
  EXPECT_EQ(job.state, JobState::kCompleted);
  EXPECT_EQ(OutcomeOf(job), Outcome::kFailedAll);
}

TEST(ErrorBudgetTest, ARatioOfZeroFailsAtTheFirstFailureAndOneNever) {
  Job strict = JobWith(0, 0);
  ASSERT_THAT(Commit(strict, 1, 0), IsOk());
  EXPECT_EQ(strict.state, JobState::kInProgress);
  ASSERT_THAT(Commit(strict, 2, 1), IsOk());
  EXPECT_EQ(strict.state, JobState::kFailed);
  Job lenient = JobWith(1, 0);
  ASSERT_THAT(Commit(lenient, 1, 100), IsOk());
  EXPECT_EQ(lenient.state, JobState::kInProgress);
}

TEST(ErrorBudgetTest, StopOnErrorNamesChunkRecordAndCode) {
  Job job = JobWith(1, 0);
  job.options.stop_on_error = true;
  ASSERT_THAT(Commit(job, 1, 0), IsOk());
  EXPECT_EQ(job.state, JobState::kInProgress);
  ASSERT_THAT(Commit(job, 2, 1), IsOk());
  EXPECT_EQ(job.state, JobState::kFailed);
  EXPECT_EQ(job.state_reason, "stop_on_error: record 0 of chunk 2 ('c') failed with FAILED");
}

TEST(ErrorBudgetTest, WhatIsLeftIsSkippedAndWhatRanAtThatMomentIsRefused) {
  Job job = JobWith(0.5, 0);
  ASSERT_THAT(Commit(job, 2, 60), IsOk());
  EXPECT_THAT(Commit(job, 1, 0), IsError(Reason::kLeaseStale));
  EXPECT_EQ(ChunksSkipped(job), 2);
  EXPECT_EQ(RecordsSkipped(job), 200);
  EXPECT_EQ(job.counters.records_completed + job.counters.records_failed + RecordsSkipped(job),
            job.counters.records_submitted);
}

TEST(ErrorBudgetTest, ResultsMadeSoFarStayPullableAndTheJobIsThenDrained) {
  Job job = JobWith(0.5, 0);
  ASSERT_THAT(Commit(job, 1, 60), IsOk());
  EXPECT_EQ(ResultsAvailable(job), 1);
  EXPECT_FALSE(IsDrained(job, 0));
  EXPECT_TRUE(IsDrained(job, 1, /*running_chunks=*/2));
  EXPECT_TRUE(ApplyAcknowledge(job, 1, 10, 100, At(9)));
}

TEST(ErrorBudgetTest, TheLastChunkOfAClosedJobMayStillSpendTheBudget) {
  Job job = JobWith(0.5, 0, 1);
  ASSERT_THAT(ApplyClose(job, At(2)), IsOk());
  ASSERT_THAT(Commit(job, 1, 51), IsOk());
  EXPECT_EQ(job.state, JobState::kFailed);
  EXPECT_EQ(job.input_close_time, At(2));
}

TEST(ErrorBudgetTest, ACancelledJobStaysCancelledWhateverItsLastChunksBring) {
  Job job = JobWith(0.5, 0);
  ASSERT_THAT(ApplyCancel(job, "enough", false, At(2)), IsOk());
  ASSERT_THAT(Commit(job, 1, 100), IsOk());
  EXPECT_EQ(job.state, JobState::kCancelled);
  EXPECT_EQ(job.state_reason, "enough");
}

TEST(ErrorBudgetTest, APushToAFailedJobSaysWhyItFailed) {
  Job job = JobWith(0.5, 0);
  ASSERT_TRUE(ApplyFail(job, "the disk is gone", At(2)));
  const absl::Status refused = ApplyPush(job, {.chunks = 1, .records = 1, .bytes = 8}, At(3)).status();
  EXPECT_THAT(refused, IsError(Reason::kPipelineClosed));
  EXPECT_EQ(refused.message(), "pipeline job-1 is closed: its state is FAILED (the disk is gone)");
  EXPECT_EQ(testing::MetadataOf(refused, "state_reason"), "the disk is gone");
}

/// Commits chunk `sequence` of 100 records, all of which failed or are held.
absl::Status CommitHeld(Job& job, int64_t sequence, int32_t failed, int32_t held) {
  Chunk chunk;
  chunk.sequence = sequence;
  chunk.record_count = 100;
  ChunkCommit commit = ExampleCommit(job.key(), sequence, 100, failed + held);
  for (int32_t i = 0; i < held; ++i) commit.outcome.failures[static_cast<size_t>(i)].held = true;
  return ApplyCommit(job, chunk, commit, 1, At(1 + sequence));
}

TEST(ErrorBudgetTest, RecordsThatAreHeldSpendNothing) {
  Job job = JobWith(0.1, 0);
  ASSERT_THAT(CommitHeld(job, 1, 10, 90), IsOk());
  EXPECT_EQ(job.state, JobState::kInProgress) << job.state_reason;
  EXPECT_EQ(job.counters.records_failed, 100);
  EXPECT_EQ(job.counters.records_held, 90);
  ASSERT_THAT(CommitHeld(job, 2, 11, 60), IsOk());
  EXPECT_EQ(job.state_reason,
            "error budget spent: 21 of 200 records failed, a share of 0.105, and max_failed_ratio is 0.1");
}

TEST(ErrorBudgetTest, StopOnErrorPassesOverRecordsThatAreHeld) {
  Job job = JobWith(1, 0);
  job.options.stop_on_error = true;
  ASSERT_THAT(CommitHeld(job, 1, 0, 7), IsOk());
  EXPECT_EQ(job.state, JobState::kInProgress);
  ASSERT_THAT(CommitHeld(job, 2, 1, 7), IsOk());
  EXPECT_EQ(job.state, JobState::kFailed);
  EXPECT_EQ(job.state_reason, "stop_on_error: record 7 of chunk 2 ('') failed with FAILED");
}

TEST(ErrorBudgetTest, WhatAPersonHasAnsweredIsHeldNoMore) {
  Job job = JobWith(1, 0);
  ASSERT_THAT(CommitHeld(job, 1, 5, 20), IsOk());
  ASSERT_THAT(ApplyRerun(job, 8, At(3)), IsOk());
  Chunk rerun;
  rerun.sequence = 4;
  rerun.record_count = 3;
  rerun.replaces = {{1, 0}, {1, 1}, {1, 24}};
  rerun.replaces_held = 2;
  ChunkCommit commit = ExampleCommit(job.key(), 4, 3, 1);
  commit.outcome.failures[0].held = true;
  ASSERT_THAT(ApplyCommit(job, rerun, commit, 1, At(4)), IsOk());
  EXPECT_EQ(job.counters.records_held, 20 - 2 + 1) << "one asks again";
  EXPECT_EQ(job.counters.records_failed, 25 - 2);
  ApplyDiscard(job, true, At(5));
  ApplyDiscard(job, false, At(5));
  EXPECT_EQ(job.counters.records_held, 18);
  EXPECT_EQ(job.counters.records_failed, 21);
}

}  // namespace
}  // namespace millrace::model
