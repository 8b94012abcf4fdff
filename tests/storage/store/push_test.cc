#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "storage/model/errors.h"
#include "tests/storage/store/job_store_fixture.h"

namespace millrace::store {
namespace {

using ::millrace::testing::At;
using ::millrace::testing::Describe;
using ::millrace::testing::ExampleChunk;
using ::millrace::testing::ExampleJob;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using ::millrace::testing::MetadataOf;
using model::Job;
using model::JobKey;
using model::JobPtr;
using model::JobState;
using model::NewChunk;
using model::Reason;
using ::testing::SizeIs;

class PushTest : public JobStoreTest {};

TEST_P(PushTest, NumbersChunksFromOneInPushOrder) {
  const JobKey job = Create()->key();
  ASSERT_OK_AND_ASSIGN(const PushReceipt first, Push(job, {ExampleChunk("b"), ExampleChunk("a", 2)}));
  ASSERT_OK_AND_ASSIGN(const PushReceipt second, Push(job, ExampleChunk("c")));
  ASSERT_THAT(first.chunks, SizeIs(2));
  EXPECT_EQ(first.chunks[0].id, "b");
  EXPECT_EQ(first.chunks[0].sequence, 1);
  EXPECT_EQ(first.chunks[1].id, "a");
  EXPECT_EQ(first.chunks[1].sequence, 2);
  EXPECT_EQ(first.chunks[1].record_count, 2);
  EXPECT_FALSE(first.chunks[1].duplicate);
  ASSERT_THAT(second.chunks, SizeIs(1));
  EXPECT_EQ(second.chunks[0].sequence, 3);
}

TEST_P(PushTest, TheReceiptShowsTheJobAfterThePush) {
  const JobKey job = Create()->key();
  Tick();
  ASSERT_OK_AND_ASSIGN(const PushReceipt receipt, Push(job, {ExampleChunk("a"), ExampleChunk("b", 2)}));
  EXPECT_EQ(receipt.job->state, JobState::kInProgress);
  EXPECT_EQ(receipt.job->start_time, At(1));
  EXPECT_EQ(receipt.job->last_sequence, 2);
  EXPECT_EQ(receipt.job->counters.records_submitted, 5);
  EXPECT_EQ(receipt.job->input_buffer_used_bytes, 5 * millrace::testing::kExampleRecordBytes);
  ASSERT_OK_AND_ASSIGN(const JobPtr stored, store().GetJob(job));
  EXPECT_EQ(Describe(*stored), Describe(*receipt.job));
}

TEST_P(PushTest, AChunkIsReadAsItWasPushed) {
  const JobKey job = Create()->key();
  NewChunk chunk = ExampleChunk("a", 2);
  chunk.parameters_json = R"({"rate":3})";
  chunk.summary.ignore_error = true;
  chunk.summary.aggregations = {{"m", model::AggregationOperator::kMax}, {"m", model::AggregationOperator::kMean}};
  Tick();
  ASSERT_THAT(Push(job, chunk), IsOk());
  ASSERT_OK_AND_ASSIGN(const model::ChunkInput input, store().ReadChunk(job, 1));
  EXPECT_EQ(input.json_lines, chunk.json_lines);
  EXPECT_GE(input.json_lines.capacity(), input.json_lines.size() + model::kPayloadPadding);
  EXPECT_EQ(input.chunk.id, "a");
  EXPECT_EQ(input.chunk.sequence, 1);
  EXPECT_EQ(input.chunk.state, model::ChunkState::kPending);
  EXPECT_EQ(input.chunk.record_count, 2);
  EXPECT_EQ(input.chunk.input_bytes, static_cast<int64_t>(chunk.json_lines.size()));
  EXPECT_EQ(input.chunk.parameters_json, chunk.parameters_json);
  EXPECT_TRUE(input.chunk.summary.ignore_error);
  ASSERT_THAT(input.chunk.summary.aggregations, SizeIs(2));
  EXPECT_EQ(input.chunk.summary.aggregations[1].op, model::AggregationOperator::kMean);
  EXPECT_EQ(input.chunk.push_time, At(1));
  EXPECT_EQ(input.chunk.commit_time, absl::InfinitePast());
}

TEST_P(PushTest, PayloadsOfAnyBytesAndSizesComeBackWhole) {
  const JobKey job = Create()->key();
  std::mt19937_64 random(11);
  std::string noise;
  for (int i = 0; i < 1'000'000; ++i) noise += static_cast<char>(random());
  const std::vector<std::string> payloads = {std::string("\0\xff\n", 3), "x\n", std::string(3'000'000, 'z') + "\n",
                                             noise + "\n"};
  for (size_t i = 0; i < payloads.size(); ++i) {
    NewChunk chunk;
    chunk.id = "c" + std::to_string(i);
    chunk.json_lines = payloads[i];
    chunk.record_count = 1;
    ASSERT_THAT(Push(job, std::move(chunk)), IsOk());
  }
  for (size_t i = 0; i < payloads.size(); ++i) {
    ASSERT_OK_AND_ASSIGN(const model::ChunkInput input, store().ReadChunk(job, static_cast<int64_t>(i) + 1));
    EXPECT_TRUE(input.json_lines == payloads[i]) << i;
  }
}

TEST_P(PushTest, ADuplicateChangesNothingAndSaysSo) {
  const JobKey job = Create()->key();
  ASSERT_THAT(Push(job, ExampleChunk("a")), IsOk());
  const std::string before = Everything(job);
  Tick();
  ASSERT_OK_AND_ASSIGN(const PushReceipt again, Push(job, ExampleChunk("a")));
  ASSERT_THAT(again.chunks, SizeIs(1));
  EXPECT_TRUE(again.chunks[0].duplicate);
  EXPECT_EQ(again.chunks[0].sequence, 1);
  EXPECT_EQ(again.chunks[0].record_count, 3);
  EXPECT_EQ(Everything(job), before);
}

TEST_P(PushTest, ARepeatedPushStoresOnlyWhatIsNew) {
  const JobKey job = Create()->key();
  ASSERT_THAT(Push(job, {ExampleChunk("a"), ExampleChunk("b")}), IsOk());
  ASSERT_OK_AND_ASSIGN(const PushReceipt again, Push(job, {ExampleChunk("b"), ExampleChunk("c"), ExampleChunk("a")}));
  ASSERT_THAT(again.chunks, SizeIs(3));
  EXPECT_EQ(again.chunks[0].sequence, 2);
  EXPECT_TRUE(again.chunks[0].duplicate);
  EXPECT_EQ(again.chunks[1].sequence, 3);
  EXPECT_FALSE(again.chunks[1].duplicate);
  EXPECT_EQ(again.chunks[2].sequence, 1);
  EXPECT_EQ(again.job->counters.records_submitted, 9);
}

TEST_P(PushTest, ADuplicateIsWelcomeInAPipelineThatTakesNoInput) {
  for (const std::string how : {"complete", "cancel", "force"}) {
    const JobKey job = Create(how)->key();
    ASSERT_THAT(Push(job, ExampleChunk("a")), IsOk());
    if (how == "complete") {
      CommitOne(job, 1);
      ASSERT_THAT(store().CloseJob(job), IsOk());
    } else {
      ASSERT_THAT(store().CancelJob(job, "", how == "force"), IsOk());
    }
    ASSERT_OK_AND_ASSIGN(const PushReceipt again, Push(job, ExampleChunk("a")));
    EXPECT_TRUE(again.chunks[0].duplicate) << how;
    EXPECT_FALSE(Push(job, {ExampleChunk("a"), ExampleChunk("b")}).ok()) << how;
  }
}

TEST_P(PushTest, TheSameIdWithOtherBytesIsRefused) {
  const JobKey job = Create()->key();
  ASSERT_THAT(Push(job, {ExampleChunk("z"), ExampleChunk("a")}), IsOk());
  NewChunk other_payload = ExampleChunk("a", 4);
  NewChunk other_parameters = ExampleChunk("a");
  other_parameters.parameters_json = "{}";
  NewChunk other_summary = ExampleChunk("a");
  other_summary.summary.aggregations = {{"m", model::AggregationOperator::kSum}};
  for (const NewChunk& chunk : {other_payload, other_parameters, other_summary}) {
    const absl::Status refused = Push(job, chunk).status();
    EXPECT_THAT(refused, IsError(Reason::kChunkIdTaken));
    EXPECT_EQ(MetadataOf(refused, "chunk_id"), "a");
    EXPECT_EQ(MetadataOf(refused, "sequence"), "2");
  }
}

TEST_P(PushTest, ARefusedPushStoresNothingOfItsChunks) {
  const JobKey job = Create()->key();
  ASSERT_THAT(Push(job, ExampleChunk("a")), IsOk());
  const std::string before = Everything(job);
  EXPECT_THAT(Push(job, {ExampleChunk("b"), ExampleChunk("a", 4)}), IsError(Reason::kChunkIdTaken));
  EXPECT_EQ(Everything(job), before);
  ASSERT_OK_AND_ASSIGN(const PushReceipt receipt, Push(job, ExampleChunk("b", 5)));
  EXPECT_EQ(receipt.chunks[0].sequence, 2);
  EXPECT_FALSE(receipt.chunks[0].duplicate);
}

TEST_P(PushTest, ChunkIdsBelongToTheirJob) {
  const JobKey one = Create("one")->key();
  const JobKey two = Create("two")->key();
  ASSERT_THAT(Push(one, ExampleChunk("a", 1)), IsOk());
  ASSERT_OK_AND_ASSIGN(const PushReceipt receipt, Push(two, ExampleChunk("a", 2)));
  EXPECT_FALSE(receipt.chunks[0].duplicate);
  EXPECT_EQ(receipt.chunks[0].sequence, 1);
}

TEST_P(PushTest, NothingOvertakesAPushOfItsOrderThatFoundNoRoom) {
  Job wanted = ExampleJob();
  wanted.options.input_buffer_bytes = 30;
  const JobKey job = Create(wanted)->key();
  const auto order = std::make_shared<PushOrder>();
  const auto push = [&](const std::string& id, int records, std::shared_ptr<PushOrder> of) {
    store::PushChunks request{.job = job, .chunks = {ExampleChunk(id, records)}, .order = std::move(of)};
    return Await<PushReceipt>([&](auto done) { store().PushChunks(std::move(request), std::move(done)); });
  };
  ASSERT_THAT(push("a", 2, order), IsOk());
  EXPECT_THAT(push("large", 3, order).status(), IsError(Reason::kInputBufferFull));
  EXPECT_THAT(push("small", 1, order).status(), IsError(Reason::kInputBufferFull)) << "though there is room for it";
  EXPECT_THAT(push("small", 1, nullptr), IsOk()) << "others are not concerned";
}

TEST_P(PushTest, NothingOvertakesAPushOfItsOrderThatFailedForMoreThanItsChunk) {
  const JobKey job = Create()->key();
  const auto order = std::make_shared<PushOrder>();
  const auto push = [&](const JobKey& to, const std::string& id, int records) {
    store::PushChunks request{.job = to, .chunks = {ExampleChunk(id, records)}, .order = order};
    return Await<PushReceipt>([&](auto done) { store().PushChunks(std::move(request), std::move(done)); }).status();
  };
  ASSERT_THAT(push(job, "a", 2), IsOk());
  EXPECT_THAT(push(job, "a", 3), IsError(Reason::kChunkIdTaken));
  EXPECT_THAT(push(job, "b", 1), IsOk()) << "the chunk alone was to blame";
  EXPECT_THAT(push({job.tenant, "nobody"}, "c", 1), IsError(Reason::kPipelineNotFound));
  EXPECT_THAT(push(job, "d", 1), IsError(Reason::kInputBufferFull));
}

TEST_P(PushTest, AFullInputBufferTakesMoreAfterACommit) {
  Job wanted = ExampleJob();
  wanted.options.input_buffer_bytes = 30;
  const JobKey job = Create(wanted)->key();
  ASSERT_THAT(Push(job, ExampleChunk("a", 3)), IsOk());
  const std::string before = Everything(job);
  const absl::Status full = Push(job, ExampleChunk("b", 1)).status();
  EXPECT_THAT(full, IsError(Reason::kInputBufferFull));
  EXPECT_EQ(MetadataOf(full, "remaining_bytes"), "6");
  EXPECT_EQ(model::DetailsOf(full).retry_after, absl::Milliseconds(200));
  EXPECT_EQ(Everything(job), before);
  CommitOne(job, 1);
  EXPECT_THAT(Push(job, ExampleChunk("b", 1)), IsOk());
  EXPECT_THAT(Push(job, ExampleChunk("c", 4)), IsError(Reason::kPushExceedsInputBuffer));
}

TEST_P(PushTest, AClosedOrCancelledPipelineTakesNothing) {
  const JobKey closed = Create("closed")->key();
  PushMany(closed, 1);
  ASSERT_THAT(store().CloseJob(closed), IsOk());
  const absl::Status refused = Push(closed, ExampleChunk("x")).status();
  EXPECT_THAT(refused, IsError(Reason::kPipelineClosed));
  EXPECT_EQ(MetadataOf(refused, "state"), "CLOSED");
  const JobKey cancelled = Create("cancelled")->key();
  ASSERT_THAT(store().CancelJob(cancelled, "", false), IsOk());
  EXPECT_THAT(Push(cancelled, ExampleChunk("x")), IsError(Reason::kPipelineCancelled));
}

TEST_P(PushTest, AChunkThatIsNotThereIsNotFound) {
  const JobKey job = Create()->key();
  PushMany(job, 1);
  for (const int64_t sequence : {0, 2, -1}) {
    EXPECT_THAT(store().ReadChunk(job, sequence), IsError(Reason::kPipelineNotFound)) << sequence;
  }
}

INSTANTIATE_TEST_SUITE_P(Stores, PushTest, ::testing::ValuesIn(AllStores()), StoreName);

}  // namespace
}  // namespace millrace::store
