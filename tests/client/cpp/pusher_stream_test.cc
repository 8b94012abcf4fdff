// Chunks through streams: what is sent, what breaks, and what is sent again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <optional>

#include "client/cpp/mocks/mock_connection.h"
#include "client/cpp/pipeline.h"
#include "client/cpp/pusher.h"
#include "tests/client/cpp/fixtures.h"
#include "tests/support/status_matchers.h"

namespace millrace::client {
namespace {

using ::millrace::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::Return;

v1::PushStreamResponse Acknowledged(const std::string& id) {
  v1::PushStreamResponse answer;
  answer.set_chunk_id(id);
  answer.mutable_chunk()->set_id(id);
  answer.mutable_chunk()->set_record_count(1);
  answer.mutable_status()->set_pipeline_state(v1::PIPELINE_STATE_OPEN);
  return answer;
}

class PusherStreamTest : public ::testing::Test {
 protected:
  PusherStreamTest() {
    ON_CALL(*connection_, GetJob).WillByDefault(Return(OpenJob()));
    // The streams of a test, in the order in which they are opened.
    ON_CALL(*connection_, PushStream).WillByDefault([this](const CallOptions&) {
      return servers_.at(opened_++).Call();
    });
    pipeline_ = *Pipeline::Attach(Client(connection_), kPipelineId);
  }

  std::unique_ptr<Pusher> Make() {
    return *pipeline_->NewPusher(
        {.on_stored = [this](const v1::PushedChunk& chunk) { stored_.push_back(chunk.id()); }});
  }

  /// What a server reads next: `start`, the id of a chunk, or nothing.
  static std::string TakeFrom(FakePushStream& server) {
    const std::optional<v1::PushStreamRequest> request = server.Take();
    if (!request.has_value()) return "";
    return request->has_start() ? "start " + request->start().pipeline_id() : request->chunk().id();
  }

  std::shared_ptr<::testing::NiceMock<MockConnection>> connection_ =
      std::make_shared<::testing::NiceMock<MockConnection>>();
  std::deque<FakePushStream> servers_{3};
  size_t opened_ = 0;
  std::optional<Pipeline> pipeline_;
  std::vector<std::string> stored_;
};

TEST_F(PusherStreamTest, ChunksAreOnTheirWayTogetherAndReportedAsTheyAreAnswered) {
  EXPECT_CALL(*connection_, Push).Times(0);
  const auto pusher = Make();
  for (const char* id : {"a", "b", "c"}) EXPECT_THAT(pusher->Push(MakeChunk(id)), IsOk());
  EXPECT_EQ(TakeFrom(servers_[0]), "start pipeline-1");
  for (const char* id : {"a", "b", "c"}) EXPECT_EQ(TakeFrom(servers_[0]), id);
  for (const char* id : {"a", "b", "c"}) servers_[0].Answer(Acknowledged(id));
  EXPECT_THAT(pusher->Flush(), IsOk());
  EXPECT_THAT(stored_, ElementsAre("a", "b", "c"));
  EXPECT_EQ(pusher->chunks_stored(), 3);
  EXPECT_EQ(pipeline_->stats().size(), 3u);
}

TEST_F(PusherStreamTest, WhatABrokenStreamDidNotAnswerIsSentAgainInOrder) {
  // The call in between is as patient as the retries of the connection: it outlasts the restart of a server.
  EXPECT_CALL(*connection_, Push).WillOnce([](const v1::PushRequest& request, const CallOptions&) {
    EXPECT_EQ(request.chunks_size(), 1);
    EXPECT_EQ(request.chunks(0).id(), "b");
    return Stored(request);
  });
  const auto pusher = Make();
  for (const char* id : {"a", "b", "c", "d"}) EXPECT_THAT(pusher->Push(MakeChunk(id)), IsOk());
  for (int i = 0; i < 5; ++i) TakeFrom(servers_[0]);
  servers_[0].Answer(Acknowledged("a"));
  servers_[0].End(absl::UnavailableError("killed"));
  EXPECT_EQ(TakeFrom(servers_[1]), "start pipeline-1");
  for (const char* id : {"c", "d"}) {
    EXPECT_EQ(TakeFrom(servers_[1]), id);
    servers_[1].Answer(Acknowledged(id));
  }
  EXPECT_THAT(pusher->Flush(), IsOk());
  EXPECT_THAT(stored_, ElementsAre("a", "b", "c", "d"));
}

TEST_F(PusherStreamTest, ARefusedChunkStopsThePusherAndIsNamed) {
  const auto pusher = Make();
  for (const char* id : {"a", "bad"}) EXPECT_THAT(pusher->Push(MakeChunk(id)), IsOk());
  v1::PushStreamResponse refused;
  refused.set_chunk_id("bad");
  const absl::Status empty = Refusal(absl::StatusCode::kInvalidArgument, v1::CHUNK_EMPTY);
  refused.mutable_error()->ParseFromString(
      std::string(*empty.GetPayload(absl::string_view(kServerStatusUrl.data(), kServerStatusUrl.size()))));
  // An answer before its chunk was sent would be nonsense.
  for (int i = 0; i < 3; ++i) TakeFrom(servers_[0]);
  servers_[0].Answer(Acknowledged("a"));
  servers_[0].Answer(refused);
  const absl::Status status = pusher->Flush();
  EXPECT_EQ(ErrorReasonOf(status), v1::CHUNK_EMPTY);
  EXPECT_EQ(ErrorDetailsOf(status).retry_outcome, RetryOutcome::kPermanent);
  EXPECT_EQ(status.message(), "chunk bad: refused");
  EXPECT_THAT(stored_, ElementsAre("a"));
  EXPECT_EQ(pusher->Push(MakeChunk("c")).status(), status);
}

TEST_F(PusherStreamTest, WhyAStreamEndedIsToldByTheCallForItsFirstChunk) {
  EXPECT_CALL(*connection_, Push)
      .WillOnce(Return(
          absl::StatusOr<v1::PushResponse>(Refusal(absl::StatusCode::kFailedPrecondition, v1::PIPELINE_CLOSED))));
  servers_[0].End(Refusal(absl::StatusCode::kFailedPrecondition, v1::PIPELINE_CLOSED));
  const auto pusher = Make();
  EXPECT_THAT(pusher->Push(MakeChunk("a")), IsOk());
  const absl::Status status = pusher->Flush();
  EXPECT_EQ(ErrorReasonOf(status), v1::PIPELINE_CLOSED);
  EXPECT_EQ(status.message(), "chunk a: refused");
  EXPECT_EQ(pipeline_->state(), Pipeline::State::kClosed);
}

TEST_F(PusherStreamTest, DestructionEndsAStreamThatOwesAnswers) {
  auto pusher = Make();
  EXPECT_THAT(pusher->Push(MakeChunk("a")), IsOk());
  EXPECT_EQ(TakeFrom(servers_[0]), "start pipeline-1");
  EXPECT_EQ(TakeFrom(servers_[0]), "a");
  pusher.reset();
  EXPECT_EQ(TakeFrom(servers_[0]), "") << "the stream is over";
  EXPECT_TRUE(stored_.empty());
}

}  // namespace
}  // namespace millrace::client
