#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "storage/model/errors.h"
#include "tests/storage/store/job_store_fixture.h"

namespace millrace::store {
namespace {

using ::millrace::testing::ExampleJob;
using ::millrace::testing::ExampleVersion;
using ::millrace::testing::IsOk;
using ::millrace::testing::kService;
using ::millrace::testing::kTenant;
using model::Job;
using model::JobKey;
using model::JobPtr;
using model::JobState;
using model::JobSums;
using model::Outcome;
using model::ServiceSums;
using model::ServiceVersion;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class SumsTest : public JobStoreTest {
 protected:
  /// What the jobs of the tenant add up to, one by one.
  ServiceSums AddedUp() {
    ServiceSums sums;
    ListJobsQuery query{.tenant = std::string(kTenant), .page_size = 1'000};
    const absl::StatusOr<Page<JobPtr>> page = store().ListJobs(query);
    EXPECT_THAT(page, IsOk());
    for (const JobPtr& job : page->items) model::AddJob(sums[job->service], *job);
    return sums;
  }

  JobSums Sums() { return store().SumJobs(std::string(kTenant))[std::string(kService)]; }

  void ExpectRight() { EXPECT_EQ(store().SumJobs(std::string(kTenant)), AddedUp()); }

  /// A job with a chunk of three records, `failed` of which failed.
  JobKey Completed(const std::string& id, int32_t failed) {
    JobKey job = Create(id)->key();
    PushMany(job, 1);
    CommitOne(job, 1, failed);
    EXPECT_THAT(store().CloseJob(job), IsOk());
    return job;
  }
};

TEST_P(SumsTest, NoJobsAddUpToNothing) { EXPECT_THAT(store().SumJobs(std::string(kTenant)), IsEmpty()); }

TEST_P(SumsTest, EveryStateAndOutcomeIsCounted) {
  Create("created");
  PushMany(Create("running")->key(), 2);
  ASSERT_THAT(store().PauseJob(Create("paused")->key(), ""), IsOk());
  Completed("succeeded", 0);
  Completed("partial", 1);
  Completed("failed-all", 3);
  const JobKey cancelled = Create("cancelled")->key();
  PushMany(cancelled, 2);
  ASSERT_THAT(store().CancelJob(cancelled, "", false), IsOk());
  ASSERT_THAT(store().FailJob(Create("broken")->key(), "why"), IsOk());
  ExpectRight();
  EXPECT_THAT(Sums().states, UnorderedElementsAre(Pair(JobState::kCreated, 1), Pair(JobState::kInProgress, 1),
                                                  Pair(JobState::kPaused, 1), Pair(JobState::kCompleted, 3),
                                                  Pair(JobState::kCancelled, 1), Pair(JobState::kFailed, 1)));
  EXPECT_THAT(Sums().outcomes, UnorderedElementsAre(Pair(Outcome::kSucceeded, 1), Pair(Outcome::kPartial, 1),
                                                    Pair(Outcome::kFailedAll, 1)));
  EXPECT_EQ(Sums().records_submitted, 6 + 9 + 6);
  EXPECT_EQ(Sums().records_pending, 6);
  EXPECT_EQ(Sums().records_completed, 5);
  EXPECT_EQ(Sums().records_failed, 4);
  EXPECT_EQ(Sums().records_skipped, 6);
}

TEST_P(SumsTest, ServicesAndTenantsAreApart) {
  Completed("ours", 0);
  ASSERT_OK_AND_ASSIGN(const ServiceVersion other, store().CreateServiceVersion(ExampleVersion("3.0.0", "demo/other")));
  Job job = ExampleJob("other");
  job.service = other.service;
  job.version_id = other.version_id;
  ASSERT_THAT(store().CloseJob(Create(job)->key()), IsOk());
  ServiceVersion theirs = ExampleVersion();
  theirs.tenant = "default-2";
  ASSERT_THAT(store().CreateServiceVersion(theirs), IsOk());
  Job foreign = ExampleJob("theirs");
  foreign.tenant = "default-2";
  ASSERT_THAT(store().CloseJob(Create(foreign)->key()), IsOk());
  ExpectRight();
  EXPECT_THAT(store().SumJobs(std::string(kTenant)),
              UnorderedElementsAre(Key(std::string(kService)), Key("demo/other")));
  EXPECT_THAT(store().SumJobs("default-2"), UnorderedElementsAre(Key(std::string(kService))));
  EXPECT_THAT(store().SumJobs("def"), IsEmpty());
}

TEST_P(SumsTest, WhatHappensToAJobThatHasEndedIsCounted) {
  const JobKey job = Completed("job-1", 2);
  ResolveExceptions discard{.job = job, .kind = model::ResolutionKind::kDiscard, .exceptions = {{1, 0}}};
  ASSERT_THAT(store().ResolveExceptions(discard), IsOk());
  ExpectRight();
  EXPECT_EQ(Sums().records_discarded, 1);
  EXPECT_EQ(Sums().records_failed, 1);

  // What ran when the job was cancelled is committed afterwards.
  const JobKey late = Create("late")->key();
  PushMany(late, 2);
  ASSERT_THAT(store().CancelJob(late, "", false), IsOk());
  CommitOne(late, 1);
  ExpectRight();
  EXPECT_EQ(Sums().records_skipped, 3);
}

TEST_P(SumsTest, AJobThatIsAtWorkAgainIsCountedOnce) {
  const JobKey job = Completed("job-1", 1);
  ResolveExceptions again{.job = job, .kind = model::ResolutionKind::kReprocess, .exceptions = {{1, 0}}};
  again.chunk = millrace::testing::ExampleChunk("again", 1);
  ASSERT_THAT(store().ResolveExceptions(again), IsOk());
  ExpectRight();
  EXPECT_EQ(model::JobCount(Sums()), 1);
  EXPECT_EQ(model::ActiveJobCount(Sums()), 1);
}

TEST_P(SumsTest, ADeletedJobIsCountedNoMore) {
  const JobKey first = Completed("job-1", 1);
  const JobKey second = Completed("job-2", 0);
  ASSERT_THAT(store().DeleteJob(first), IsOk());
  ExpectRight();
  EXPECT_EQ(model::JobCount(Sums()), 1);
  ASSERT_THAT(store().DeleteJob(second), IsOk());
  EXPECT_THAT(store().SumJobs(std::string(kTenant)), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Stores, SumsTest, ::testing::ValuesIn(AllStores()), StoreName);

class DurableSumsTest : public SumsTest {};

TEST_P(DurableSumsTest, TheyAreTheSameAfterARestart) {
  const JobKey gone = Completed("gone", 0);
  Completed("partial", 1);
  PushMany(Create("running")->key(), 1);
  ASSERT_THAT(store().DeleteJob(gone), IsOk());
  const ServiceSums before = store().SumJobs(std::string(kTenant));
  Reopen();
  EXPECT_EQ(store().SumJobs(std::string(kTenant)), before);
  ExpectRight();
}

INSTANTIATE_TEST_SUITE_P(Stores, DurableSumsTest, ::testing::ValuesIn(DurableStores()), StoreName);

}  // namespace
}  // namespace millrace::store
