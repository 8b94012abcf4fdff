#include <string>

#include "tests/server/handlers/handlers_fixture.h"

namespace millrace::handlers {
namespace {

using model::Reason;
using testing::IsError;
using testing::IsOk;

class PushTest : public HandlersFixture {
 protected:
  PushTest() : id_(CreateDoublerPipeline()) { request_.set_pipeline_id(id_); }

  v1::Chunk& AddChunk(const std::string& chunk_id, const std::string& json_lines = "{\"n\":1}\n") {
    v1::Chunk& chunk = *request_.add_chunks();
    chunk.set_id(chunk_id);
    chunk.mutable_data()->mutable_inputs()->set_json_lines(json_lines);
    return chunk;
  }

  absl::StatusOr<v1::PushResponse> PushIt() {
    v1::PushRequest copy = request_;
    return Push(copy, call_, deps_);
  }

  const std::string id_;
  v1::PushRequest request_;
};

TEST_F(PushTest, InputsAreCutEvenlyAndEachChunkIsNamed) {
  for (int i = 0; i < 10; ++i) request_.mutable_inputs()->mutable_json_lines()->append("{\"n\":1}\n");
  request_.set_chunk_size(4);
  ASSERT_OK_AND_ASSIGN(const v1::PushResponse response, PushIt());
  ASSERT_EQ(response.chunks_size(), 3);
  EXPECT_EQ(response.chunks(0).record_count(), 4);
  EXPECT_EQ(response.chunks(2).record_count(), 3);
  EXPECT_EQ(response.chunks(2).sequence(), 3);
  EXPECT_NE(response.chunks(0).id(), response.chunks(1).id());
  EXPECT_EQ(response.status().records_submitted(), 10);
  EXPECT_EQ(response.status().chunks_submitted(), 3);
  EXPECT_EQ(response.status().input_buffer_used_bytes(), 80);
  EXPECT_EQ(response.status().state(), v1::JOB_STATE_IN_PROGRESS);
}

TEST_F(PushTest, StructRecordsAreTheSameAsJsonLines) {
  (*request_.mutable_data()->mutable_inputs()->add_structs()->mutable_fields())["n"].set_number_value(21);
  ASSERT_THAT(PushIt(), IsOk());
  StartWorkers();
  AwaitCommitted(id_);
  ASSERT_OK_AND_ASSIGN(const v1::PullResponse response, PullAfter(id_, 0));
  EXPECT_EQ(response.results(0).json_lines(), "{\"twice\":42}\n");
}

TEST_F(PushTest, ARequestIdMakesAPushWithoutChunkIdsRepeatable) {
  request_.set_request_id("r-1");
  request_.mutable_inputs()->set_json_lines("{\"n\":1}\n");
  ASSERT_OK_AND_ASSIGN(const v1::PushResponse first, PushIt());
  ASSERT_OK_AND_ASSIGN(const v1::PushResponse second, PushIt());
  EXPECT_EQ(first.chunks(0).id(), "r-1-1");
  EXPECT_FALSE(first.chunks(0).duplicate());
  EXPECT_TRUE(second.chunks(0).duplicate());
  EXPECT_EQ(second.chunks(0).sequence(), first.chunks(0).sequence());
  EXPECT_EQ(second.status().records_submitted(), 1);
}

TEST_F(PushTest, TheSameChunkIdWithOtherBytesIsRefusedAndNothingIsStored) {
  AddChunk("a");
  ASSERT_THAT(PushIt(), IsOk());
  request_.clear_chunks();
  AddChunk("b");
  AddChunk("a", "{\"n\":2}\n");
  const absl::Status status = PushIt().status();
  EXPECT_THAT(status, IsError(Reason::kChunkIdTaken));
  EXPECT_EQ(testing::MetadataOf(status, "chunk_id"), "a");
  EXPECT_EQ((*store_->GetJob(call_.job(id_)))->last_sequence, 1) << "all of a call or nothing";
}

TEST_F(PushTest, ADuplicateIsWelcomeWhenThePipelineIsClosed) {
  AddChunk("a");
  ASSERT_THAT(PushIt(), IsOk());
  v1::ClosePipelineRequest close;
  close.set_pipeline_id(id_);
  ASSERT_THAT(ClosePipeline(close, call_, deps_), IsOk());
  ASSERT_OK_AND_ASSIGN(const v1::PushResponse again, PushIt());
  EXPECT_TRUE(again.chunks(0).duplicate());
  AddChunk("b");
  EXPECT_THAT(PushIt(), IsError(Reason::kPipelineClosed));
}

TEST_F(PushTest, PushToACancelledPipelineIsRefused) {
  v1::CancelPipelineRequest cancel;
  cancel.set_pipeline_id(id_);
  ASSERT_THAT(CancelPipeline(cancel, call_, deps_), IsOk());
  AddChunk("a");
  EXPECT_THAT(PushIt(), IsError(Reason::kPipelineCancelled));
}

TEST_F(PushTest, ExactlyOneFormIsTaken) {
  EXPECT_THAT(PushIt(), IsError(Reason::kPushFormInvalid)) << "none";
  AddChunk("a");
  request_.mutable_inputs()->set_json_lines("{}");
  EXPECT_THAT(PushIt(), IsError(Reason::kPushFormInvalid)) << "two";
}

TEST_F(PushTest, AnEmptyChunkIsRefusedByName) {
  AddChunk("a");
  AddChunk("b", "\n \n");
  const absl::Status status = PushIt().status();
  EXPECT_THAT(status, IsError(Reason::kChunkEmpty));
  EXPECT_EQ(FieldOf(status), "chunks[1].data.inputs");
}

TEST_F(PushTest, AChunkOverTheLimitIsRefusedWithLimitAndSize) {
  std::string lines;
  for (int i = 0; i < model::kChunkRecordsMax + 1; ++i) lines += "{}\n";
  AddChunk("a", lines);
  const absl::Status status = PushIt().status();
  EXPECT_THAT(status, IsError(Reason::kChunkTooLarge));
  EXPECT_EQ(testing::MetadataOf(status, "limit"), "100000");
  EXPECT_EQ(testing::MetadataOf(status, "actual"), "100001");
}

TEST_F(PushTest, BothEncodingsAtOnceAreRefused) {
  AddChunk("a").mutable_data()->mutable_inputs()->add_structs();
  const absl::Status status = PushIt().status();
  EXPECT_THAT(status, IsError(Reason::kFieldInvalid));
  EXPECT_EQ(FieldOf(status), "chunks[0].data.inputs");
}

TEST_F(PushTest, OddChunkIdsAreRefusedByName) {
  for (const std::string& chunk_id :
       {std::string("a b"), std::string("a/b"), std::string("\n"), std::string(200, 'x')}) {
    request_.clear_chunks();
    AddChunk(chunk_id);
    const absl::Status status = PushIt().status();
    EXPECT_THAT(status, IsError(Reason::kFieldInvalid)) << chunk_id;
    EXPECT_EQ(FieldOf(status), "chunks[0].id");
  }
}

TEST_F(PushTest, AnIdThatStandsTwiceInOnePushIsRefused) {
  AddChunk("a");
  AddChunk("a");
  EXPECT_EQ(FieldOf(PushIt().status()), "chunks[1].id");
}

TEST_F(PushTest, ABadAggregationIsNamed) {
  v1::Aggregation& aggregation = *AddChunk("a").mutable_data()->mutable_summary()->add_aggregations();
  EXPECT_EQ(FieldOf(PushIt().status()), "chunks[0].data.summary.aggregations[0].output_name");
  aggregation.set_output_name("twice");
  EXPECT_EQ(FieldOf(PushIt().status()), "chunks[0].data.summary.aggregations[0].operator");
}

TEST_F(PushTest, AFullInputBufferSaysWhatIsLeftAndWhenToComeBack) {
  v1::CreatePipelineRequest create;
  create.set_service("demo/doubler");
  create.mutable_options()->set_input_buffer_bytes(20);
  ASSERT_OK_AND_ASSIGN(const v1::Job job, CreatePipeline(create, call_, deps_));
  ASSERT_THAT(PushLines(job.id(), "{\"n\":1}\n{\"n\":2}\n"), IsOk());
  const absl::Status full = PushLines(job.id(), "{\"n\":3}\n").status();
  EXPECT_THAT(full, IsError(Reason::kInputBufferFull));
  EXPECT_EQ(testing::MetadataOf(full, "remaining_bytes"), "4");
  EXPECT_EQ(testing::MetadataOf(full, "needed_bytes"), "8");
  EXPECT_GT(model::DetailsOf(full).retry_after, absl::ZeroDuration());
  EXPECT_THAT(PushLines(job.id(), "{\"n\":12345678901234}\n"), IsError(Reason::kPushExceedsInputBuffer));
  StartWorkers();
  AwaitCommitted(job.id());
  EXPECT_THAT(PushLines(job.id(), "{\"n\":3}\n"), IsOk()) << "room is back once chunks are committed";
}

TEST_F(PushTest, ABadRecordIsNoBadCall) {
  ASSERT_THAT(PushLines(id_, "{\"n\":1}\nnot json\n[1]\n{\"n\":2}\n"), IsOk());
  StartWorkers();
  AwaitCommitted(id_);
  ASSERT_OK_AND_ASSIGN(const v1::PullResponse response, PullAfter(id_, 0));
  EXPECT_EQ(response.results(0).json_lines(), "{\"twice\":2}\nnull\nnull\n{\"twice\":4}\n");
  EXPECT_EQ(response.results(0).failed_count(), 2);
  EXPECT_EQ(response.status().records_failed(), 2);
}

}  // namespace
}  // namespace millrace::handlers
