// Pausing, resuming and changing a job that is there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "tests/storage/store/job_store_fixture.h"

namespace millrace::store {
namespace {

using ::millrace::testing::At;
using ::millrace::testing::Describe;
using ::millrace::testing::ExampleChunk;
using ::millrace::testing::ExampleCommit;
using ::millrace::testing::ExampleVersion;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using ::millrace::testing::kTenant;
using ::millrace::testing::MetadataOf;
using model::JobKey;
using model::JobPtr;
using model::JobState;
using model::Reason;
using ::testing::IsEmpty;

class TuningTest : public JobStoreTest {
 protected:
  /// Stores a version of the example service, as an update names it.
  model::JobUpdate::Version CreateVersion(const std::string& number) {
    const auto version = store().CreateServiceVersion(ExampleVersion(number));
    EXPECT_THAT(version, IsOk());
    return {version->version, version->version_id, version->config_hash};
  }

  absl::Status DeleteVersion(const std::string& number) {
    return store().DeleteServiceVersion(kTenant, {ExampleVersion().service, number, ""});
  }
};

TEST_P(TuningTest, APausedJobIsActiveTakesInputAndCommitsWhatRan) {
  const JobKey job = Create()->key();
  PushMany(job, 2);
  Tick();
  ASSERT_OK_AND_ASSIGN(const JobPtr paused, store().PauseJob(job, "slow disk"));
  EXPECT_EQ(paused->state, JobState::kPaused);
  EXPECT_EQ(paused->pause_time, At(1));
  EXPECT_EQ(paused->pause_reason, "slow disk");
  EXPECT_EQ(store().ActiveJobs().size(), 1U);
  EXPECT_THAT(Push(job, ExampleChunk("more")), IsOk());
  CommitOne(job, 1);
  ASSERT_OK_AND_ASSIGN(const JobPtr resumed, store().ResumeJob(job, true));
  EXPECT_EQ(resumed->state, JobState::kInProgress);
  EXPECT_EQ(resumed->ramps, 1);
  EXPECT_EQ(resumed->counters.chunks_completed, 1);
}

TEST_P(TuningTest, RepeatingPauseAndResumeChangesNothing) {
  const JobKey job = Create()->key();
  PushMany(job, 1);
  ASSERT_OK_AND_ASSIGN(const JobPtr running, store().GetJob(job));
  ASSERT_OK_AND_ASSIGN(const JobPtr not_paused, store().ResumeJob(job, true));
  EXPECT_EQ(not_paused, running);
  ASSERT_OK_AND_ASSIGN(const JobPtr paused, store().PauseJob(job, "first"));
  ASSERT_OK_AND_ASSIGN(const JobPtr again, store().PauseJob(job, "second"));
  EXPECT_EQ(again, paused);
}

TEST_P(TuningTest, AJobThatHasEndedIsNotPausedAndResumesAsItIs) {
  const JobKey job = Create()->key();
  ASSERT_THAT(store().CloseJob(job), IsOk());
  const std::string before = Everything(job);
  EXPECT_THAT(store().PauseJob(job, "late"), IsError(Reason::kPipelineClosed));
  ASSERT_OK_AND_ASSIGN(const JobPtr resumed, store().ResumeJob(job, false));
  EXPECT_EQ(resumed->state, JobState::kCompleted);
  EXPECT_EQ(Everything(job), before);
}

TEST_P(TuningTest, AJobThatIsNotThereIsNotFound) {
  const JobKey job{std::string(kTenant), "nobody"};
  EXPECT_THAT(store().PauseJob(job, ""), IsError(Reason::kPipelineNotFound));
  EXPECT_THAT(store().ResumeJob(job, false), IsError(Reason::kPipelineNotFound));
  EXPECT_THAT(store().UpdateJob(job, {.version = model::JobUpdate::Version{"1", "none", "none"}}),
              IsError(Reason::kPipelineNotFound));
}

TEST_P(TuningTest, AnIdleTimeoutDoesNotEndAPause) {
  const JobKey job = Create()->key();
  ASSERT_OK_AND_ASSIGN(const JobPtr paused, store().PauseJob(job, ""));
  ASSERT_OK_AND_ASSIGN(const JobPtr seen, store().CloseIdleJob(paused));
  EXPECT_EQ(seen, paused);
}

TEST_P(TuningTest, AnUpdateChangesWhatItNames) {
  const JobPtr before = Create();
  Tick();
  ASSERT_OK_AND_ASSIGN(const JobPtr job,
                       store().UpdateJob(before->key(), {.name = "anew", .max_workers = 7, .records_per_second = 2.5}));
  EXPECT_EQ(job->metadata.name, "anew");
  EXPECT_EQ(job->metadata.tags, before->metadata.tags);
  EXPECT_EQ(job->options.max_workers, 7);
  EXPECT_EQ(job->options.throttle.records_per_second, 2.5);
  EXPECT_EQ(job->update_time, At(1));
  ASSERT_OK_AND_ASSIGN(const JobPtr stored, store().GetJob(before->key()));
  EXPECT_EQ(Describe(*stored), Describe(*job));
}

TEST_P(TuningTest, AJobThatHasEndedTakesMetadataAndVersionOnly) {
  const JobKey job = Create()->key();
  const model::JobUpdate::Version version = CreateVersion("2.0.0");
  ASSERT_THAT(store().CancelJob(job, "", true), IsOk());
  EXPECT_THAT(store().UpdateJob(job, {.weight = 2}), IsError(Reason::kPipelineCancelled));
  ASSERT_THAT(store().UpdateJob(job, {.version = version, .description = "for the re-run"}), IsOk());
  ASSERT_OK_AND_ASSIGN(const JobPtr stored, store().GetJob(job));
  EXPECT_EQ(stored->service_version, "2.0.0");
  EXPECT_EQ(stored->metadata.description, "for the re-run");
  EXPECT_EQ(stored->state, JobState::kCancelled);
  EXPECT_THAT(store().ActiveJobs(), IsEmpty());
}

TEST_P(TuningTest, CommittedChunksKeepTheHashTheyRanWith) {
  const JobKey job = Create()->key();
  PushMany(job, 3);
  CommitOne(job, 1);
  const model::JobUpdate::Version version = CreateVersion("2.0.0");
  ASSERT_THAT(store().UpdateJob(job, {.version = version}), IsOk());
  CommitOne(job, 2);  // It ran when the job was moved.
  model::ChunkCommit last = ExampleCommit(job, 3);
  last.config_hash = version.config_hash;
  ASSERT_THAT(Commit(std::move(last)), IsOk());
  const auto results = Results(job);
  ASSERT_EQ(results.size(), 3U);
  EXPECT_EQ(results[0].config_hash, ExampleVersion().config_hash);
  EXPECT_EQ(results[1].config_hash, ExampleVersion().config_hash);
  EXPECT_EQ(results[2].config_hash, version.config_hash);
}

TEST_P(TuningTest, TheNewVersionIsInUseAndTheOldOneIsFree) {
  const JobKey job = Create()->key();
  const model::JobUpdate::Version version = CreateVersion("2.0.0");
  EXPECT_THAT(DeleteVersion("1.0.0"), IsError(Reason::kServiceVersionInUse));
  ASSERT_THAT(store().UpdateJob(job, {.version = version}), IsOk());
  EXPECT_EQ(MetadataOf(DeleteVersion("2.0.0"), "pipeline_id"), job.job_id);
  EXPECT_THAT(DeleteVersion("1.0.0"), IsOk());
  EXPECT_THAT(store().UpdateJob(job, {.version = model::JobUpdate::Version{"1.0.0", ExampleVersion().version_id, "h"}}),
              IsError(Reason::kServiceVersionNotFound));
}

class TuningReopenTest : public TuningTest {};

TEST_P(TuningReopenTest, ARestartKeepsPausesAndUpdates) {
  const JobKey closed = Create("closed")->key();
  PushMany(closed, 2);
  ASSERT_THAT(store().CloseJob(closed), IsOk());
  ASSERT_THAT(store().PauseJob(closed, "over night"), IsOk());
  const JobKey created = Create("created")->key();
  ASSERT_THAT(store().PauseJob(created, ""), IsOk());
  ASSERT_THAT(store().UpdateJob(closed, {.version = CreateVersion("2.0.0"), .priority = 3}), IsOk());
  ASSERT_THAT(store().UpdateJob(created, {.name = "anew"}), IsOk());
  ASSERT_OK_AND_ASSIGN(const JobPtr before, store().GetJob(closed));
  Reopen();
  ASSERT_OK_AND_ASSIGN(const JobPtr after, store().GetJob(closed));
  model::Job expected = *before;
  expected.owner_epoch = after->owner_epoch;
  EXPECT_EQ(Describe(*after), Describe(expected));
  ASSERT_OK_AND_ASSIGN(const JobPtr renamed, store().GetJob(created));
  EXPECT_EQ(renamed->metadata.name, "anew");
  EXPECT_EQ(renamed->resume_state, JobState::kCreated);
  EXPECT_THAT(DeleteVersion("2.0.0"), IsError(Reason::kServiceVersionInUse));
  ASSERT_OK_AND_ASSIGN(const JobPtr resumed, store().ResumeJob(closed, false));
  EXPECT_EQ(resumed->state, JobState::kClosed);
  EXPECT_EQ(resumed->options.priority, 3);
  CommitOne(closed, 1);
  CommitOne(closed, 2);
  ASSERT_OK_AND_ASSIGN(const JobPtr done, store().GetJob(closed));
  EXPECT_EQ(done->state, JobState::kCompleted);
  EXPECT_EQ(done->service_version, "2.0.0");
}

INSTANTIATE_TEST_SUITE_P(Stores, TuningTest, ::testing::ValuesIn(AllStores()), StoreName);
INSTANTIATE_TEST_SUITE_P(Stores, TuningReopenTest, ::testing::ValuesIn(DurableStores()), StoreName);

}  // namespace
}  // namespace millrace::store
