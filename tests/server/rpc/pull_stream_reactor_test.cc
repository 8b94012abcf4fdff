#include "server/rpc/pull_stream_reactor.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/server/rpc/stream_fixture.h"

namespace millrace::rpc {
namespace {

class PullStreamTest : public StreamFixture {
 protected:
  void AwaitResults(int64_t count) {
    AwaitJob([count](const model::Job& job) { return job.last_result >= count; });
  }
};

TEST_F(PullStreamTest, ResultsComeInOrderAndTheLastMessageSaysThatTheyAreAll) {
  PushChunks(5);
  ClosePipeline();
  StartWorkers();
  PullCall call(*pipelines_, PullStart());
  for (int64_t number = 1; number <= 5; ++number) {
    const auto response = call.Read();
    ASSERT_TRUE(response.has_value());
    EXPECT_EQ(response->result().number(), number);
    EXPECT_EQ(response->result().chunk_id(), absl::StrCat("c-", number));
    EXPECT_EQ(response->result().json_lines(), "{\"m\":1}\n");
    EXPECT_FALSE(response->drained());
  }
  const auto last = call.Read();
  ASSERT_TRUE(last.has_value());
  EXPECT_FALSE(last->has_result());
  EXPECT_TRUE(last->drained());
  EXPECT_EQ(last->status().chunks_completed(), 5);
  EXPECT_TRUE(call.Finish().ok());
}

TEST_F(PullStreamTest, FollowWaitsForWhatIsYetToCome) {
  PullCall call(*pipelines_, PullStart());
  PushChunks(1);
  StartWorkers();
  EXPECT_EQ(call.ReadNumber(), 1);
  ClosePipeline();
  EXPECT_TRUE(call.Read()->drained());
  EXPECT_TRUE(call.Finish().ok());
}

TEST_F(PullStreamTest, WithoutFollowTheCallEndsWithWhatThereIs) {
  PushChunks(2);
  StartWorkers();
  AwaitResults(2);
  v1::PullStreamStart start = PullStart();
  start.set_follow(false);
  PullCall call(*pipelines_, start);
  EXPECT_EQ(call.ReadNumber(), 1);
  EXPECT_EQ(call.ReadNumber(), 2);
  const auto last = call.Read();
  EXPECT_FALSE(last->drained());
  EXPECT_EQ(last->status().newest_result(), 2);
  EXPECT_TRUE(call.Finish().ok());
}

TEST_F(PullStreamTest, NoMoreThanTheWindowIsOnItsWay) {
  PushChunks(5);
  ClosePipeline();
  StartWorkers();
  AwaitResults(5);
  v1::PullStreamStart start = PullStart();
  start.set_window(2);
  PullCall call(*pipelines_, start);
  // A client that says nothing more gets the window, and then the end.
  call.WritesDone();
  EXPECT_EQ(call.ReadNumber(), 1);
  EXPECT_EQ(call.ReadNumber(), 2);
  EXPECT_FALSE(call.Read()->drained());
  EXPECT_TRUE(call.Finish().ok());
}

TEST_F(PullStreamTest, AnAcknowledgementOpensTheWindowAndFreesTheOutputBuffer) {
  PushChunks(5);
  StartWorkers();
  v1::PullStreamStart start = PullStart();
  start.set_window(1);
  PullCall call(*pipelines_, start);
  for (int64_t number = 1; number <= 5; ++number) {
    EXPECT_EQ(call.ReadNumber(), number);
    call.Acknowledge(number);
  }
  AwaitJob([](const model::Job& job) { return job.acknowledged_result == 5; });
  EXPECT_EQ((*store_->GetJob({"default", id_}))->output_buffer_used_bytes, 0);
  EXPECT_EQ(call.Cancel().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(PullStreamTest, AnotherStreamGoesOnWhereABrokenOneWas) {
  PushChunks(6);
  ClosePipeline();
  StartWorkers();
  AwaitResults(6);
  PullCall broken(*pipelines_, PullStart());
  EXPECT_EQ(broken.ReadNumber(), 1);
  EXPECT_EQ(broken.ReadNumber(), 2);
  broken.Acknowledge(2);
  EXPECT_FALSE(broken.Cancel().ok());
  v1::PullStreamStart start = PullStart();
  start.set_after(2);
  PullCall next(*pipelines_, start);
  for (int64_t number = 3; number <= 6; ++number) EXPECT_EQ(next.ReadNumber(), number);
  EXPECT_TRUE(next.Read()->drained());
  EXPECT_EQ((*store_->GetJob({"default", id_}))->acknowledged_result, 2);
}

TEST_F(PullStreamTest, AcknowledgedResultsCanBeReadAgainInEitherEncoding) {
  PushChunks(3);
  ClosePipeline();
  StartWorkers();
  AwaitResults(3);
  ASSERT_TRUE(store_->Acknowledge({"default", id_}, 3, "cursor").ok());
  for (const auto encoding : {v1::RESULT_ENCODING_JSON_LINES, v1::RESULT_ENCODING_STRUCT}) {
    v1::PullStreamStart start = PullStart();
    start.set_after(1);
    start.set_encoding(encoding);
    PullCall call(*pipelines_, start);
    const auto second = call.Read();
    EXPECT_EQ(second->result().number(), 2);
    if (encoding == v1::RESULT_ENCODING_STRUCT) {
      EXPECT_EQ(second->result().outputs(0).struct_value().fields().at("m").number_value(), 1);
      EXPECT_TRUE(second->result().json_lines().empty());
    } else {
      EXPECT_EQ(second->result().json_lines(), "{\"m\":1}\n");
    }
    EXPECT_EQ(call.ReadNumber(), 3);
    EXPECT_TRUE(call.Read()->drained());
  }
}

TEST_F(PullStreamTest, AResultOverTheMessageLimitOfTheCallerComesInParts) {
  PushChunks(2, "{\"n\":\"" + std::string(300'000, 'x') + "\"}\n");
  ClosePipeline();
  StartWorkers();
  v1::PullStreamStart start = PullStart();
  start.set_max_message_bytes(model::kStreamPartBytesMin);
  PullCall call(*pipelines_, start);
  for (int64_t number = 1; number <= 2; ++number) {
    std::string serialised;
    bool ended = false;
    while (!ended) {
      const auto response = call.Read();
      ASSERT_TRUE(response.has_value());
      ASSERT_LE(static_cast<int64_t>(response->ByteSizeLong()), model::kStreamPartBytesMin);
      serialised += response->result_part();
      ended = response->result_ends();
    }
    v1::ChunkResult result;
    ASSERT_TRUE(result.ParseFromString(serialised));
    EXPECT_EQ(result.number(), number);
    EXPECT_EQ(result.json_lines(), "{\"m\":\"" + std::string(300'000, 'x') + "\"}\n");
  }
  EXPECT_TRUE(call.Read()->drained());
}

TEST_F(PullStreamTest, AStreamOnACancelledJobEndsDrained) {
  PullCall call(*pipelines_, PullStart());
  PushChunks(1);
  ASSERT_TRUE(store_->CancelJob({"default", id_}, "", true).ok());
  const auto last = call.Read();
  ASSERT_TRUE(last.has_value());
  EXPECT_TRUE(last->drained());
  EXPECT_TRUE(call.Finish().ok());
}

TEST_F(PullStreamTest, WhatIsWrongEndsTheCallByName) {
  v1::PullStreamRequest acknowledge;
  acknowledge.set_acknowledge(0);
  PullCall too_early(*pipelines_);
  too_early.Write(acknowledge);
  EXPECT_EQ(too_early.Finish().error_message(), "start: is required as the first message");

  v1::PullStreamStart unknown = PullStart();
  unknown.set_pipeline_id("nobody");
  EXPECT_EQ(ReasonOf(PullCall(*pipelines_, unknown).Finish()), "PIPELINE_NOT_FOUND");

  v1::PullStreamStart future = PullStart();
  future.set_after(7);
  EXPECT_EQ(ReasonOf(PullCall(*pipelines_, future).Finish()), "CURSOR_IN_FUTURE");

  PullCall beyond(*pipelines_, PullStart());
  beyond.Acknowledge(7);
  EXPECT_EQ(ReasonOf(beyond.Finish()), "CURSOR_IN_FUTURE");

  PullCall negative(*pipelines_, PullStart());
  negative.Acknowledge(-1);
  EXPECT_EQ(negative.Finish().error_message(), "acknowledge: expected 0 or more, got -1");

  v1::PullStreamStart wide = PullStart();
  wide.set_window(1'001);
  EXPECT_EQ(ReasonOf(PullCall(*pipelines_, wide).Finish()), "FIELD_INVALID");

  v1::PullStreamStart tiny = PullStart();
  tiny.set_max_message_bytes(10);
  EXPECT_EQ(ReasonOf(PullCall(*pipelines_, tiny).Finish()), "FIELD_INVALID");
}

TEST_F(PullStreamTest, AJobThatRetentionDroppedIsNotSaidToBeDrained) {
  model::Job job = **store_->GetJob({"default", id_});
  job.id = id_ = "dropped";
  // Less than anybody may ask for: nothing to wait for.
  job.options.retention = absl::Nanoseconds(1);
  job.options.drop_unresolved_exceptions = true;
  ASSERT_TRUE(store_->CreateJob(job).ok());
  PushChunks(3, "oops\n");
  StartWorkers();
  AwaitResults(3);
  v1::PullStreamStart start = PullStart();
  start.set_window(1);
  PullCall begun(*pipelines_, start);
  EXPECT_EQ(begun.ReadNumber(), 1);
  ClosePipeline();
  while (*store_->ExpireJob({"default", id_}) != model::Expiration::kDropped) {
  }
  begun.Acknowledge(1);
  EXPECT_EQ(ReasonOf(begun.Finish()), "JOB_EXPIRED");
  for (const int64_t after : {0, 3}) {
    start.set_after(after);
    EXPECT_EQ(ReasonOf(PullCall(*pipelines_, start).Finish()), "JOB_EXPIRED") << after;
  }
  start.clear_after();
  EXPECT_EQ(ReasonOf(PullCall(*pipelines_, start).Finish()), "JOB_EXPIRED");
}

TEST_F(PullStreamTest, AThousandOpenStreamsNeedNoThreads) {
  std::vector<std::unique_ptr<PullCall>> calls;
  for (int i = 0; i < 1'000; ++i) calls.push_back(std::make_unique<PullCall>(*pipelines_, PullStart()));
  EXPECT_TRUE(PushOne().ok()) << "a stream that waits must not hold a handler thread";
  StartWorkers();
  for (const auto& call : calls) EXPECT_EQ(call->ReadNumber(), 1);
  ClosePipeline();
  for (const auto& call : calls) {
    EXPECT_TRUE(call->Read()->drained());
    EXPECT_TRUE(call->Finish().ok());
  }
}

TEST_F(PullStreamTest, AStreamThatWaitsKeepsItsPipelineInUse) {
  const auto is_unused = [this] {
    idle_clock_.Advance(model::kIdleTimeoutDefault);
    return !activity_.TakeUnused(1).empty();
  };
  EXPECT_TRUE(is_unused());
  PullCall call(*pipelines_, PullStart());
  // The call itself counts once.
  for (int in_a_row = 0; in_a_row < 3;) in_a_row = is_unused() ? 0 : in_a_row + 1;
  EXPECT_EQ(call.Cancel().error_code(), grpc::StatusCode::CANCELLED);
  while (!is_unused()) {
  }
}

TEST_F(PullStreamTest, AClientThatDoesNotReadHoldsUpNoShutdown) {
  PushChunks(200, "{\"n\":\"" + std::string(50'000, 'x') + "\"}\n");
  ClosePipeline();
  StartWorkers();
  v1::PullStreamStart start = PullStart();
  start.set_window(1'000);
  PullCall sleeper(*pipelines_, start);
  EXPECT_EQ(sleeper.ReadNumber(), 1);
  AwaitResults(200);
  // Would take an hour if the client were waited for.
  server_->Shutdown(absl::Hours(1));
  EXPECT_FALSE(sleeper.Finish().ok());
}

TEST_F(PullStreamTest, AClientThatNeverReadsHoldsNobodyUp) {
  PushChunks(100, "{\"n\":\"" + std::string(50'000, 'x') + "\"}\n");
  ClosePipeline();
  StartWorkers();
  v1::PullStreamStart start = PullStart();
  start.set_window(1'000);
  PullCall sleeper(*pipelines_, start);
  PullCall reader(*pipelines_, start);
  for (int64_t number = 1; number <= 100; ++number) EXPECT_EQ(reader.ReadNumber(), number);
  EXPECT_TRUE(reader.Read()->drained());
  // The sleeper wakes up, and has missed nothing.
  for (int64_t number = 1; number <= 100; ++number) EXPECT_EQ(sleeper.ReadNumber(), number);
  EXPECT_TRUE(sleeper.Read()->drained());
}

}  // namespace
}  // namespace millrace::rpc
