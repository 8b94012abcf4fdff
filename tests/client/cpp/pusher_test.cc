#include "client/cpp/pusher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <stop_token>
#include <thread>

#include "absl/synchronization/notification.h"
#include "client/cpp/mocks/mock_connection.h"
#include "client/cpp/pipeline.h"
#include "tests/client/cpp/fixtures.h"
#include "tests/support/status_matchers.h"

namespace millrace::client {
namespace {

using ::millrace::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Return;
using ::testing::SizeIs;

std::vector<std::string> IdsOf(const v1::PushRequest& request) {
  std::vector<std::string> ids;
  for (const v1::Chunk& chunk : request.chunks()) ids.push_back(chunk.id());
  return ids;
}

class PusherTest : public ::testing::Test {
 protected:
  PusherTest() {
    ON_CALL(*connection_, GetJob).WillByDefault(Return(OpenJob()));
    ON_CALL(*connection_, Push).WillByDefault([](const v1::PushRequest& request, const CallOptions&) {
      return Stored(request);
    });
    pipeline_ = *Pipeline::Attach(Client(connection_), kPipelineId);
  }

  std::unique_ptr<Pusher> Make(PusherOptions options = {}) {
    options.on_stored = [this](const v1::PushedChunk& chunk) { stored_.push_back(chunk.id()); };
    return *pipeline_->NewPusher(std::move(options));
  }

  std::shared_ptr<::testing::NiceMock<MockConnection>> connection_ =
      std::make_shared<::testing::NiceMock<MockConnection>>();
  std::optional<Pipeline> pipeline_;
  // Written on threads of the pusher, read after Flush.
  std::vector<std::string> stored_;
};

TEST_F(PusherTest, EveryChunkIsStoredOnceAndReportedInOrder) {
  const auto pusher = Make({.max_bytes_per_call = 100});
  std::vector<std::string> ids;
  for (int i = 0; i < 200; ++i) ids.push_back(*pusher->Push(MakeChunk("")));
  EXPECT_THAT(pusher->Flush(), IsOk());
  EXPECT_EQ(stored_, ids);
  EXPECT_EQ(pusher->chunks_stored(), 200);
  EXPECT_EQ(pusher->records_stored(), 200);
  EXPECT_THAT(pipeline_->stats(), SizeIs(200));
}

TEST_F(PusherTest, FlushOfNothingReturns) { EXPECT_THAT(Make()->Flush(), IsOk()); }

TEST_F(PusherTest, ChunksThatWaitGoTogether) {
  absl::Notification first_arrived, go_on;
  std::vector<std::vector<std::string>> calls;
  EXPECT_CALL(*connection_, Push).Times(2).WillRepeatedly([&](const v1::PushRequest& request, const CallOptions&) {
    if (calls.empty()) {
      first_arrived.Notify();
      go_on.WaitForNotification();
    }
    calls.push_back(IdsOf(request));
    return Stored(request);
  });
  const auto pusher = Make();
  EXPECT_THAT(pusher->Push(MakeChunk("a")), IsOk());
  first_arrived.WaitForNotification();
  EXPECT_THAT(pusher->Push(MakeChunk("b")), IsOk());
  EXPECT_THAT(pusher->Push(MakeChunk("c")), IsOk());
  go_on.Notify();
  EXPECT_THAT(pusher->Flush(), IsOk());
  EXPECT_THAT(calls, ElementsAre(ElementsAre("a"), ElementsAre("b", "c")));
}

TEST_F(PusherTest, SeveralCallsAreOnTheirWayAndReportsStayInOrder) {
  absl::Notification second_stored;
  EXPECT_CALL(*connection_, Push).Times(2).WillRepeatedly([&](const v1::PushRequest& request, const CallOptions&) {
    // The first call ends only after the second: both are on their way at once.
    if (request.chunks(0).id() == "a") second_stored.WaitForNotification();
    if (request.chunks(0).id() == "b") second_stored.Notify();
    return Stored(request);
  });
  const auto pusher = Make({.max_calls_in_flight = 2, .max_bytes_per_call = 1});
  EXPECT_THAT(pusher->Push(MakeChunk("a")), IsOk());
  EXPECT_THAT(pusher->Push(MakeChunk("b")), IsOk());
  EXPECT_THAT(pusher->Flush(), IsOk());
  EXPECT_THAT(stored_, ElementsAre("a", "b"));
}

TEST_F(PusherTest, PushWaitsWhileTheWindowIsFull) {
  absl::Notification go_on;
  std::atomic<int> calls = 0;
  EXPECT_CALL(*connection_, Push).Times(2).WillRepeatedly([&](const v1::PushRequest& request, const CallOptions&) {
    if (++calls == 1) go_on.WaitForNotification();
    return Stored(request);
  });
  const auto pusher = Make({.max_bytes_in_flight = 1});
  EXPECT_THAT(pusher->Push(MakeChunk("a")), IsOk());
  std::thread second([&] {
    EXPECT_THAT(pusher->Push(MakeChunk("b")), IsOk());
    // Room came only with the report of the first chunk.
    EXPECT_GE(pusher->chunks_stored(), 1);
  });
  go_on.Notify();
  second.join();
  EXPECT_THAT(pusher->Flush(), IsOk());
}

TEST_F(PusherTest, ARefusedChunkStopsThePusherAndIsNamed) {
  EXPECT_CALL(*connection_, Push)
      .WillOnce(Return(
          absl::StatusOr<v1::PushResponse>(Refusal(absl::StatusCode::kFailedPrecondition, v1::PIPELINE_CLOSED))));
  const auto pusher = Make();
  EXPECT_THAT(pusher->Push(MakeChunk("a")), IsOk());
  const absl::Status status = pusher->Flush();
  EXPECT_EQ(ErrorReasonOf(status), v1::PIPELINE_CLOSED);
  EXPECT_EQ(status.message(), "chunk a: refused");
  EXPECT_EQ(pusher->Push(MakeChunk("b")).status(), status);
  EXPECT_THAT(stored_, IsEmpty());
}

TEST_F(PusherTest, OnlyTheChunkToBlameIsRefused) {
  absl::Notification first_arrived, go_on;
  EXPECT_CALL(*connection_, Push)
      .WillRepeatedly([&](const v1::PushRequest& request, const CallOptions&) -> absl::StatusOr<v1::PushResponse> {
        if (!first_arrived.HasBeenNotified()) {
          first_arrived.Notify();
          go_on.WaitForNotification();
        }
        for (const v1::Chunk& chunk : request.chunks()) {
          if (chunk.id() == "bad") return Refusal(absl::StatusCode::kInvalidArgument, v1::CHUNK_EMPTY);
        }
        return Stored(request);
      });
  const auto pusher = Make();
  EXPECT_THAT(pusher->Push(MakeChunk("a")), IsOk());
  first_arrived.WaitForNotification();
  for (const char* id : {"b", "bad", "c"}) EXPECT_THAT(pusher->Push(MakeChunk(id)), IsOk());
  go_on.Notify();
  const absl::Status status = pusher->Flush();
  EXPECT_EQ(ErrorReasonOf(status), v1::CHUNK_EMPTY);
  EXPECT_THAT(std::string(status.message()), HasSubstr("chunk bad"));
  EXPECT_THAT(stored_, ElementsAre("a", "b"));
}

TEST_F(PusherTest, TheErrorIsThatOfTheFirstChunkInOrder) {
  absl::Notification later_failed;
  EXPECT_CALL(*connection_, Push)
      .Times(2)
      .WillRepeatedly([&](const v1::PushRequest& request, const CallOptions&) -> absl::StatusOr<v1::PushResponse> {
        if (request.chunks(0).id() == "b") {
          later_failed.Notify();
          return Refusal(absl::StatusCode::kInternal, v1::STORAGE_FAILED);
        }
        later_failed.WaitForNotification();
        return Refusal(absl::StatusCode::kInternal, v1::INTERNAL_ERROR);
      });
  const auto pusher = Make({.max_calls_in_flight = 2, .max_bytes_per_call = 1});
  EXPECT_THAT(pusher->Push(MakeChunk("a")), IsOk());
  EXPECT_THAT(pusher->Push(MakeChunk("b")), IsOk());
  EXPECT_EQ(ErrorReasonOf(pusher->Flush()), v1::INTERNAL_ERROR);
}

TEST_F(PusherTest, DestructionEndsCallsOnTheirWay) {
  absl::Notification arrived;
  EXPECT_CALL(*connection_, Push).WillOnce([&](const v1::PushRequest&, const CallOptions& options) {
    arrived.Notify();
    absl::Notification stopped;
    const std::stop_callback on_stop(options.stop, [&stopped] { stopped.Notify(); });
    stopped.WaitForNotification();
    return absl::CancelledError("stopped");
  });
  auto pusher = Make();
  EXPECT_THAT(pusher->Push(MakeChunk("a")), IsOk());
  arrived.WaitForNotification();
  pusher.reset();
  EXPECT_THAT(stored_, IsEmpty());
}

TEST_F(PusherTest, AStopEndsWaitingCallers) {
  std::stop_source source;
  EXPECT_CALL(*connection_, Push).WillOnce([&](const v1::PushRequest&, const CallOptions&) {
    source.request_stop();
    return absl::CancelledError("stopped");
  });
  const auto pusher = Make({.stop = source.get_token()});
  EXPECT_THAT(pusher->Push(MakeChunk("a")), IsOk());
  EXPECT_EQ(pusher->Flush().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(pusher->Push(MakeChunk("b")).status().code(), absl::StatusCode::kCancelled);
}

TEST_F(PusherTest, StatusOfEachCallIsPassedOn) {
  int heard = 0;
  const auto pusher = Make({.on_status = [&heard](const v1::PipelineStatus&) { ++heard; }});
  EXPECT_THAT(pusher->Push(MakeChunk("a")), IsOk());
  EXPECT_THAT(pusher->Flush(), IsOk());
  EXPECT_EQ(heard, 1);
}

}  // namespace
}  // namespace millrace::client
