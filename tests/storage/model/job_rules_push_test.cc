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
using ::millrace::testing::ExampleJob;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using ::millrace::testing::MetadataOf;

Job NewJob(int64_t input_buffer_bytes = 1'000) {
  Job job = ExampleJob();
  job.options.input_buffer_bytes = input_buffer_bytes;
  ApplyCreate(job, 7, At(0));
  return job;
}

TEST(ApplyCreateTest, KeepsWhatTheCreatorChoseAndForgetsTheRest) {
  Job dirty = ExampleJob();
  dirty.options.unique_key = "one";
  dirty.request_id = "r";
  dirty.state = JobState::kCancelled;
  dirty.cancel_mode = CancelMode::kForce;
  dirty.state_reason = "left over";
  dirty.counters.chunks_completed = 4;
  dirty.last_sequence = dirty.watermark = dirty.highest_committed = 4;
  dirty.last_result = dirty.acknowledged_result = 4;
  dirty.input_buffer_used_bytes = dirty.output_buffer_used_bytes = dirty.unacknowledged_records = 4;
  dirty.start_time = dirty.first_commit_time = dirty.input_close_time = dirty.complete_time = At(-1);

  Job clean = ExampleJob();
  clean.options.unique_key = "one";
  clean.request_id = "r";
  ApplyCreate(dirty, 7, At(0));
  ApplyCreate(clean, 7, At(0));
  EXPECT_EQ(Describe(dirty), Describe(clean));
  EXPECT_EQ(clean.state, JobState::kCreated);
  EXPECT_EQ(clean.owner, "server-1");
  EXPECT_EQ(clean.owner_epoch, 7);
  EXPECT_EQ(clean.create_time, At(0));
  EXPECT_EQ(clean.update_time, At(0));
  EXPECT_EQ(clean.start_time, absl::InfinitePast());
}

TEST(ApplyPushTest, CountsChunksRecordsAndBytes) {
  Job job = NewJob();
  ASSERT_THAT(ApplyPush(job, {.chunks = 2, .records = 7, .bytes = 300}, At(1)), IsOk());
  ASSERT_THAT(ApplyPush(job, {.chunks = 1, .records = 1, .bytes = 50}, At(2)), IsOk());
  EXPECT_EQ(job.last_sequence, 3);
  EXPECT_EQ(job.counters.records_submitted, 8);
  EXPECT_EQ(job.counters.input_bytes, 350);
  EXPECT_EQ(job.input_buffer_used_bytes, 350);
}

TEST(ApplyPushTest, TheFirstPushStartsTheJobAndEachUpdatesIt) {
  Job job = NewJob();
  ASSERT_THAT(ApplyPush(job, {.chunks = 1, .records = 1, .bytes = 1}, At(1)), IsOk());
  ASSERT_THAT(ApplyPush(job, {.chunks = 1, .records = 1, .bytes = 1}, At(2)), IsOk());
  EXPECT_EQ(job.start_time, At(1));
  EXPECT_EQ(job.update_time, At(2));
}

TEST(ApplyPushTest, FillsTheBufferToTheLastByte) {
  Job job = NewJob(100);
  EXPECT_THAT(ApplyPush(job, {.chunks = 1, .records = 1, .bytes = 60}, At(1)), IsOk());
  EXPECT_THAT(ApplyPush(job, {.chunks = 1, .records = 1, .bytes = 40}, At(1)), IsOk());
  EXPECT_EQ(job.input_buffer_used_bytes, 100);
}

TEST(ApplyPushTest, AFullBufferSaysHowMuchIsLeftAndWhenToComeBack) {
  Job job = NewJob(100);
  ASSERT_THAT(ApplyPush(job, {.chunks = 1, .records = 1, .bytes = 60}, At(1)), IsOk());
  const std::string before = Describe(job);
  const absl::Status full = ApplyPush(job, {.chunks = 1, .records = 1, .bytes = 41}, At(2)).status();
  EXPECT_THAT(full, IsError(Reason::kInputBufferFull));
  EXPECT_EQ(MetadataOf(full, "remaining_bytes"), "40");
  EXPECT_EQ(MetadataOf(full, "needed_bytes"), "41");
  EXPECT_EQ(MetadataOf(full, "allocated_bytes"), "100");
  EXPECT_EQ(DetailsOf(full).retry_after, absl::Milliseconds(200));
  EXPECT_EQ(Describe(job), before);
}

TEST(ApplyPushTest, WhatCanNeverFitIsRefusedForGood) {
  Job job = NewJob(100);
  const absl::Status refused = ApplyPush(job, {.chunks = 2, .records = 2, .bytes = 101}, At(1)).status();
  EXPECT_THAT(refused, IsError(Reason::kPushExceedsInputBuffer));
  EXPECT_EQ(MetadataOf(refused, "needed_bytes"), "101");
  EXPECT_EQ(MetadataOf(refused, "allocated_bytes"), "100");
  EXPECT_EQ(DetailsOf(refused).retry_after, absl::ZeroDuration());
  EXPECT_EQ(job.state, JobState::kCreated);
}

TEST(ApplyPushTest, AClosedPipelineNamesItsState) {
  Job job = NewJob();
  ASSERT_THAT(ApplyClose(job, At(1)), IsOk());
  const absl::Status refused = ApplyPush(job, {.chunks = 1, .records = 1, .bytes = 1}, At(2)).status();
  EXPECT_THAT(refused, IsError(Reason::kPipelineClosed));
  EXPECT_EQ(MetadataOf(refused, "state"), "COMPLETED");
}

}  // namespace
}  // namespace millrace::model
