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

TEST_P(SourceTest, TheEndIsStoredWithoutAChunk) {
  const JobKey job = CreateWithSource();
  ASSERT_OK_AND_ASSIGN(const PushReceipt receipt, Read(job, {}, {.records = 2, .exhausted = true}));
  EXPECT_TRUE(receipt.job->source_position.exhausted);
  ASSERT_OK_AND_ASSIGN(const JobPtr closed, store().CloseJob(job));
  EXPECT_EQ(closed->state, JobState::kCompleted);
  EXPECT_TRUE(closed->source_position.exhausted);
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

INSTANTIATE_TEST_SUITE_P(Stores, SourceTest, ::testing::ValuesIn(AllStores()), StoreName);
INSTANTIATE_TEST_SUITE_P(Stores, DurableSourceTest, ::testing::ValuesIn(DurableStores()), StoreName);

}  // namespace
}  // namespace millrace::store
