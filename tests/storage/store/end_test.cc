#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "storage/model/errors.h"
#include "tests/storage/store/job_store_fixture.h"

namespace millrace::store {
namespace {

using ::millrace::testing::At;
using ::millrace::testing::Describe;
using ::millrace::testing::ExampleCommit;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using model::JobKey;
using model::JobPtr;
using model::JobState;
using model::Reason;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class EndTest : public JobStoreTest {};

TEST_P(EndTest, ClosingAnEmptyJobCompletesIt) {
  const JobKey job = Create()->key();
  Tick();
  ASSERT_OK_AND_ASSIGN(const JobPtr closed, store().CloseJob(job));
  EXPECT_EQ(closed->state, JobState::kCompleted);
  EXPECT_EQ(closed->input_close_time, At(1));
  EXPECT_EQ(closed->complete_time, At(1));
  ASSERT_OK_AND_ASSIGN(const JobPtr stored, store().GetJob(job));
  EXPECT_EQ(Describe(*stored), Describe(*closed));
}

TEST_P(EndTest, AClosedJobDrains) {
  const JobKey job = Create()->key();
  PushMany(job, 1);
  ASSERT_OK_AND_ASSIGN(const JobPtr closed, store().CloseJob(job));
  EXPECT_EQ(closed->state, JobState::kClosed);
  EXPECT_THAT(store().ReadChunk(job, 1), IsOk());
  CommitOne(job, 1);
  EXPECT_THAT(Results(job), SizeIs(1));
}

TEST_P(EndTest, ASecondCloseReturnsTheSameJob) {
  const JobKey job = Create()->key();
  PushMany(job, 1);
  ASSERT_THAT(store().CloseJob(job), IsOk());
  const std::string before = Everything(job);
  Tick();
  ASSERT_OK_AND_ASSIGN(const JobPtr again, store().CloseJob(job));
  EXPECT_EQ(again->state, JobState::kClosed);
  EXPECT_EQ(Everything(job), before);
}

TEST_P(EndTest, ACancelledJobCannotBeClosedNorACompletedOneCancelled) {
  const JobKey cancelled = Create("cancelled")->key();
  ASSERT_THAT(store().CancelJob(cancelled, "", false), IsOk());
  EXPECT_THAT(store().CloseJob(cancelled), IsError(Reason::kPipelineCancelled));
  const JobKey completed = Create("completed")->key();
  ASSERT_THAT(store().CloseJob(completed), IsOk());
  for (const bool force : {false, true}) {
    EXPECT_THAT(store().CancelJob(completed, "", force), IsError(Reason::kPipelineClosed));
  }
}

TEST_P(EndTest, CancellingKeepsResultsAndLetsRunningChunksCommit) {
  const JobKey job = Create()->key();
  PushMany(job, 3);
  CommitOne(job, 1);
  Tick();
  ASSERT_OK_AND_ASSIGN(const JobPtr cancelled, store().CancelJob(job, "wrong file", false));
  EXPECT_EQ(cancelled->state, JobState::kCancelled);
  EXPECT_EQ(cancelled->cancel_mode, model::CancelMode::kDrain);
  EXPECT_EQ(cancelled->state_reason, "wrong file");
  EXPECT_EQ(cancelled->complete_time, At(1));
  EXPECT_THAT(store().ReadChunk(job, 3), IsOk());
  ASSERT_OK_AND_ASSIGN(const JobPtr after, Commit(ExampleCommit(job, 2)));
  EXPECT_EQ(after->state, JobState::kCancelled);
  EXPECT_EQ(after->complete_time, At(1));
  EXPECT_THAT(Results(job), SizeIs(2));
  EXPECT_THAT(store().Acknowledge(job, 2, "cursor"), IsOk());
}

TEST_P(EndTest, AForcedCancelDiscardsInputAndUnacknowledgedOutput) {
  const JobKey job = Create()->key();
  PushMany(job, 4);
  for (const int64_t sequence : {1, 2, 3}) CommitOne(job, sequence, 1);
  ASSERT_THAT(store().Acknowledge(job, 1, "cursor"), IsOk());
  ASSERT_OK_AND_ASSIGN(const JobPtr cancelled, store().CancelJob(job, "", true));
  EXPECT_EQ(cancelled->input_buffer_used_bytes, 0);
  EXPECT_EQ(cancelled->output_buffer_used_bytes, 0);
  EXPECT_EQ(cancelled->unacknowledged_records, 0);
  EXPECT_EQ(cancelled->last_result, 3);
  for (const int64_t sequence : {1, 2, 3, 4}) {
    EXPECT_THAT(store().ReadChunk(job, sequence), IsError(Reason::kPipelineNotFound)) << sequence;
  }
  const auto left = Results(job);
  ASSERT_THAT(left, SizeIs(1));
  EXPECT_EQ(left[0].number, 1);
}

TEST_P(EndTest, AForcedCancelKeepsExceptionsAndStatistics) {
  const JobKey job = Create()->key();
  PushMany(job, 2);
  CommitOne(job, 1, 2);
  ASSERT_THAT(store().CancelJob(job, "", true), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto exceptions, store().ListExceptions({.job = job}));
  ASSERT_THAT(exceptions.items, SizeIs(2));
  EXPECT_EQ(exceptions.items[0].input, R"({"n":1})");
  ASSERT_OK_AND_ASSIGN(const auto groups, store().ListExceptionGroups(job));
  EXPECT_THAT(groups, SizeIs(1));
  ASSERT_OK_AND_ASSIGN(const auto run, store().GetRunStatistics(job));
  EXPECT_THAT(run.nodes, SizeIs(1));
}

TEST_P(EndTest, AForcedCancelRevokesLeases) {
  const JobKey job = Create()->key();
  PushMany(job, 1);
  ASSERT_THAT(store().CancelJob(job, "", true), IsOk());
  const std::string before = Everything(job);
  EXPECT_THAT(Commit(ExampleCommit(job, 1)), IsError(Reason::kLeaseStale));
  EXPECT_EQ(Everything(job), before);
}

TEST_P(EndTest, DiscardedResultsCannotBeAcknowledged) {
  const JobKey job = Create()->key();
  PushMany(job, 2);
  CommitOne(job, 1);
  CommitOne(job, 2);
  ASSERT_THAT(store().CancelJob(job, "", true), IsOk());
  const std::string before = Everything(job);
  EXPECT_THAT(store().Acknowledge(job, 2, "cursor"), IsOk());
  EXPECT_EQ(Everything(job), before);
  EXPECT_THAT(store().Acknowledge(job, 3, "cursor"), IsError(Reason::kCursorInFuture));
}

TEST_P(EndTest, ForceMayFollowACancelWithoutIt) {
  const JobKey job = Create()->key();
  PushMany(job, 2);
  ASSERT_THAT(store().CancelJob(job, "first", false), IsOk());
  CommitOne(job, 1);
  Tick();
  ASSERT_OK_AND_ASSIGN(const JobPtr forced, store().CancelJob(job, "", true));
  EXPECT_EQ(forced->cancel_mode, model::CancelMode::kForce);
  EXPECT_EQ(forced->state_reason, "first");
  EXPECT_EQ(forced->complete_time, At(0));
  EXPECT_THAT(Results(job), IsEmpty());
  const std::string before = Everything(job);
  for (const bool force : {false, true}) {
    ASSERT_THAT(store().CancelJob(job, "late", force), IsOk());
    EXPECT_EQ(Everything(job), before);
  }
}

TEST_P(EndTest, CancellingOneJobLeavesItsNeighboursAlone) {
  const JobKey before = Create("job-1")->key();
  const JobKey job = Create("job-10")->key();
  const JobKey after = Create("job-100")->key();
  for (const JobKey& key : {before, job, after}) {
    PushMany(key, 2);
    CommitOne(key, 1, 1);
  }
  const std::string neighbours = Everything(before) + Everything(after);
  ASSERT_THAT(store().CancelJob(job, "", true), IsOk());
  EXPECT_EQ(Everything(before) + Everything(after), neighbours);
}

INSTANTIATE_TEST_SUITE_P(Stores, EndTest, ::testing::ValuesIn(AllStores()), StoreName);

}  // namespace
}  // namespace millrace::store
