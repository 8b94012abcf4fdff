#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

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
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kEpoch = 1;

/// A job in progress with `chunks` chunks of 3 records and 24 bytes each.
Job RunningJob(int64_t chunks) {
  Job job = ExampleJob();
  ApplyCreate(job, kEpoch, At(0));
  EXPECT_THAT(ApplyPush(job, {.chunks = chunks, .records = 3 * chunks, .bytes = 24 * chunks}, At(1)), IsOk());
  return job;
}

Chunk ChunkAt(int64_t sequence) {
  Chunk chunk;
  chunk.id = "c";
  chunk.sequence = sequence;
  chunk.record_count = 3;
  chunk.input_bytes = 24;
  return chunk;
}

absl::Status CommitAt(Job& job, int64_t sequence, int32_t failed, int64_t second) {
  Chunk chunk = ChunkAt(sequence);
  return ApplyCommit(job, chunk, ExampleCommit(job.key(), sequence, 3, failed), kEpoch, At(second));
}

TEST(ApplyCommitTest, NumbersResultsInCommitOrder) {
  Job job = RunningJob(3);
  Chunk third = ChunkAt(3);
  Chunk first = ChunkAt(1);
  ASSERT_THAT(ApplyCommit(job, third, ExampleCommit(job.key(), 3), kEpoch, At(2)), IsOk());
  ASSERT_THAT(ApplyCommit(job, first, ExampleCommit(job.key(), 1), kEpoch, At(3)), IsOk());
  EXPECT_EQ(third.result_number, 1);
  EXPECT_EQ(first.result_number, 2);
  EXPECT_EQ(job.last_result, 2);
  EXPECT_EQ(job.highest_committed, 3);
}

TEST(ApplyCommitTest, SaysOnTheChunkWhenAndUnderWhatCodeItRan) {
  Job job = RunningJob(1);
  Chunk chunk = ChunkAt(1);
  ChunkCommit commit = ExampleCommit(job.key(), 1);
  commit.attempt = 4;
  commit.config_hash = "another-hash";
  ASSERT_THAT(ApplyCommit(job, chunk, commit, kEpoch, At(5)), IsOk());
  EXPECT_EQ(chunk.state, ChunkState::kCommitted);
  EXPECT_EQ(chunk.commit_time, At(5));
  EXPECT_EQ(chunk.attempts, 4);
  EXPECT_EQ(chunk.config_hash, "another-hash");
}

TEST(ApplyCommitTest, CountsRecordsChunksAndTime) {
  Job job = RunningJob(3);
  ASSERT_THAT(CommitAt(job, 1, 0, 2), IsOk());
  ASSERT_THAT(CommitAt(job, 2, 2, 2), IsOk());
  ASSERT_THAT(CommitAt(job, 3, 3, 2), IsOk());
  EXPECT_EQ(job.counters.chunks_completed, 3);
  EXPECT_EQ(job.counters.chunks_failed, 1) << "only the chunk in which every record failed";
  EXPECT_EQ(job.counters.records_completed, 4);
  EXPECT_EQ(job.counters.records_failed, 5);
  EXPECT_EQ(job.counters.compute_nanos, 9'000);
}

TEST(ApplyCommitTest, MovesBytesFromTheInputBufferToTheOutputBuffer) {
  Job job = RunningJob(2);
  ASSERT_THAT(CommitAt(job, 1, 1, 2), IsOk());
  const auto output_bytes = static_cast<int64_t>(ExampleCommit(job.key(), 1, 3, 1).outcome.json_lines.size());
  EXPECT_EQ(job.input_buffer_used_bytes, 24);
  EXPECT_EQ(job.counters.input_bytes, 48);
  EXPECT_EQ(job.output_buffer_used_bytes, output_bytes);
  EXPECT_EQ(job.counters.output_bytes, output_bytes);
  EXPECT_EQ(job.unacknowledged_records, 3);
}

TEST(ApplyCommitTest, KeepsTheTimeOfTheFirstCommit) {
  Job job = RunningJob(2);
  ASSERT_THAT(CommitAt(job, 1, 0, 2), IsOk());
  ASSERT_THAT(CommitAt(job, 2, 0, 3), IsOk());
  EXPECT_EQ(job.first_commit_time, At(2));
  EXPECT_EQ(job.update_time, At(3));
}

TEST(ApplyCommitTest, TheLastCommitCompletesAClosedJob) {
  Job job = RunningJob(2);
  ASSERT_THAT(ApplyClose(job, At(2)), IsOk());
  ASSERT_THAT(CommitAt(job, 2, 0, 3), IsOk());
  EXPECT_EQ(job.state, JobState::kClosed);
  EXPECT_EQ(job.complete_time, absl::InfinitePast());
  ASSERT_THAT(CommitAt(job, 1, 0, 4), IsOk());
  EXPECT_EQ(job.state, JobState::kCompleted);
  EXPECT_EQ(job.complete_time, At(4));
}

TEST(ApplyCommitTest, AChunkIsCommittedOnce) {
  Job job = RunningJob(2);
  Chunk chunk = ChunkAt(1);
  ASSERT_THAT(ApplyCommit(job, chunk, ExampleCommit(job.key(), 1), kEpoch, At(2)), IsOk());
  const std::string before = Describe(job) + Describe(chunk);
  EXPECT_THAT(ApplyCommit(job, chunk, ExampleCommit(job.key(), 1), kEpoch, At(3)), IsError(Reason::kLeaseStale));
  EXPECT_EQ(Describe(job) + Describe(chunk), before);
}

TEST(ApplyCommitTest, ALeaseOfAnotherEpochIsStale) {
  Job job = RunningJob(1);
  Chunk chunk = ChunkAt(1);
  EXPECT_THAT(ApplyCommit(job, chunk, ExampleCommit(job.key(), 1), kEpoch + 1, At(2)), IsError(Reason::kLeaseStale));
  EXPECT_EQ(chunk.state, ChunkState::kPending);
}

TEST(ApplyCommitTest, AChunkThatRunsWhileItsJobIsCancelledStillCounts) {
  Job job = RunningJob(2);
  ASSERT_THAT(ApplyCancel(job, "", false, At(2)), IsOk());
  ASSERT_THAT(CommitAt(job, 1, 1, 3), IsOk());
  EXPECT_EQ(job.state, JobState::kCancelled);
  EXPECT_EQ(job.complete_time, At(2));
  EXPECT_EQ(job.last_result, 1);
  EXPECT_EQ(ChunksSkipped(job), 1);
  EXPECT_EQ(RecordsSkipped(job), 3);
}

TEST(ApplyCommitTest, AnOutcomeMustSpeakOfEachRecordOnce) {
  Job job = RunningJob(1);
  Chunk chunk = ChunkAt(1);
  const std::string before = Describe(job) + Describe(chunk);
  for (const int32_t records : {2, 4}) {
    EXPECT_THAT(ApplyCommit(job, chunk, ExampleCommit(job.key(), 1, records), kEpoch, At(2)),
                IsError(Reason::kInternalError));
  }
  ChunkCommit too_many_failures = ExampleCommit(job.key(), 1, 3, 3);
  too_many_failures.outcome.failures.push_back(millrace::testing::ExampleFailure(3));
  EXPECT_THAT(ApplyCommit(job, chunk, too_many_failures, kEpoch, At(2)), IsError(Reason::kInternalError));
  EXPECT_EQ(Describe(job) + Describe(chunk), before);
}

TEST(ApplyCommitTest, WithOrderedResultsAChunkCommitsBehindThoseBeforeIt) {
  Job job = RunningJob(4);
  job.options.order_results = true;
  const std::string before = Describe(job);
  EXPECT_THAT(CommitAt(job, 2, 0, 2), IsError(Reason::kInternalError));
  EXPECT_EQ(Describe(job), before);
  std::set<int64_t> ahead;
  EXPECT_THAT(CommitAt(job, 1, 0, 2), IsOk());
  AdvanceWatermark(job, ahead, 1);
  EXPECT_THAT(CommitAt(job, 2, 0, 2), IsOk());
  AdvanceWatermark(job, ahead, 2);
  ASSERT_THAT(ApplyCancel(job, "", false, At(3)), IsOk());
  EXPECT_THAT(CommitAt(job, 4, 0, 4), IsOk()) << "what was skipped leaves a gap";
  AdvanceWatermark(job, ahead, 4);
  EXPECT_THAT(CommitAt(job, 3, 0, 4), IsError(Reason::kLeaseStale)) << "and nothing comes behind it";
  EXPECT_EQ(RecordsSkipped(job), 3);
  ASSERT_THAT(ApplyTakeUp(job, At(5)), IsOk());
  EXPECT_THAT(CommitAt(job, 3, 0, 6), IsOk()) << "unless the job is taken up";
  EXPECT_EQ(job.state, JobState::kCompleted);
}

TEST(AdvanceWatermarkTest, FollowsCommitsInOrder) {
  Job job = RunningJob(2);
  std::set<int64_t> ahead;
  AdvanceWatermark(job, ahead, 1);
  EXPECT_EQ(job.watermark, 1);
  AdvanceWatermark(job, ahead, 2);
  EXPECT_EQ(job.watermark, 2);
  EXPECT_THAT(ahead, IsEmpty());
}

TEST(AdvanceWatermarkTest, WaitsForAGapAndThenJumpsOverWhatIsBeyondIt) {
  Job job = RunningJob(6);
  std::set<int64_t> ahead;
  for (const int64_t sequence : {3, 2, 5}) AdvanceWatermark(job, ahead, sequence);
  EXPECT_EQ(job.watermark, 0);
  EXPECT_THAT(ahead, ElementsAre(2, 3, 5));
  AdvanceWatermark(job, ahead, 1);
  EXPECT_EQ(job.watermark, 3);
  EXPECT_THAT(ahead, ElementsAre(5));
}

}  // namespace
}  // namespace millrace::model
