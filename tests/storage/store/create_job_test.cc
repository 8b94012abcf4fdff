#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "storage/model/errors.h"
#include "tests/storage/store/job_store_fixture.h"

namespace millrace::store {
namespace {

using ::millrace::testing::At;
using ::millrace::testing::Describe;
using ::millrace::testing::ExampleChunk;
using ::millrace::testing::ExampleCommit;
using ::millrace::testing::ExampleJob;
using ::millrace::testing::ExampleVersion;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using ::millrace::testing::MetadataOf;
using model::Job;
using model::JobKey;
using model::JobPtr;
using model::JobState;
using model::Reason;
using ::testing::IsEmpty;

class CreateJobTest : public JobStoreTest {};

TEST_P(CreateJobTest, KeepsWhatTheCreatorChose) {
  Job wanted = ExampleJob();
  wanted.metadata.description = "a long text";
  wanted.metadata.project = "birds";
  wanted.metadata.source_system = "test";
  wanted.metadata.correlation_id = "corr";
  wanted.metadata.call_purpose = "to see";
  wanted.options.max_workers = 3;
  wanted.options.input_buffer_bytes = 1'000;
  wanted.options.output_buffer_bytes = 2'000;
  wanted.options.record_timeout = absl::Milliseconds(1500);
  wanted.options.unique_key = "only-one";
  wanted.request_id = "r";
  wanted.request_hash = "h";
  const JobPtr created = Create(wanted);
  wanted.create_time = wanted.update_time = At(0);
  wanted.owner_epoch = store().epoch();
  EXPECT_EQ(Describe(*created), Describe(wanted));
  ASSERT_OK_AND_ASSIGN(const JobPtr stored, store().GetJob(wanted.key()));
  EXPECT_EQ(Describe(*stored), Describe(wanted));
}

TEST_P(CreateJobTest, TimesEpochAndCountersAreTheStores) {
  Job wanted = ExampleJob();
  wanted.state = JobState::kCompleted;
  wanted.last_sequence = wanted.watermark = wanted.last_result = 9;
  wanted.counters.records_failed = 9;
  wanted.start_time = wanted.complete_time = At(-9);
  wanted.owner_epoch = 99;
  Tick();
  const JobPtr created = Create(wanted);
  EXPECT_EQ(created->state, JobState::kCreated);
  EXPECT_EQ(created->last_sequence, 0);
  EXPECT_EQ(created->watermark, 0);
  EXPECT_EQ(created->last_result, 0);
  EXPECT_EQ(created->counters.records_failed, 0);
  EXPECT_EQ(created->create_time, At(1));
  EXPECT_EQ(created->start_time, absl::InfinitePast());
  EXPECT_EQ(created->complete_time, absl::InfinitePast());
  EXPECT_EQ(created->owner_epoch, store().epoch());
}

TEST_P(CreateJobTest, ATakenIdIsRefusedForEver) {
  const JobPtr first = Create("job-1");
  EXPECT_THAT(store().CreateJob(ExampleJob("job-1")), IsError(Reason::kPipelineIdTaken));
  ASSERT_THAT(store().CancelJob(first->key(), "", true), IsOk());
  EXPECT_THAT(store().CreateJob(ExampleJob("job-1")), IsError(Reason::kPipelineIdTaken));
}

TEST_P(CreateJobTest, TenantsDoNotShareIdsKeysOrRequests) {
  Job ours = ExampleJob();
  ours.options.unique_key = "only-one";
  ours.request_id = "r";
  ours.request_hash = "h";
  Create(ours);
  model::ServiceVersion version = ExampleVersion();
  version.tenant = "other";
  ASSERT_THAT(store().CreateServiceVersion(version), IsOk());
  Job theirs = ours;
  theirs.tenant = "other";
  theirs.request_hash = "another";
  EXPECT_THAT(store().CreateJob(theirs), IsOk());
  EXPECT_THAT(store().GetJob({"third", ours.id}), IsError(Reason::kPipelineNotFound));
}

TEST_P(CreateJobTest, TheSameRequestAgainReturnsTheJobAsItIsNow) {
  Job wanted = ExampleJob("job-1");
  wanted.request_id = "r";
  wanted.request_hash = "h";
  Create(wanted);
  PushMany(wanted.key(), 1);
  wanted.id = "job-2";
  ASSERT_OK_AND_ASSIGN(const JobPtr again, store().CreateJob(wanted));
  EXPECT_EQ(again->id, "job-1");
  EXPECT_EQ(again->last_sequence, 1);
  EXPECT_THAT(store().GetJob(wanted.key()), IsError(Reason::kPipelineNotFound));
}

TEST_P(CreateJobTest, ARequestIdIsKeptAsLongAsItsJob) {
  Job wanted = ExampleJob("job-1");
  wanted.request_id = "r";
  wanted.request_hash = "h";
  Create(wanted);
  ASSERT_THAT(store().CloseJob(wanted.key()), IsOk());
  ASSERT_OK_AND_ASSIGN(const JobPtr again, store().CreateJob(wanted));
  EXPECT_EQ(again->state, JobState::kCompleted);
}

TEST_P(CreateJobTest, AReusedRequestIdIsRefused) {
  Job wanted = ExampleJob("job-1");
  wanted.request_id = "r";
  wanted.request_hash = "h";
  Create(wanted);
  wanted.id = "job-2";
  wanted.request_hash = "another";
  EXPECT_THAT(store().CreateJob(wanted), IsError(Reason::kRequestIdReused));
  wanted.id = "job-1";
  EXPECT_THAT(store().CreateJob(wanted), IsError(Reason::kRequestIdReused)) << "asked before the id";
}

TEST_P(CreateJobTest, JobsWithoutRequestIdAreAllDifferent) {
  EXPECT_EQ(Create("job-1")->id, "job-1");
  EXPECT_EQ(Create("job-2")->id, "job-2");
}

TEST_P(CreateJobTest, AUniqueKeyIsHeldByOneUnfinishedJob) {
  Job first = ExampleJob("job-1");
  first.options.unique_key = "only-one";
  Job second = ExampleJob("job-2");
  second.options.unique_key = "only-one";
  Create(first);
  PushMany(first.key(), 1);
  ASSERT_THAT(store().CloseJob(first.key()), IsOk());
  const absl::Status refused = store().CreateJob(second).status();
  EXPECT_THAT(refused, IsError(Reason::kUniqueKeyTaken));
  EXPECT_EQ(MetadataOf(refused, "pipeline_id"), "job-1");
  CommitOne(first.key(), 1);
  EXPECT_THAT(store().CreateJob(second), IsOk());
}

TEST_P(CreateJobTest, ACancelFreesTheUniqueKeyAtOnce) {
  for (const bool force : {false, true}) {
    Job job = ExampleJob(force ? "job-1" : "job-2");
    job.options.unique_key = "only-one";
    Create(job);
    ASSERT_THAT(store().CancelJob(job.key(), "", force), IsOk());
  }
}

TEST_P(CreateJobTest, AVersionThatWasDeletedMeanwhileIsRefused) {
  Job job = ExampleJob();
  job.version_id = "gone";
  EXPECT_THAT(store().CreateJob(job), IsError(Reason::kServiceVersionNotFound));
  EXPECT_THAT(store().GetJob(job.key()), IsError(Reason::kPipelineNotFound));
}

TEST_P(CreateJobTest, AJobBeginsEmpty) {
  const JobKey job = Create()->key();
  EXPECT_THAT(Results(job), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const model::RunStatistics statistics, store().GetRunStatistics(job));
  EXPECT_EQ(Describe(statistics), "");
  ASSERT_OK_AND_ASSIGN(const auto exceptions, store().ListExceptions({.job = job}));
  EXPECT_THAT(exceptions.items, IsEmpty());
  EXPECT_EQ(exceptions.next_token, "");
  ASSERT_OK_AND_ASSIGN(const auto groups, store().ListExceptionGroups(job));
  EXPECT_THAT(groups, IsEmpty());
}

TEST_P(CreateJobTest, AnUnknownJobIsNotFoundByAnyVerb) {
  const JobKey none{"default", "none"};
  EXPECT_THAT(store().GetJob(none), IsError(Reason::kPipelineNotFound));
  EXPECT_THAT(Push(none, ExampleChunk("c")), IsError(Reason::kPipelineNotFound));
  EXPECT_THAT(Commit(ExampleCommit(none, 1)), IsError(Reason::kPipelineNotFound));
  EXPECT_THAT(store().CloseJob(none), IsError(Reason::kPipelineNotFound));
  EXPECT_THAT(store().CancelJob(none, "", true), IsError(Reason::kPipelineNotFound));
  EXPECT_THAT(store().Acknowledge(none, 0, "cursor"), IsError(Reason::kPipelineNotFound));
  EXPECT_THAT(store().ReadChunk(none, 1), IsError(Reason::kPipelineNotFound));
  EXPECT_THAT(store().ReadResults(none, 0, 1, 1), IsError(Reason::kPipelineNotFound));
  EXPECT_THAT(store().GetRunStatistics(none), IsError(Reason::kPipelineNotFound));
  EXPECT_THAT(store().ListExceptions({.job = none}), IsError(Reason::kPipelineNotFound));
  EXPECT_THAT(store().ListExceptionGroups(none), IsError(Reason::kPipelineNotFound));
}

INSTANTIATE_TEST_SUITE_P(Stores, CreateJobTest, ::testing::ValuesIn(AllStores()), StoreName);

}  // namespace
}  // namespace millrace::store
