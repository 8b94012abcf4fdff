#include "client/cpp/puller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/cpp/puller_fixture.h"
#include "tests/support/status_matchers.h"

namespace millrace::client {
namespace {

using ::millrace::testing::IsOk;
using ::testing::_;
using ::testing::ElementsAre;
using ::testing::InSequence;
using ::testing::Return;

MATCHER(WithoutAfter, "") { return !arg.has_after(); }
MATCHER_P(After, number, "") { return arg.has_after() && arg.after() == number; }
MATCHER_P(UpTo, number, "") { return arg.cursor() == number; }

// Results through calls of Pull, as from a server without streams. puller_stream_test.cc has the streams.
class PullerTest : public PullerFixture {
 protected:
  PullerTest() {
    EXPECT_CALL(*connection_, PullStream).Times(::testing::AtMost(1)).WillRepeatedly([](const CallOptions&) {
      return FakePullStream::Ended(absl::UnimplementedError("no streams"));
    });
  }

  const InSequence in_sequence_;
};

TEST_F(PullerTest, ResultsComeInOrderToTheLast) {
  EXPECT_CALL(*connection_, Pull(WithoutAfter(), _)).WillOnce(Return(PageOf(1, 2)));
  EXPECT_CALL(*connection_, Pull(After(2), _)).WillOnce(Return(PageOf(3, 3)));
  EXPECT_CALL(*connection_, Pull(After(3), _)).WillOnce(Return(PageOf(4, 3, /*drained=*/true)));
  Puller puller = Make();
  EXPECT_EQ(NextOf(puller), 1);
  EXPECT_EQ(puller.buffered(), 1u);
  EXPECT_EQ(NextOf(puller), 2);
  EXPECT_EQ(NextOf(puller), 3);
  EXPECT_EQ(puller.cursor(), 3);
  EXPECT_EQ(NextOf(puller), 0);
  EXPECT_EQ(NextOf(puller), 0);
}

TEST_F(PullerTest, TheLastPageIsAcknowledgedAtTheEnd) {
  EXPECT_CALL(*connection_, Pull).WillOnce(Return(PageOf(1, 2, /*drained=*/true)));
  EXPECT_CALL(*connection_, Acknowledge(UpTo(2), _)).WillOnce(Return(v1::AcknowledgeResponse()));
  Puller puller = Make();
  EXPECT_EQ(NextOf(puller), 1);
  EXPECT_EQ(NextOf(puller), 2);
  EXPECT_EQ(NextOf(puller), 0);
  EXPECT_EQ(NextOf(puller), 0);
}

TEST_F(PullerTest, NextWaitsUntilThereIsAResult) {
  EXPECT_CALL(*connection_, Pull(WithoutAfter(), _)).WillOnce([](const v1::PullRequest& request, const CallOptions&) {
    EXPECT_EQ(request.pipeline_id(), kPipelineId);
    EXPECT_EQ(request.wait().seconds(), 1);
    EXPECT_EQ(request.wait().nanos(), 500'000'000);
    EXPECT_EQ(request.max_chunks(), 7);
    EXPECT_FALSE(request.auto_acknowledge());
    return PageOf(6, 5);
  });
  EXPECT_CALL(*connection_, Pull(After(5), _)).WillOnce(Return(PageOf(6, 5)));
  EXPECT_CALL(*connection_, Pull(After(5), _)).WillOnce(Return(PageOf(6, 6)));
  Puller puller = Make({.page_size = 7, .wait = absl::Milliseconds(1500)});
  EXPECT_EQ(NextOf(puller), 6);
}

TEST_F(PullerTest, ReadingStartsWhereItIsAskedTo) {
  EXPECT_CALL(*connection_, Pull(After(0), _)).WillOnce(Return(PageOf(1, 1)));
  EXPECT_CALL(*connection_, Pull(After(1), _)).WillOnce(Return(PageOf(2, 1, /*drained=*/true)));
  Puller puller = Make({.after = 0});
  EXPECT_EQ(NextOf(puller), 1);
  EXPECT_EQ(NextOf(puller), 0);
}

TEST_F(PullerTest, ReadingGoesOnBehindWhatWasAcknowledgedBefore) {
  EXPECT_CALL(*connection_, Pull(WithoutAfter(), _)).WillOnce(Return(PageOf(41, 42)));
  EXPECT_CALL(*connection_, Pull(After(42), _)).WillOnce(Return(PageOf(43, 42, /*drained=*/true)));
  Puller puller = Make();
  EXPECT_EQ(NextOf(puller), 41);
  EXPECT_EQ(NextOf(puller), 42);
  EXPECT_EQ(NextOf(puller), 0);
}

TEST_F(PullerTest, AfterAnErrorNextGoesOnWhereItWas) {
  EXPECT_CALL(*connection_, Pull(WithoutAfter(), _)).WillOnce(Return(PageOf(1, 1)));
  EXPECT_CALL(*connection_, Pull(After(1), _)).WillOnce(Return(absl::StatusOr<v1::PullResponse>(Unavailable())));
  EXPECT_CALL(*connection_, Pull(After(1), _)).WillOnce(Return(PageOf(2, 2)));
  Puller puller = Make();
  EXPECT_EQ(NextOf(puller), 1);
  EXPECT_EQ(ErrorReasonOf(puller.Next().status()), v1::SERVER_NOT_READY);
  EXPECT_EQ(NextOf(puller), 2);
}

TEST_F(PullerTest, TheEndIsNotReachedWhileItCannotBeAcknowledged) {
  EXPECT_CALL(*connection_, Pull).WillOnce(Return(PageOf(1, 1, /*drained=*/true)));
  EXPECT_CALL(*connection_, Acknowledge).WillOnce(Return(absl::StatusOr<v1::AcknowledgeResponse>(Unavailable())));
  EXPECT_CALL(*connection_, Acknowledge(UpTo(1), _)).WillOnce(Return(v1::AcknowledgeResponse()));
  Puller puller = Make();
  EXPECT_EQ(NextOf(puller), 1);
  EXPECT_EQ(NextOf(puller), -1);
  EXPECT_EQ(NextOf(puller), 0);
}

TEST_F(PullerTest, ExplicitModeReadsNoFurtherThanWhatIsAcknowledged) {
  EXPECT_CALL(*connection_, Pull(WithoutAfter(), _)).WillOnce(Return(PageOf(1, 2)));
  EXPECT_CALL(*connection_, Acknowledge(UpTo(1), _)).WillOnce(Return(v1::AcknowledgeResponse()));
  EXPECT_CALL(*connection_, Acknowledge(UpTo(2), _)).WillOnce(Return(v1::AcknowledgeResponse()));
  EXPECT_CALL(*connection_, Pull(After(2), _)).WillOnce(Return(PageOf(3, 3, /*drained=*/true)));
  Puller puller = Make({.acknowledge = AcknowledgeMode::kExplicit});
  EXPECT_EQ(NextOf(puller), 1);
  EXPECT_THAT(puller.Acknowledge(), IsOk());
  EXPECT_EQ(NextOf(puller), 2);
  EXPECT_EQ(puller.Next().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(puller.Acknowledge(), IsOk());
  EXPECT_THAT(puller.Acknowledge(), IsOk());
  EXPECT_EQ(NextOf(puller), 3);
  // The end acknowledges nothing by itself.
  EXPECT_EQ(NextOf(puller), 0);
}

TEST_F(PullerTest, StatusIsThatOfTheLastReply) {
  v1::PullResponse first = PageOf(1, 1), second = PageOf(2, 1, /*drained=*/true);
  first.mutable_status()->set_records_completed(1);
  second.mutable_status()->set_records_completed(2);
  EXPECT_CALL(*connection_, Pull).WillOnce(Return(first)).WillOnce(Return(second));
  std::vector<int64_t> heard;
  Puller puller =
      Make({.on_status = [&heard](const v1::PipelineStatus& status) { heard.push_back(status.records_completed()); }});
  EXPECT_EQ(NextOf(puller), 1);
  EXPECT_EQ(puller.status().records_completed(), 1);
  EXPECT_EQ(NextOf(puller), 0);
  EXPECT_THAT(heard, ElementsAre(1, 2));
}

TEST_F(PullerTest, TheStopReachesTheCall) {
  std::stop_source source;
  EXPECT_CALL(*connection_, Pull).WillOnce([&](const v1::PullRequest&, const CallOptions& options) {
    source.request_stop();
    EXPECT_TRUE(options.stop.stop_requested());
    return absl::CancelledError("stopped");
  });
  Puller puller = Make({.stop = source.get_token()});
  EXPECT_EQ(puller.Next().status().code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace millrace::client
