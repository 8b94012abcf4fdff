// Ends that nobody asked for: error budget, idle timeout, a job that broke.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "tests/storage/store/job_store_fixture.h"

namespace millrace::store {
namespace {

using ::millrace::testing::At;
using ::millrace::testing::ExampleChunk;
using ::millrace::testing::ExampleCommit;
using ::millrace::testing::ExampleJob;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using model::JobKey;
using model::JobPtr;
using model::JobState;
using model::Reason;
using ::testing::SizeIs;

class LifecycleTest : public JobStoreTest {
 protected:
  JobKey CreateStopping() {
    model::Job job = ExampleJob();
    job.options.stop_on_error = true;
    return Create(std::move(job))->key();
  }
};

TEST_P(LifecycleTest, AFailedJobKeepsItsResultsAndSkipsTheRest) {
  const JobKey job = CreateStopping();
  PushMany(job, 4);
  CommitOne(job, 1);
  CommitOne(job, 3, 1);
  ASSERT_OK_AND_ASSIGN(const JobPtr failed, store().GetJob(job));
  EXPECT_EQ(failed->state, JobState::kFailed);
  EXPECT_EQ(failed->state_reason, "stop_on_error: record 0 of chunk 3 ('c3') failed with FAILED");
  EXPECT_EQ(model::RecordsSkipped(*failed), 6);
  EXPECT_THAT(Commit(ExampleCommit(job, 2)), IsError(Reason::kLeaseStale));
  EXPECT_THAT(Push(job, ExampleChunk("c5")), IsError(Reason::kPipelineClosed));
  EXPECT_THAT(Results(job), SizeIs(2));
  EXPECT_THAT(store().Acknowledge(job, 2, "cursor"), IsOk());
}

TEST_P(LifecycleTest, AJobThatBrokeSaysWhy) {
  const JobKey job = Create()->key();
  PushMany(job, 1);
  Tick();
  ASSERT_OK_AND_ASSIGN(const JobPtr failed, store().FailJob(job, "chunk 1 is damaged"));
  EXPECT_EQ(failed->state, JobState::kFailed);
  EXPECT_EQ(failed->complete_time, At(1));
  EXPECT_EQ(failed->state_reason, "chunk 1 is damaged");
  ASSERT_OK_AND_ASSIGN(const JobPtr again, store().FailJob(job, "something else"));
  EXPECT_EQ(again->state_reason, "chunk 1 is damaged");
  EXPECT_THAT(store().ActiveJobs(), SizeIs(0));
}

TEST_P(LifecycleTest, AnIdleJobIsClosedByTimeout) {
  const JobPtr job = Create();
  Tick();
  ASSERT_OK_AND_ASSIGN(const JobPtr closed, store().CloseIdleJob(job));
  EXPECT_EQ(closed->state, JobState::kCompletedByTimeout);
  EXPECT_EQ(closed->input_close_time, At(1));
  EXPECT_EQ(model::OutcomeOf(*closed), model::Outcome::kSucceeded);
}

TEST_P(LifecycleTest, AJobThatChangedSinceItWasSeenIsNotIdle) {
  const JobPtr seen = Create();
  PushMany(seen->key(), 1);
  CommitOne(seen->key(), 1);
  const std::string before = Everything(seen->key());
  ASSERT_OK_AND_ASSIGN(const JobPtr job, store().CloseIdleJob(seen));
  EXPECT_EQ(job->state, JobState::kInProgress);
  EXPECT_EQ(Everything(seen->key()), before);
  ASSERT_OK_AND_ASSIGN(const JobPtr closed, store().CloseIdleJob(job));
  EXPECT_EQ(closed->state, JobState::kCompletedByTimeout);
}

class LifecycleReopenTest : public LifecycleTest {};

TEST_P(LifecycleReopenTest, ARestartChangesNoState) {
  const JobKey failed = CreateStopping();
  PushMany(failed, 2);
  CommitOne(failed, 1, 1);
  const JobPtr idle = Create("idle");
  ASSERT_THAT(store().CloseIdleJob(idle), IsOk());
  model::Job full_job = ExampleJob("full");
  full_job.options.output_buffer_bytes = 1;
  const JobKey full = Create(std::move(full_job))->key();
  PushMany(full, 2);
  CommitOne(full, 1);
  ASSERT_OK_AND_ASSIGN(const JobPtr waiting, store().GetJob(full));
  ASSERT_THAT(store().CloseIdleJob(waiting), IsOk());
  const std::string before = Everything(failed) + Everything(idle->key());
  Reopen();
  EXPECT_EQ(Everything(failed) + Everything(idle->key()), before);
  const std::vector<JobPtr> active = store().ActiveJobs();
  ASSERT_THAT(active, SizeIs(1)) << "the one that still drains";
  EXPECT_EQ(active[0]->state, JobState::kClosedByTimeout);
  CommitOne(full, 2);
  ASSERT_OK_AND_ASSIGN(const JobPtr done, store().GetJob(full));
  EXPECT_EQ(done->state, JobState::kCompletedByTimeout);
}

INSTANTIATE_TEST_SUITE_P(Stores, LifecycleTest, ::testing::ValuesIn(AllStores()), StoreName);
INSTANTIATE_TEST_SUITE_P(Stores, LifecycleReopenTest, ::testing::ValuesIn(DurableStores()), StoreName);

}  // namespace
}  // namespace millrace::store
