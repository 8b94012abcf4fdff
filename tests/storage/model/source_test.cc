#include "storage/model/source.h"

#include <gtest/gtest.h>

#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/model/tuning_rules.h"
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
using ::millrace::testing::IsOkAndHolds;

Job NewJob() {
  Job job = ExampleJob();
  job.source = {.kind = SourceKind::kRange, .count = 10, .field = "n"};
  ApplyCreate(job, 7, At(0));
  return job;
}

TEST(SourceSampleTest, CountsWhatItTakes) {
  for (const SourceSample& sample :
       {SourceSample{}, SourceSample{.first = 1}, SourceSample{.first = 7}, SourceSample{.first = 100},
        SourceSample{.every = 1}, SourceSample{.every = 3}, SourceSample{.every = 5}, SourceSample{.every = 100}}) {
    for (const int64_t count : {0, 1, 9, 10, 11}) {
      int64_t taken = 0;
      for (int64_t i = 0; i < count; ++i) {
        taken += TakesRecord(sample, i) ? 1 : 0;
        EXPECT_NE(TakesRecord(sample, i), TakesRecord(sample, i, true)) << "each is in the sample or in its rest";
      }
      EXPECT_EQ(SampledCount(sample, count), taken) << sample.first << " " << sample.every << " " << count;
      EXPECT_TRUE(!IsSampleOver(sample, count) || !TakesRecord(sample, count));
      EXPECT_FALSE(IsSampleOver(sample, count, true));
      SourceSample continued = sample;
      continued.continued = true;
      EXPECT_EQ(SampledCount(continued, count), count);
    }
  }
}

TEST(SourceRulesTest, ChunksMoveThePositionWithThem) {
  Job job = NewJob();
  const SourcePosition position{.offset = 6, .records = 6, .chunks = 2};
  ASSERT_THAT(ApplyPush(job, {.chunks = 2, .records = 6, .bytes = 60}, At(1), position), IsOk());
  EXPECT_EQ(job.source_position, position);
  EXPECT_EQ(job.counters.records_submitted, 6);
  EXPECT_EQ(job.state, JobState::kInProgress);
}

TEST(SourceRulesTest, OnlyTheReaderMayPush) {
  Job job = NewJob();
  const std::string before = Describe(job);
  EXPECT_THAT(ApplyPush(job, {.chunks = 1, .records = 1, .bytes = 1}, At(1)), IsError(Reason::kPipelineHasSource));
  EXPECT_EQ(Describe(job), before);
}

TEST(SourceRulesTest, AReaderThatBeganElsewhereIsRefused) {
  Job job = NewJob();
  ASSERT_THAT(ApplyPush(job, {.chunks = 2, .records = 6, .bytes = 60}, At(1), SourcePosition{.chunks = 2}), IsOk());
  const std::string before = Describe(job);
  EXPECT_THAT(ApplyPush(job, {.chunks = 1, .records = 3, .bytes = 30}, At(2), SourcePosition{.chunks = 1}),
              IsError(Reason::kInternalError));
  EXPECT_EQ(Describe(job), before);
  Job pushed = ExampleJob();
  ApplyCreate(pushed, 7, At(0));
  EXPECT_THAT(ApplyPush(pushed, {.chunks = 1, .records = 3, .bytes = 30}, At(2), SourcePosition{.chunks = 1}),
              IsError(Reason::kInternalError));
}

TEST(SourceRulesTest, TheEndClosesTheInputAndMayComeWithoutAChunk) {
  Job job = NewJob();
  job.source = {.kind = SourceKind::kFile};
  EXPECT_EQ(TotalRecords(job), std::nullopt);
  EXPECT_THAT(ApplyPush(job, {}, At(1), SourcePosition{.records = 4, .exhausted = true}), IsOkAndHolds(true));
  EXPECT_TRUE(job.source_position.exhausted);
  EXPECT_EQ(job.state, JobState::kCompleted);
  EXPECT_EQ(job.input_close_time, At(1));
  EXPECT_EQ(TotalRecords(job), 0);
  EXPECT_FALSE(NeedsReading(job));
  job = NewJob();
  const SourcePosition position{.offset = 6, .records = 6, .chunks = 2, .exhausted = true};
  EXPECT_THAT(ApplyPush(job, {.chunks = 2, .records = 6, .bytes = 60}, At(1), position), IsOkAndHolds(true));
  EXPECT_EQ(job.state, JobState::kClosed);
  EXPECT_EQ(job.start_time, At(1));
  EXPECT_THAT(ApplyPush(job, {}, At(2), position), IsOkAndHolds(false))
      << "the reply was lost, and the reader came again";
}

TEST(SourceRulesTest, AnExhaustedJobThatAnOlderServerLeftOpenIsClosed) {
  Job job = NewJob();
  job.state = JobState::kInProgress;
  job.source_position = {.records = 4, .exhausted = true};
  EXPECT_TRUE(NeedsReading(job)) << "its input is to be closed";
  EXPECT_THAT(ApplyPush(job, {}, At(1), job.source_position), IsOkAndHolds(true));
  EXPECT_EQ(job.state, JobState::kCompleted);
}

/// What a job has read of its source when all of its sample is read.
SourcePosition EndOf(const SourceSample& sample) {
  const int64_t records = sample.first > 0 ? sample.first : 10;
  return {.offset = records,
          .line = 3,
          .key = {"i9"},
          .records = records,
          .chunks = 1,
          .read_errors = 2,
          .exhausted = true};
}

Job SampledJob(const SourceSample& sample) {
  Job job = NewJob();
  job.source.sample = sample;
  EXPECT_THAT(ApplyPush(job, {.chunks = 1, .records = 3, .bytes = 30}, At(1), EndOf(sample)), IsOk());
  return job;
}

TEST(SourceRulesTest, TheRestOfASampleIsReadFromWhereItBegins) {
  Job first = SampledJob({.first = 3});
  EXPECT_THAT(ApplyContinue(first, At(2)), IsOkAndHolds(true));
  EXPECT_EQ(first.state, JobState::kInProgress);
  EXPECT_EQ(first.input_close_time, absl::InfinitePast());
  EXPECT_EQ(first.source_position.records, 3) << "behind the first three";
  EXPECT_TRUE(first.source_position.rest);
  EXPECT_TRUE(NeedsReading(first));
  EXPECT_EQ(TotalRecords(first), 10);
  EXPECT_THAT(ApplyContinue(first, At(3)), IsOkAndHolds(false));
  EXPECT_EQ(first.update_time, At(2));

  Job every = SampledJob({.every = 4});
  EXPECT_THAT(ApplyContinue(every, At(2)), IsOkAndHolds(true));
  EXPECT_EQ(every.source_position, (SourcePosition{.chunks = 1, .read_errors = 2, .rest = true})) << "between them";
}

TEST(SourceRulesTest, ASampleThatIsStillReadIsFollowedByItsRest) {
  Job job = NewJob();
  job.source.sample.every = 4;
  EXPECT_THAT(ApplyContinue(job, At(1)), IsOkAndHolds(true));
  EXPECT_EQ(job.state, JobState::kCreated);
  // The reader had not heard of it.
  EXPECT_THAT(ApplyPush(job, {.chunks = 1, .records = 3, .bytes = 30}, At(2), EndOf(job.source.sample)), IsOk());
  EXPECT_EQ(job.state, JobState::kInProgress);
  EXPECT_EQ(job.source_position, (SourcePosition{.chunks = 1, .read_errors = 2, .rest = true}));
  const std::string before = Describe(job);
  EXPECT_THAT(ApplyPush(job, {}, At(3), EndOf(job.source.sample)), IsError(Reason::kInternalError))
      << "the reply was lost, and the reader came again";
  EXPECT_EQ(Describe(job), before);
  EXPECT_THAT(ApplyPush(job, {.chunks = 1, .records = 7, .bytes = 70}, At(4),
                        SourcePosition{.offset = 10, .records = 10, .chunks = 2, .exhausted = true, .rest = true}),
              IsOk());
  EXPECT_EQ(job.state, JobState::kClosed);
}

TEST(SourceRulesTest, APausedJobStaysPausedWhenItIsContinued) {
  Job job = SampledJob({.first = 3});
  ASSERT_THAT(ApplyPause(job, "", At(2)), IsOk());
  EXPECT_THAT(ApplyContinue(job, At(3)), IsOkAndHolds(true));
  EXPECT_EQ(job.state, JobState::kPaused);
  EXPECT_EQ(StateUnderPause(job), JobState::kInProgress);
  EXPECT_TRUE(NeedsReading(job));
}

TEST(SourceRulesTest, WhatCannotBeContinuedIsRefusedAndStaysAsItWas) {
  const auto refuses = [](Job job, Reason reason) {
    const std::string before = Describe(job);
    EXPECT_THAT(ApplyContinue(job, At(5)), IsError(reason));
    EXPECT_EQ(Describe(job), before);
  };
  refuses(NewJob(), Reason::kFieldInvalid);
  refuses(ExampleJob(), Reason::kFieldInvalid);
  Job query = SampledJob({.every = 4});
  query.source.kind = SourceKind::kQuery;
  refuses(query, Reason::kFieldInvalid);
  query.source.sample = {.first = 3};
  EXPECT_THAT(ApplyContinue(query, At(5)), IsOkAndHolds(true));
  Job exceptions = SampledJob({.every = 4});
  exceptions.source.kind = SourceKind::kExceptions;
  refuses(exceptions, Reason::kFieldInvalid);
  Job cancelled = SampledJob({.first = 3});
  ASSERT_THAT(ApplyCancel(cancelled, "enough", false, At(2)), IsOk());
  refuses(cancelled, Reason::kPipelineCancelled);
  Job failed = SampledJob({.first = 3});
  ASSERT_TRUE(ApplyFail(failed, "broken", At(2)));
  refuses(failed, Reason::kPipelineClosed);
}

TEST(SourceRulesTest, PartsAreContinuedWhereWhatIsLeftCanBeTold) {
  const auto continues = [](SourceKind kind, std::string_view name, const std::vector<PartRange>& parts) {
    Partitioning partitioning = *ParsePartitioning(name);
    EXPECT_THAT(ChooseParts(partitioning, parts), IsOk());
    Job job = SampledJob({.partitioning = partitioning});
    job.source.kind = kind;
    const absl::StatusOr<bool> continued = ApplyContinue(job, At(5));
    if (!continued.ok()) {
      EXPECT_THAT(continued, IsError(Reason::kFieldInvalid));
    }
    return continued.ok();
  };
  EXPECT_TRUE(continues(SourceKind::kRange, "every_4", {{1, 2}}));
  EXPECT_FALSE(continues(SourceKind::kRange, "every_4", {{0, 3}})) << "it has all parts";
  EXPECT_TRUE(continues(SourceKind::kQuery, "size_4", {{0, 3}}));
  for (const SourceKind kind : {SourceKind::kQuery, SourceKind::kExceptions}) {
    EXPECT_FALSE(continues(kind, "size_4", {{1, 3}}));
    EXPECT_FALSE(continues(kind, "every_4", {{0, 0}}));
    EXPECT_FALSE(continues(kind, "first_4", {{1, 1}}));
  }
}

TEST(SourceRulesTest, TheRestOfTheFirstPartsBeginsWhereTheyEnd) {
  Partitioning first = *ParsePartitioning("size_2");
  ASSERT_THAT(ChooseParts(first, {{0, 1}}), IsOk());
  Job job = NewJob();
  job.source.sample.partitioning = first;
  ASSERT_THAT(ApplyPush(job, {.chunks = 2, .records = 4, .bytes = 40}, At(1),
                        SourcePosition{.offset = 4, .records = 4, .chunks = 2, .exhausted = true}),
              IsOk());
  EXPECT_FALSE(TakesInput(job));
  ASSERT_THAT(ApplyContinue(job, At(2)), IsOkAndHolds(true));
  EXPECT_EQ(job.source_position, (SourcePosition{.offset = 4, .records = 4, .chunks = 2, .rest = true}));
  EXPECT_TRUE(TakesInput(job));
  EXPECT_EQ(TotalRecords(job), 10);
}

TEST(SourceRulesTest, NothingIsReadIntoAJobThatWasClosed) {
  Job job = NewJob();
  ASSERT_THAT(ApplyClose(job, At(1)), IsOk());
  EXPECT_THAT(ApplyPush(job, {}, At(2), SourcePosition{.records = 1}), IsError(Reason::kPipelineClosed));
}

TEST(SourceRulesTest, TheTotalOfARangeIsKnownFromTheStart) {
  Job job = NewJob();
  EXPECT_EQ(TotalRecords(job), 10);
  job.source.sample.every = 4;
  EXPECT_EQ(TotalRecords(job), 3);
  EXPECT_EQ(TotalRecords(ExampleJob()), std::nullopt);
}

TEST(SourceRulesTest, AJobWithASourceIsNeverIdle) {
  Job job = NewJob();
  EXPECT_FALSE(WaitsForClient(job, 0));
  EXPECT_FALSE(ApplyIdle(job, At(1)));
}

}  // namespace
}  // namespace millrace::model
