#include "server/rpc/push_stream_reactor.h"

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/server/rpc/stream_fixture.h"

namespace millrace::rpc {
namespace {

/// A line of `bytes` bytes, its end included.
std::string LineOf(size_t bytes) { return "{\"n\":\"" + std::string(bytes - 9, 'x') + "\"}\n"; }

class PushStreamTest : public StreamFixture {
 protected:
  /// Creates another pipeline, whose input buffer is small.
  void UseInputBufferOf(int64_t bytes) {
    v1::CreatePipelineRequest create;
    create.set_service("demo/same");
    create.mutable_options()->set_input_buffer_bytes(bytes);
    grpc::ClientContext context;
    v1::Job job;
    ASSERT_TRUE(pipelines_->CreatePipeline(&context, create, &job).ok());
    id_ = job.id();
  }
};

TEST_F(PushStreamTest, EachChunkIsAcknowledgedInOrder) {
  constexpr int kChunks = 500;
  PushCall call = Push();
  std::thread writer([&] {
    for (int i = 1; i <= kChunks; ++i) call.WriteChunk(absl::StrCat("c-", i));
    call.WritesDone();
  });
  int64_t expected = 0;
  while (const auto answer = call.Read()) {
    ++expected;
    EXPECT_EQ(answer->chunk_id(), absl::StrCat("c-", expected));
    EXPECT_EQ(answer->chunk().id(), answer->chunk_id());
    EXPECT_EQ(answer->chunk().sequence(), expected);
    EXPECT_EQ(answer->chunk().record_count(), 1);
    EXPECT_FALSE(answer->chunk().duplicate());
    EXPECT_LT(answer->status().input_buffer_remaining_bytes(), model::kInputBufferBytesDefault);
  }
  writer.join();
  EXPECT_TRUE(call.Finish().ok());
  EXPECT_EQ(expected, kChunks);
}

TEST_F(PushStreamTest, ABadChunkIsRefusedAloneAndInItsPlace) {
  PushCall call = Push();
  call.WriteChunk("a");
  call.WriteChunk("empty", "\n");
  call.WriteChunk("a", "{\"n\":2}\n");
  call.WriteChunk("no spaces");
  call.WriteChunk("b");
  EXPECT_EQ(call.Read()->chunk().sequence(), 1);
  const auto empty = call.Read();
  EXPECT_EQ(empty->chunk_id(), "empty");
  EXPECT_EQ(ReasonOf(empty->error()), "CHUNK_EMPTY");
  EXPECT_EQ(empty->error().code(), static_cast<int>(grpc::StatusCode::INVALID_ARGUMENT));
  EXPECT_EQ(ReasonOf(call.Read()->error()), "CHUNK_ID_TAKEN");
  EXPECT_EQ(ReasonOf(call.Read()->error()), "FIELD_INVALID");
  EXPECT_EQ(call.Read()->chunk().sequence(), 2);
  EXPECT_TRUE(call.Finish().ok());
}

TEST_F(PushStreamTest, WhereItIsAskedForNothingIsStoredBehindARefusedChunk) {
  for (const char* refused : {"a", "no spaces"}) {
    PushCall call(*pipelines_);
    v1::PushStreamRequest start;
    start.mutable_start()->set_pipeline_id(id_);
    start.mutable_start()->set_stop_at_refusal(true);
    call.Write(start);
    call.WriteChunk("a");
    call.WriteChunk(refused, "{\"n\":2}\n");
    for (int i = 0; i < 100; ++i) call.WriteChunk(absl::StrCat("behind-", i));
    EXPECT_TRUE(call.Read()->has_chunk());
    const auto answer = call.Read();
    EXPECT_EQ(answer->chunk_id(), refused);
    EXPECT_TRUE(answer->has_error());
    EXPECT_FALSE(call.Read().has_value());
    EXPECT_EQ(call.Finish().error_code(), grpc::StatusCode::ABORTED);
    EXPECT_EQ((*store_->GetJob({"default", id_}))->last_sequence, 1);
  }
}

TEST_F(PushStreamTest, AChunkThatIsStoredAlreadyIsADuplicateEvenWhenThePipelineIsClosed) {
  PushChunks(2);
  ClosePipeline();
  PushCall call = Push();
  call.WriteChunk("c-2");
  const auto answer = call.Read();
  EXPECT_TRUE(answer->chunk().duplicate());
  EXPECT_EQ(answer->chunk().sequence(), 2);
  EXPECT_TRUE(call.Finish().ok());
}

TEST_F(PushStreamTest, AFullInputBufferHoldsTheStreamAndKeepsTheOrder) {
  UseInputBufferOf(100);
  PushCall call = Push();
  // The second does not fit beside the first; the third would, but must not overtake it.
  call.WriteChunk("large-1", LineOf(80));
  call.WriteChunk("large-2", LineOf(90));
  call.WriteChunk("small", LineOf(10));
  call.WriteChunk("large-3", LineOf(95));
  EXPECT_EQ(call.Read()->chunk_id(), "large-1");
  EXPECT_EQ((*store_->GetJob({"default", id_}))->last_sequence, 1);
  StartWorkers();
  for (const int64_t sequence : {2, 3, 4}) EXPECT_EQ(call.Read()->chunk().sequence(), sequence);
  EXPECT_TRUE(call.Finish().ok());
}

TEST_F(PushStreamTest, AChunkLargerThanTheWholeBufferIsRefusedAndHoldsNothingUp) {
  UseInputBufferOf(100);
  PushCall call = Push();
  call.WriteChunk("never", LineOf(101));
  call.WriteChunk("fits", LineOf(50));
  EXPECT_EQ(ReasonOf(call.Read()->error()), "PUSH_EXCEEDS_INPUT_BUFFER");
  EXPECT_EQ(call.Read()->chunk().sequence(), 1);
  EXPECT_TRUE(call.Finish().ok());
}

TEST_F(PushStreamTest, PushingWithoutPauseIntoASlowJobIsSlowedDownAndLosesNothing) {
  UseInputBufferOf(200);
  constexpr int kChunks = 200;
  PushCall call = Push();
  StartWorkers();
  std::thread writer([&] {
    for (int i = 1; i <= kChunks; ++i) call.WriteChunk(absl::StrCat("c-", i), LineOf(60));
    call.WritesDone();
  });
  int64_t stored = 0;
  while (const auto answer = call.Read()) EXPECT_EQ(answer->chunk().sequence(), ++stored);
  writer.join();
  EXPECT_EQ(stored, kChunks);
  EXPECT_TRUE(call.Finish().ok());
}

TEST_F(PushStreamTest, AStreamThatWaitsForRoomEndsWhenThePipelineDoes) {
  UseInputBufferOf(100);
  PushCall call = Push();
  call.WriteChunk("a", LineOf(80));
  call.WriteChunk("b", LineOf(80));
  EXPECT_EQ(call.Read()->chunk_id(), "a");
  ClosePipeline();
  EXPECT_FALSE(call.Read().has_value());
  EXPECT_EQ(ReasonOf(call.Finish()), "PIPELINE_CLOSED");
}

TEST_F(PushStreamTest, AClosedAndACancelledPipelineEndTheCall) {
  PushCall closed = Push();
  closed.WriteChunk("a");
  EXPECT_TRUE(closed.Read().has_value());
  ClosePipeline();
  closed.WriteChunk("b");
  const grpc::Status refused = closed.Finish();
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonOf(refused), "PIPELINE_CLOSED");
  ASSERT_TRUE(store_->CancelJob({"default", id_}, "", true).ok());
  PushCall cancelled = Push();
  cancelled.WriteChunk("c");
  EXPECT_EQ(ReasonOf(cancelled.Finish()), "PIPELINE_CANCELLED");
}

TEST_F(PushStreamTest, AnUnknownPipelineEndsTheCallBeforeAChunkIsSent) {
  PushCall call(*pipelines_, "nobody");
  EXPECT_FALSE(call.Read().has_value());
  EXPECT_EQ(ReasonOf(call.Finish()), "PIPELINE_NOT_FOUND");
}

TEST_F(PushStreamTest, MessagesInTheWrongOrderAreRefusedByName) {
  PushCall chunk_first(*pipelines_);
  chunk_first.WriteChunk("a");
  const grpc::Status first = chunk_first.Finish();
  EXPECT_EQ(ReasonOf(first), "FIELD_INVALID");
  EXPECT_EQ(first.error_message(), "start: is required as the first message");

  PushCall twice = Push();
  twice.WriteChunk("b");
  twice.WriteStart(id_);
  EXPECT_EQ(twice.Read()->chunk().id(), "b") << "what came before is stored and answered";
  EXPECT_EQ(twice.Finish().error_message(), "start: is for the first message only");

  PushCall empty = Push();
  empty.Write({});
  EXPECT_EQ(empty.Finish().error_message(), "chunk: is required in every message but the first");

  PushCall nothing(*pipelines_);
  EXPECT_EQ(nothing.Finish().error_message(), "start: is required as the first message");
}

TEST_F(PushStreamTest, ACancelledStreamLeavesWholeChunksAndTheServerGoesOn) {
  UseInputBufferOf(100);
  PushCall call = Push();
  call.WriteChunk("a", LineOf(80));
  EXPECT_TRUE(call.Read().has_value());
  call.WriteChunk("waits", LineOf(80));
  EXPECT_EQ(call.Cancel().error_code(), grpc::StatusCode::CANCELLED);
  PushCall next = Push();
  next.WriteChunk("a", LineOf(80));
  EXPECT_TRUE(next.Read()->chunk().duplicate());
  EXPECT_TRUE(next.Finish().ok());
}

TEST_F(PushStreamTest, AServerThatShutsDownWaitsForNoStream) {
  PushCall idle = Push();
  PullCall waiting(*pipelines_, PullStart());
  idle.WriteChunk("a");
  EXPECT_TRUE(idle.Read().has_value());
  // Would take an hour if the streams were waited for.
  server_->Shutdown(absl::Hours(1));
  EXPECT_EQ(ReasonOf(idle.Finish()), "SERVER_NOT_READY");
  EXPECT_EQ(ReasonOf(waiting.Finish()), "SERVER_NOT_READY");
}

TEST_F(PushStreamTest, AMessageOverTheLimitEndsTheCall) {
  PushCall call = Push();
  call.WriteChunk("a", std::string(static_cast<size_t>(model::kMessageBytesMax) + 1, ' '));
  EXPECT_EQ(call.Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

}  // namespace
}  // namespace millrace::rpc
