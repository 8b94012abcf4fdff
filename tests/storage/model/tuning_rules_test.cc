#include "storage/model/tuning_rules.h"

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

Job RunningJob() {
  Job job = ExampleJob();
  ApplyCreate(job, 1, At(0));
  EXPECT_THAT(ApplyPush(job, {.chunks = 2, .records = 6, .bytes = 48}, At(1)), IsOk());
  return job;
}

absl::Status CommitOf(Job& job, int64_t sequence) {
  Chunk chunk;
  chunk.sequence = sequence;
  chunk.record_count = 3;
  chunk.input_bytes = 24;
  return ApplyCommit(job, chunk, ExampleCommit(job.key(), sequence), 1, At(5));
}

TEST(ApplyPauseTest, KeepsWhenAndWhy) {
  Job job = RunningJob();
  ASSERT_OK_AND_ASSIGN(const bool changed, ApplyPause(job, "the disk is slow", At(3)));
  EXPECT_TRUE(changed);
  EXPECT_EQ(job.state, JobState::kPaused);
  EXPECT_EQ(StateUnderPause(job), JobState::kInProgress);
  EXPECT_EQ(job.pause_time, At(3));
  EXPECT_EQ(job.pause_reason, "the disk is slow");
  EXPECT_EQ(job.update_time, At(3));
  EXPECT_FALSE(MayDispatch(job.state));
}

TEST(ApplyPauseTest, ASecondPauseChangesNothing) {
  Job job = RunningJob();
  ASSERT_THAT(ApplyPause(job, "first", At(3)), IsOk());
  const std::string before = Describe(job);
  ASSERT_OK_AND_ASSIGN(const bool changed, ApplyPause(job, "second", At(4)));
  EXPECT_FALSE(changed);
  EXPECT_EQ(Describe(job), before);
}

TEST(ApplyPauseTest, AJobThatHasEndedHasNothingToPause) {
  Job job = RunningJob();
  ASSERT_THAT(ApplyCancel(job, "", false, At(2)), IsOk());
  EXPECT_THAT(ApplyPause(job, "", At(3)), IsError(Reason::kPipelineCancelled));
  EXPECT_EQ(MetadataOf(ApplyPause(job, "", At(3)).status(), "state"), "CANCELLED");
}

TEST(ApplyPauseTest, AClosedJobRemembersItThroughThePause) {
  Job job = RunningJob();
  ASSERT_THAT(ApplyPause(job, "", At(2)), IsOk());
  ASSERT_OK_AND_ASSIGN(const bool closed, ApplyClose(job, At(3)));
  EXPECT_TRUE(closed);
  EXPECT_EQ(job.state, JobState::kPaused);
  EXPECT_EQ(job.input_close_time, At(3));
  EXPECT_THAT(ApplyPush(job, {.chunks = 1, .records = 1, .bytes = 1}, At(3)), IsError(Reason::kPipelineClosed));
  EXPECT_TRUE(ApplyResume(job, false, At(4)));
  EXPECT_EQ(job.state, JobState::kClosed);
}

TEST(ApplyPauseTest, RunningChunksCommitAndTheLastOfAClosedJobCompletesIt) {
  Job job = RunningJob();
  ASSERT_THAT(ApplyClose(job, At(2)), IsOk());
  ASSERT_THAT(ApplyPause(job, "for a while", At(3)), IsOk());
  ASSERT_THAT(CommitOf(job, 1), IsOk());
  EXPECT_EQ(job.state, JobState::kPaused);
  ASSERT_THAT(CommitOf(job, 2), IsOk());
  EXPECT_EQ(job.state, JobState::kCompleted);
  EXPECT_EQ(job.pause_time, absl::InfinitePast());
  EXPECT_EQ(job.pause_reason, "");
}

TEST(ApplyPauseTest, ThePushBehindAPauseBeginsTheJob) {
  Job job = ExampleJob();
  ApplyCreate(job, 1, At(0));
  ASSERT_THAT(ApplyPause(job, "", At(1)), IsOk());
  ASSERT_THAT(ApplyPush(job, {.chunks = 1, .records = 1, .bytes = 1}, At(2)), IsOk());
  EXPECT_EQ(job.state, JobState::kPaused);
  EXPECT_TRUE(ApplyResume(job, false, At(3)));
  EXPECT_EQ(job.state, JobState::kInProgress);
}

TEST(ApplyPauseTest, AJobPausedByAnOlderServerGoesOnInProgress) {
  Job job = RunningJob();
  job.state = JobState::kPaused;
  EXPECT_TRUE(TakesInput(job));
  EXPECT_TRUE(ApplyResume(job, false, At(3)));
  EXPECT_EQ(job.state, JobState::kInProgress);
}

TEST(ApplyResumeTest, ForgetsThePauseAndCountsRamps) {
  for (const bool ramp : {false, true}) {
    Job job = RunningJob();
    ASSERT_THAT(ApplyPause(job, "why", At(2)), IsOk());
    EXPECT_TRUE(ApplyResume(job, ramp, At(3)));
    EXPECT_EQ(job.pause_time, absl::InfinitePast());
    EXPECT_EQ(job.pause_reason, "");
    EXPECT_EQ(job.resume_state, JobState{});
    EXPECT_EQ(job.ramps, ramp ? 1 : 0);
    EXPECT_EQ(job.update_time, At(3));
    EXPECT_FALSE(ApplyResume(job, true, At(4))) << "a job that is not paused goes on as it is";
    EXPECT_EQ(job.ramps, ramp ? 1 : 0);
  }
}

TEST(ApplyUpdateTest, ChangesWhatIsSetAndNothingElse) {
  Job job = RunningJob();
  Job expected = job;
  const JobUpdate update{.version = JobUpdate::Version{"2.0.0", "version-2", "hash-2"},
                         .name = "name",
                         .description = "",
                         .tags = std::vector<std::string>{"x"},
                         .initial_workers = 2,
                         .max_workers = 8,
                         .priority = -3,
                         .weight = 5,
                         .records_per_second = 2.5,
                         .delay_between_chunks = absl::Seconds(1),
                         .max_failed_ratio = 0.5};
  ASSERT_OK_AND_ASSIGN(const bool changed, ApplyUpdate(job, update, At(3)));
  EXPECT_TRUE(changed);
  expected.service_version = "2.0.0";
  expected.version_id = "version-2";
  expected.config_hash = "hash-2";
  expected.metadata.name = "name";
  expected.metadata.tags = {"x"};
  expected.options.initial_workers = 2;
  expected.options.max_workers = 8;
  expected.options.priority = -3;
  expected.options.weight = 5;
  expected.options.throttle = {2.5, absl::Seconds(1)};
  expected.options.max_failed_ratio = 0.5;
  expected.update_time = At(3);
  EXPECT_EQ(Describe(job), Describe(expected));

  ASSERT_OK_AND_ASSIGN(const bool again, ApplyUpdate(job, update, At(4)));
  EXPECT_FALSE(again);
  EXPECT_EQ(Describe(job), Describe(expected));
}

TEST(ApplyUpdateTest, InitialWorkersFollowALowerMaximum) {
  Job job = RunningJob();
  job.options.max_workers = 8;
  job.options.initial_workers = 8;
  ASSERT_THAT(ApplyUpdate(job, {.max_workers = 3}, At(3)), IsOk());
  EXPECT_EQ(job.options.initial_workers, 3);
  ASSERT_THAT(ApplyUpdate(job, {.max_workers = 6}, At(4)), IsOk());
  EXPECT_EQ(job.options.initial_workers, 3);
}

TEST(ApplyUpdateTest, WhatHasEndedTakesMetadataAndVersionButNoTuning) {
  Job job = RunningJob();
  ASSERT_THAT(ApplyCancel(job, "enough", true, At(2)), IsOk());
  const std::string before = Describe(job);
  for (const JobUpdate& update :
       {JobUpdate{.initial_workers = 1}, JobUpdate{.max_workers = 9}, JobUpdate{.priority = 1}, JobUpdate{.weight = 2},
        JobUpdate{.records_per_second = 1}, JobUpdate{.delay_between_chunks = absl::Seconds(1)},
        JobUpdate{.name = "anew", .max_failed_ratio = 0.1}}) {
    EXPECT_THAT(ApplyUpdate(job, update, At(3)), IsError(Reason::kPipelineCancelled));
  }
  EXPECT_EQ(Describe(job), before);
  ASSERT_THAT(ApplyUpdate(job, {.version = JobUpdate::Version{"2.0.0", "v2", "h2"}, .name = "anew"}, At(3)), IsOk());
  EXPECT_EQ(job.state, JobState::kCancelled);
  EXPECT_EQ(job.config_hash, "h2");
  EXPECT_EQ(job.metadata.name, "anew");
}

TEST(ApplyUpdateTest, AJobThatFailedIsTunedBeforeItIsTakenUp) {
  Job job = RunningJob();
  job.options.max_failed_ratio = 0.1;
  ApplyFail(job, "error budget spent", At(2));
  ASSERT_THAT(ApplyUpdate(job, {.max_failed_ratio = 0.5}, At(3)), IsOk());
  EXPECT_EQ(job.state, JobState::kFailed);
  EXPECT_EQ(job.options.max_failed_ratio, 0.5);
}

}  // namespace
}  // namespace millrace::model
