#include "storage/model/source.h"

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

Job NewJob() {
  Job job = ExampleJob();
  job.source = {.kind = SourceKind::kRange, .count = 10, .field = "n"};
  ApplyCreate(job, 7, At(0));
  return job;
}

TEST(SourceSampleTest, CountsWhatItTakes) {
  for (const SourceSample sample :
       {SourceSample{}, SourceSample{.first = 1}, SourceSample{.first = 7}, SourceSample{.first = 100},
        SourceSample{.every = 1}, SourceSample{.every = 3}, SourceSample{.every = 5}, SourceSample{.every = 100}}) {
    for (const int64_t count : {0, 1, 9, 10, 11}) {
      int64_t taken = 0;
      for (int64_t i = 0; i < count; ++i) taken += TakesRecord(sample, i) ? 1 : 0;
      EXPECT_EQ(SampledCount(sample, count), taken) << sample.first << " " << sample.every << " " << count;
      EXPECT_TRUE(!IsSampleOver(sample, count) || !TakesRecord(sample, count));
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

TEST(SourceRulesTest, TheEndMayComeWithoutAChunk) {
  Job job = NewJob();
  job.source.kind = SourceKind::kFile;
  EXPECT_EQ(TotalRecords(job), std::nullopt);
  ASSERT_THAT(ApplyPush(job, {}, At(1), SourcePosition{.records = 4, .exhausted = true}), IsOk());
  EXPECT_TRUE(job.source_position.exhausted);
  EXPECT_EQ(job.state, JobState::kCreated);
  EXPECT_EQ(TotalRecords(job), 0);
  EXPECT_TRUE(NeedsReading(job)) << "its input is to be closed";
  ASSERT_THAT(ApplyClose(job, At(2)), IsOk());
  EXPECT_FALSE(NeedsReading(job));
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
