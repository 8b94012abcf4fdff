#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "storage/model/errors.h"
#include "tests/storage/store/job_store_fixture.h"

namespace millrace::store {
namespace {

using ::millrace::testing::At;
using ::millrace::testing::Describe;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using ::millrace::testing::MetadataOf;
using model::JobKey;
using model::JobPtr;
using model::JobState;
using model::Reason;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kMaxBytes = std::numeric_limits<int64_t>::max();

class ResultsTest : public JobStoreTest {
 protected:
  static std::vector<int64_t> NumbersOf(const std::vector<model::ChunkResult>& results) {
    std::vector<int64_t> numbers;
    for (const model::ChunkResult& result : results) numbers.push_back(result.number);
    return numbers;
  }
};

TEST_P(ResultsTest, AreReadBehindACursorAndNoMoreThanAsked) {
  const JobKey job = Create()->key();
  PushMany(job, 5);
  for (int64_t sequence = 1; sequence <= 5; ++sequence) CommitOne(job, sequence);
  ASSERT_OK_AND_ASSIGN(const auto some, store().ReadResults(job, 1, 3, kMaxBytes));
  EXPECT_THAT(NumbersOf(some), ElementsAre(2, 3, 4));
  EXPECT_THAT(NumbersOf(Results(job, 3)), ElementsAre(4, 5));
  EXPECT_THAT(NumbersOf(Results(job, 5)), IsEmpty());
}

TEST_P(ResultsTest, StopBeforeTheyWouldExceedTheBytesAsked) {
  const JobKey job = Create()->key();
  PushMany(job, 4);
  for (int64_t sequence = 1; sequence <= 4; ++sequence) CommitOne(job, sequence);
  const auto size = static_cast<int64_t>(Results(job)[0].json_lines.size());
  for (const auto& [bytes_max, count] : std::vector<std::pair<int64_t, size_t>>{
           {0, 1}, {size, 1}, {2 * size - 1, 1}, {2 * size, 2}, {4 * size, 4}, {99 * size, 4}}) {
    ASSERT_OK_AND_ASSIGN(const auto results, store().ReadResults(job, 0, 100, bytes_max));
    EXPECT_THAT(results, SizeIs(count)) << bytes_max;
  }
}

TEST_P(ResultsTest, OfOneJobNeverShowInAnother) {
  const JobKey one = Create("job")->key();
  const JobKey two = Create("job-2")->key();
  PushMany(one, 1);
  PushMany(two, 2);
  CommitOne(two, 1);
  EXPECT_THAT(Results(one), IsEmpty());
  CommitOne(one, 1);
  EXPECT_THAT(Results(one), SizeIs(1));
  EXPECT_THAT(Results(two), SizeIs(1));
}

TEST_P(ResultsTest, AcknowledgingFreesTheOutputBuffer) {
  const JobKey job = Create()->key();
  PushMany(job, 3);
  CommitOne(job, 1, 0);
  CommitOne(job, 2, 2);
  CommitOne(job, 3, 3);
  const std::vector<model::ChunkResult> results = Results(job);
  Tick();
  ASSERT_OK_AND_ASSIGN(const JobPtr after, store().Acknowledge(job, 2, "cursor"));
  EXPECT_EQ(after->acknowledged_result, 2);
  EXPECT_EQ(after->output_buffer_used_bytes, static_cast<int64_t>(results[2].json_lines.size()));
  EXPECT_EQ(after->unacknowledged_records, 3);
  EXPECT_EQ(after->update_time, At(1));
  ASSERT_OK_AND_ASSIGN(const JobPtr all, store().Acknowledge(job, 3, "cursor"));
  EXPECT_EQ(all->output_buffer_used_bytes, 0);
  EXPECT_EQ(all->unacknowledged_records, 0);
}

TEST_P(ResultsTest, AcknowledgedResultsCanBeReadAgain) {
  const JobKey job = Create()->key();
  PushMany(job, 2);
  CommitOne(job, 1);
  CommitOne(job, 2);
  const std::string before = Describe(Results(job));
  ASSERT_THAT(store().Acknowledge(job, 2, "cursor"), IsOk());
  EXPECT_EQ(Describe(Results(job)), before);
}

TEST_P(ResultsTest, AcknowledgingLessThanBeforeChangesNothing) {
  const JobKey job = Create()->key();
  PushMany(job, 2);
  CommitOne(job, 1);
  CommitOne(job, 2);
  ASSERT_THAT(store().Acknowledge(job, 2, "cursor"), IsOk());
  const std::string before = Everything(job);
  Tick();
  for (const int64_t cursor : {0, 1, 2}) {
    EXPECT_THAT(store().Acknowledge(job, cursor, "cursor"), IsOk());
    EXPECT_EQ(Everything(job), before);
  }
}

TEST_P(ResultsTest, ACursorThatCannotBeNamesItsField) {
  const JobKey job = Create()->key();
  PushMany(job, 1);
  CommitOne(job, 1);
  const absl::Status future = store().Acknowledge(job, 2, "after").status();
  EXPECT_THAT(future, IsError(Reason::kCursorInFuture));
  EXPECT_EQ(MetadataOf(future, "newest"), "1");
  EXPECT_EQ(model::DetailsOf(future).field, "after");
  const absl::Status negative = store().Acknowledge(job, -1, "cursor").status();
  EXPECT_THAT(negative, IsError(Reason::kFieldInvalid));
  EXPECT_EQ(model::DetailsOf(negative).field, "cursor");
}

TEST_P(ResultsTest, OfACompletedJobCanStillBeTaken) {
  const JobKey job = Create()->key();
  PushMany(job, 1);
  CommitOne(job, 1);
  ASSERT_THAT(store().CloseJob(job), IsOk());
  ASSERT_OK_AND_ASSIGN(const JobPtr after, store().Acknowledge(job, 1, "cursor"));
  EXPECT_EQ(after->state, JobState::kCompleted);
  EXPECT_EQ(after->output_buffer_used_bytes, 0);
  EXPECT_THAT(Results(job), SizeIs(1));
}

INSTANTIATE_TEST_SUITE_P(Stores, ResultsTest, ::testing::ValuesIn(AllStores()), StoreName);

}  // namespace
}  // namespace millrace::store
