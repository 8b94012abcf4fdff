// Pushes from the reader of a source.
#include <string>
#include <vector>

#include "storage/model/errors.h"
#include "tests/storage/store/job_store_fixture.h"

namespace millrace::store {
namespace {

using ::millrace::testing::ExampleChunk;
using ::millrace::testing::ExampleJob;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using ::millrace::testing::kTenant;
using model::JobKey;
using model::JobPtr;
using model::JobState;
using model::Reason;
using model::SourcePosition;

class SourceTest : public JobStoreTest {
 protected:
  JobKey CreateWithSource() {
    model::Job job = ExampleJob();
    job.source = {.kind = model::SourceKind::kFile, .path = "/data/a.csv", .format = model::SourceFormat::kCsv};
    return Create(std::move(job))->key();
  }

  absl::StatusOr<PushReceipt> Read(const JobKey& job, std::vector<model::NewChunk> chunks,
                                   const SourcePosition& position) {
    return Await<PushReceipt>([&](auto done) {
      store().PushChunks({.job = job, .chunks = std::move(chunks), .order = nullptr, .source_position = position},
                         std::move(done));
    });
  }
};

class DurableSourceTest : public SourceTest {};

TEST_P(SourceTest, ACompletedJobWhoseVersionIsDeletedIsNotContinued) {
  model::Job sampled = ExampleJob();
  sampled.source = {.kind = model::SourceKind::kRange, .count = 9, .field = "n", .sample = {.first = 3}};
  const JobPtr job = Create(std::move(sampled));
  ASSERT_THAT(Read(job->key(), {}, {.exhausted = true}), IsOk());
  ASSERT_THAT(store().DeleteServiceVersion(kTenant, {.service = "", .version = "", .version_id = job->version_id}),
              IsOk());
  const std::string before = Everything(job->key());
  EXPECT_THAT(store().ContinueJob(job->key()), IsError(Reason::kServiceVersionNotFound));
  EXPECT_EQ(Everything(job->key()), before);
}

TEST_P(SourceTest, ThePositionMovesWithTheChunks) {
  const JobKey job = CreateWithSource();
  const SourcePosition position{.offset = 99, .line = 7, .records = 6, .chunks = 2, .read_errors = 1};
  ASSERT_OK_AND_ASSIGN(const PushReceipt receipt, Read(job, {ExampleChunk("s1"), ExampleChunk("s2")}, position));
  EXPECT_EQ(receipt.job->source_position, position);
  ASSERT_OK_AND_ASSIGN(const JobPtr stored, store().GetJob(job));
  EXPECT_EQ(stored->source_position, position);
  EXPECT_EQ(stored->counters.records_submitted, 6);
}

TEST_P(SourceTest, TheSameChunksAgainChangeNothing) {
  const JobKey job = CreateWithSource();
  const SourcePosition position{.offset = 9, .records = 3, .chunks = 1};
  ASSERT_THAT(Read(job, {ExampleChunk("s1")}, position), IsOk());
  const std::string before = Everything(job);
  ASSERT_OK_AND_ASSIGN(const PushReceipt again, Read(job, {ExampleChunk("s1")}, position));
  EXPECT_TRUE(again.chunks[0].duplicate);
  EXPECT_EQ(Everything(job), before);
}

TEST_P(SourceTest, APushFromElsewhereIsRefusedWhole) {
  const JobKey job = CreateWithSource();
  ASSERT_THAT(Read(job, {ExampleChunk("s1")}, {.offset = 9, .records = 3, .chunks = 1}), IsOk());
  const std::string before = Everything(job);
  EXPECT_THAT(Push(job, ExampleChunk("mine")), IsError(Reason::kPipelineHasSource));
  EXPECT_THAT(Read(job, {ExampleChunk("s3")}, {.offset = 27, .records = 9, .chunks = 3}),
              IsError(Reason::kInternalError));
  EXPECT_EQ(Everything(job), before);
}

TEST_P(SourceTest, TheEndIsStoredWithoutAChunkAndClosesTheInput) {
  const JobKey job = CreateWithSource();
  ASSERT_OK_AND_ASSIGN(const PushReceipt receipt, Read(job, {}, {.records = 2, .exhausted = true}));
  EXPECT_TRUE(receipt.job->source_position.exhausted);
  EXPECT_EQ(receipt.job->state, JobState::kCompleted);
  EXPECT_EQ(store().GetJob(job).value()->state, JobState::kCompleted);
}

TEST_P(SourceTest, AJobThatIsContinuedIsAtWorkAgain) {
  model::Job sampled = ExampleJob();
  sampled.source = {.kind = model::SourceKind::kRange, .count = 9, .field = "n", .sample = {.first = 3}};
  sampled.options.unique_key = "nightly";
  const JobKey job = Create(std::move(sampled))->key();
  const SourcePosition end{.offset = 3, .records = 3, .chunks = 1, .exhausted = true};
  ASSERT_THAT(Read(job, {ExampleChunk("s1")}, end), IsOk());
  CommitOne(job, 1);
  ASSERT_EQ(store().GetJob(job).value()->state, JobState::kCompleted);

  model::Job other = ExampleJob("job-2");
  other.options.unique_key = "nightly";
  Create(std::move(other));
  const std::string before = Everything(job);
  EXPECT_THAT(store().ContinueJob(job, "ann"), IsError(Reason::kUniqueKeyTaken));
  EXPECT_EQ(Everything(job), before);
  ASSERT_THAT(store().CloseJob({job.tenant, "job-2"}), IsOk());

  ASSERT_OK_AND_ASSIGN(const JobPtr continued, store().ContinueJob(job, "ann"));
  EXPECT_EQ(continued->state, JobState::kInProgress);
  EXPECT_TRUE(continued->source.sample.continued);
  ASSERT_OK_AND_ASSIGN(const std::vector<model::JobEvent> events,
                       store().ListJobEvents(job, continued->last_event - 2, 9));
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].detail, "reads the sample -> all of the source");
  EXPECT_EQ(events[0].by, "ann");
  EXPECT_EQ(events[1].to_state, JobState::kInProgress);
  EXPECT_THAT(
      store().DeleteServiceVersion(kTenant, {.service = "", .version = "", .version_id = continued->version_id}),
      IsError(Reason::kServiceVersionInUse));
  const std::string after = Everything(job);
  EXPECT_THAT(store().ContinueJob(job, "bob"), IsOk());
  EXPECT_EQ(Everything(job), after) << "a second call changes nothing";
  model::Job third = ExampleJob("job-3");
  third.options.unique_key = "nightly";
  EXPECT_THAT(store().CreateJob(std::move(third)), IsError(Reason::kUniqueKeyTaken));
  EXPECT_THAT(store().ContinueJob({job.tenant, "nobody"}), IsError(Reason::kPipelineNotFound));
}

TEST_P(DurableSourceTest, SourceAndPositionOutliveTheStore) {
  const JobKey job = CreateWithSource();
  ASSERT_THAT(Read(job, {ExampleChunk("s1")}, {.offset = 9, .line = 4, .records = 3, .chunks = 1}), IsOk());
  Reopen();
  ASSERT_OK_AND_ASSIGN(const JobPtr stored, store().GetJob(job));
  EXPECT_EQ(stored->source.path, "/data/a.csv");
  EXPECT_EQ(stored->source_position, (SourcePosition{.offset = 9, .line = 4, .records = 3, .chunks = 1}));
  EXPECT_THAT(Read(job, {ExampleChunk("s2")}, {.offset = 18, .line = 7, .records = 6, .chunks = 2}), IsOk());
}

TEST_P(DurableSourceTest, TheRestOfASampleIsReadOnByTheNextServer) {
  model::Job sampled = ExampleJob();
  sampled.source = {.kind = model::SourceKind::kRange, .count = 9, .field = "n", .sample = {.every = 3}};
  const JobKey job = Create(std::move(sampled))->key();
  ASSERT_THAT(Read(job, {ExampleChunk("s1")}, {.offset = 9, .records = 9, .chunks = 1, .exhausted = true}), IsOk());
  ASSERT_THAT(store().ContinueJob(job), IsOk());
  Reopen();
  ASSERT_OK_AND_ASSIGN(const JobPtr stored, store().GetJob(job));
  EXPECT_EQ(stored->source_position, (SourcePosition{.chunks = 1, .rest = true}));
  EXPECT_TRUE(stored->source.sample.continued);
}

INSTANTIATE_TEST_SUITE_P(Stores, SourceTest, ::testing::ValuesIn(AllStores()), StoreName);
INSTANTIATE_TEST_SUITE_P(Stores, DurableSourceTest, ::testing::ValuesIn(DurableStores()), StoreName);

}  // namespace
}  // namespace millrace::store
