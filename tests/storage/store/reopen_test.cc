#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "storage/model/errors.h"
#include "tests/storage/store/job_store_fixture.h"

namespace millrace::store {
namespace {

using ::millrace::testing::Describe;
using ::millrace::testing::ExampleChunk;
using ::millrace::testing::ExampleCommit;
using ::millrace::testing::ExampleJob;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using model::Job;
using model::JobKey;
using model::JobPtr;
using model::Reason;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class ReopenTest : public JobStoreTest {};

TEST_P(ReopenTest, EverythingIsAsItWas) {
  const JobKey running = Create("running")->key();
  PushMany(running, 5);
  for (const int64_t sequence : {4, 1, 5}) {
    Tick();
    CommitOne(running, sequence, 1);
  }
  ASSERT_THAT(store().Acknowledge(running, 2, "cursor"), IsOk());
  const JobKey completed = Create("completed")->key();
  PushMany(completed, 1);
  model::ChunkCommit asking = ExampleCommit(completed, 1, 3, 2);
  asking.worker = "server-1/thread-1";
  asking.outcome.failures[0].held = true;
  asking.outcome.labels = {{2, "ADDED", 1}};
  ASSERT_THAT(Commit(std::move(asking)), IsOk());
  ASSERT_THAT(store().CloseJob(completed), IsOk());
  const JobKey forced = Create("forced")->key();
  PushMany(forced, 2);
  CommitOne(forced, 1);
  ASSERT_THAT(store().CancelJob(forced, "enough", true), IsOk());

  const std::string before = Everything(completed) + Everything(forced);
  const std::string results = Describe(Results(running));
  Reopen();
  EXPECT_EQ(Everything(completed) + Everything(forced), before);
  EXPECT_EQ(Describe(Results(running)), results);
  ASSERT_OK_AND_ASSIGN(const JobPtr job, store().GetJob(running));
  EXPECT_EQ(job->watermark, 1);
  EXPECT_EQ(job->highest_committed, 5);
  EXPECT_EQ(job->acknowledged_result, 2);
}

TEST_P(ReopenTest, TheEpochRisesAndOldLeasesAreStale) {
  const JobKey job = Create()->key();
  PushMany(job, 1);
  model::ChunkCommit old_lease = ExampleCommit(job, 1);
  old_lease.epoch = store().epoch();
  Reopen();
  EXPECT_EQ(store().epoch(), old_lease.epoch + 1);
  EXPECT_THAT(Await<JobPtr>([&](auto done) { store().CommitChunk(std::move(old_lease), std::move(done)); }),
              IsError(Reason::kLeaseStale));
  CommitOne(job, 1);
}

TEST_P(ReopenTest, TheWatermarkGoesOnOverWhatWasCommittedAhead) {
  const JobKey job = Create()->key();
  PushMany(job, 6);
  for (const int64_t sequence : {2, 3, 6}) CommitOne(job, sequence);
  Reopen();
  ASSERT_OK_AND_ASSIGN(const JobPtr after, Commit(ExampleCommit(job, 1)));
  EXPECT_EQ(after->watermark, 3);
  CommitOne(job, 4);
  ASSERT_OK_AND_ASSIGN(const JobPtr last, Commit(ExampleCommit(job, 5)));
  EXPECT_EQ(last->watermark, 6);
}

TEST_P(ReopenTest, RepeatedCallsAreStillKnown) {
  Job wanted = ExampleJob();
  wanted.request_id = "r";
  wanted.options.unique_key = "only-one";
  const JobKey job = Create(wanted)->key();
  ASSERT_THAT(Push(job, ExampleChunk("a")), IsOk());
  Reopen();
  wanted.id = "job-2";
  ASSERT_OK_AND_ASSIGN(const JobPtr again, store().CreateJob(wanted));
  EXPECT_EQ(again->id, "job-1");
  wanted.request_id = "other";
  EXPECT_THAT(store().CreateJob(wanted), IsError(Reason::kUniqueKeyTaken));
  ASSERT_OK_AND_ASSIGN(const PushReceipt receipt, Push(job, {ExampleChunk("a"), ExampleChunk("b")}));
  EXPECT_TRUE(receipt.chunks[0].duplicate);
  EXPECT_EQ(receipt.chunks[1].sequence, 2);
}

TEST_P(ReopenTest, ExceptionGroupsGoOnGrowing) {
  const JobKey job = Create()->key();
  PushMany(job, 2);
  CommitOne(job, 1, 2);
  Reopen();
  CommitOne(job, 2, 3);
  ASSERT_OK_AND_ASSIGN(const auto groups, store().ListExceptionGroups(job));
  ASSERT_THAT(groups, SizeIs(1));
  EXPECT_EQ(groups[0].count, 5);
  EXPECT_EQ(groups[0].sample_exception_id, "1-0");
}

TEST_P(ReopenTest, TheCatalogAndItsPinsAreKept) {
  const JobKey job = Create()->key();
  Reopen();
  EXPECT_THAT(store().DeleteServiceVersion("default", {.version_id = "version-1.0.0"}),
              IsError(Reason::kServiceVersionInUse));
  ASSERT_THAT(store().CloseJob(job), IsOk());
  EXPECT_THAT(store().DeleteServiceVersion("default", {.version_id = "version-1.0.0"}), IsOk());
  Reopen();
  EXPECT_THAT(store().GetServiceVersion("default", {.service = "demo/double"}), IsError(Reason::kServiceNotFound));
}

TEST_P(ReopenTest, UnfinishedJobsAreActiveAgain) {
  Create("created");
  PushMany(Create("running")->key(), 1);
  ASSERT_THAT(store().CloseJob(Create("completed")->key()), IsOk());
  Reopen();
  std::vector<std::string> active;
  for (const JobPtr& job : store().ActiveJobs()) active.push_back(job->id);
  EXPECT_THAT(active, UnorderedElementsAre("created", "running"));
}

INSTANTIATE_TEST_SUITE_P(Stores, ReopenTest, ::testing::ValuesIn(DurableStores()), StoreName);

}  // namespace
}  // namespace millrace::store
