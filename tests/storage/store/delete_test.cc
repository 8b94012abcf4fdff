#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "storage/model/errors.h"
#include "tests/storage/store/job_store_fixture.h"

namespace millrace::store {
namespace {

using ::millrace::testing::ExampleJob;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using model::JobKey;
using model::JobPtr;
using model::JobState;
using model::Reason;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class DeleteTest : public JobStoreTest {
 protected:
  /// A completed job with results and exceptions.
  JobKey Completed(const std::string& id) {
    model::Job job = ExampleJob(id);
    job.request_id = "request-of-" + id;
    JobKey key = Create(job)->key();
    PushMany(key, 2);
    CommitOne(key, 1);
    CommitOne(key, 2, /*failed=*/1);
    EXPECT_THAT(store().CloseJob(key), IsOk());
    return key;
  }
};

TEST_P(DeleteTest, NothingOfADeletedJobIsLeft) {
  const JobKey job = Completed("job-1");
  ASSERT_THAT(store().DeleteJob(job), IsOk());
  EXPECT_THAT(store().GetJob(job), IsError(Reason::kPipelineNotFound));
  EXPECT_THAT(store().ReadChunk(job, 1), IsError(Reason::kPipelineNotFound));
  EXPECT_THAT(store().ReadResults(job, 0, 10, 1 << 20), IsError(Reason::kPipelineNotFound));
  EXPECT_THAT(store().ListExceptionGroups(job), IsError(Reason::kPipelineNotFound));
  ASSERT_OK_AND_ASSIGN(const auto page, store().ListJobs({.tenant = job.tenant}));
  EXPECT_THAT(page.items, IsEmpty());
}

TEST_P(DeleteTest, OtherJobsStayWhole) {
  const JobKey before = Completed("job-1");
  const JobKey job = Completed("job-2");
  const JobKey behind = Completed("job-20");
  const std::string text = Everything(before) + Everything(behind);
  ASSERT_THAT(store().DeleteJob(job), IsOk());
  EXPECT_EQ(Everything(before) + Everything(behind), text);
  ASSERT_OK_AND_ASSIGN(const auto page, store().ListJobs({.tenant = job.tenant}));
  EXPECT_THAT(page.items, SizeIs(2));
}

TEST_P(DeleteTest, ANewJobUnderTheIdAndTheRequestIdOfADeletedOneStartsEmpty) {
  const JobKey job = Completed("job-1");
  ASSERT_THAT(store().DeleteJob(job), IsOk());
  model::Job wanted = ExampleJob("job-1");
  wanted.request_id = "request-of-job-1";
  const JobPtr again = Create(wanted);
  EXPECT_EQ(again->state, JobState::kCreated);
  PushMany(job, 1);
  EXPECT_THAT(Results(job), IsEmpty());
  EXPECT_THAT(store().ReadChunk(job, 2), IsError(Reason::kPipelineNotFound));
  CommitOne(job, 1);
  EXPECT_THAT(Results(job), SizeIs(1));
  ASSERT_OK_AND_ASSIGN(const auto groups, store().ListExceptionGroups(job));
  EXPECT_THAT(groups, IsEmpty());
}

TEST_P(DeleteTest, AJobThatHasNotEndedIsRefused) {
  const JobKey job = Create()->key();
  PushMany(job, 1);
  const std::string before = Everything(job);
  EXPECT_THAT(store().DeleteJob(job), IsError(Reason::kJobNotFinished));
  EXPECT_EQ(Everything(job), before);
}

TEST_P(DeleteTest, AJobIsDeletedOnce) {
  const JobKey job = Completed("job-1");
  ASSERT_THAT(store().DeleteJob(job), IsOk());
  EXPECT_THAT(store().DeleteJob(job), IsError(Reason::kPipelineNotFound));
}

INSTANTIATE_TEST_SUITE_P(Stores, DeleteTest, ::testing::ValuesIn(AllStores()), StoreName);

class DurableDeleteTest : public JobStoreTest {};

TEST_P(DurableDeleteTest, ADeletedJobStaysDeleted) {
  const JobKey job = Create()->key();
  PushMany(job, 1);
  ASSERT_THAT(store().CancelJob(job, "", true), IsOk());
  ASSERT_THAT(store().DeleteJob(job), IsOk());
  Reopen();
  EXPECT_THAT(store().GetJob(job), IsError(Reason::kPipelineNotFound));
  EXPECT_THAT(store().ActiveJobs(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Stores, DurableDeleteTest, ::testing::ValuesIn(DurableStores()), StoreName);

}  // namespace
}  // namespace millrace::store
