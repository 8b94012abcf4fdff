// Results through streams: pages, acknowledgements, and streams that break.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <utility>

#include "tests/client/cpp/puller_fixture.h"
#include "tests/support/status_matchers.h"

namespace millrace::client {
namespace {

using ::millrace::testing::IsOk;
using ::testing::_;
using ::testing::Return;

MATCHER_P(UpTo, number, "") { return arg.cursor() == number; }

v1::PullStreamResponse ResultNumber(int64_t number) {
  v1::PullStreamResponse response;
  response.mutable_result()->set_number(number);
  return response;
}

v1::PullStreamResponse Last() {
  v1::PullStreamResponse response;
  response.set_drained(true);
  response.mutable_status()->set_records_completed(9);
  return response;
}

class PullerStreamTest : public PullerFixture {
 protected:
  PullerStreamTest() {
    EXPECT_CALL(*connection_, PullStream).WillRepeatedly([this](const CallOptions&) {
      return servers_.at(opened_++).Call();
    });
  }

  std::deque<FakePullStream> servers_{3};
  size_t opened_ = 0;
};

TEST_F(PullerStreamTest, ResultsComeInOrderAndTheLastAreAcknowledgedByACall) {
  for (int64_t number = 1; number <= 3; ++number) servers_[0].Answer(ResultNumber(number));
  servers_[0].Answer(Last());
  servers_[0].End(absl::OkStatus());
  EXPECT_CALL(*connection_, Acknowledge(UpTo(3), _)).WillOnce(Return(v1::AcknowledgeResponse()));
  Puller puller = Make({.after = 0, .page_size = 2});
  for (int64_t number = 1; number <= 3; ++number) EXPECT_EQ(NextOf(puller), number);
  EXPECT_EQ(NextOf(puller), 0);
  EXPECT_EQ(NextOf(puller), 0);
  const auto start = servers_[0].Take();
  EXPECT_EQ(start->start().pipeline_id(), kPipelineId);
  EXPECT_EQ(start->start().after(), 0);
  EXPECT_TRUE(start->start().follow());
  EXPECT_EQ(start->start().window(), 4);
}

TEST_F(PullerStreamTest, APageIsAcknowledgedWhenTheNextOneIsAskedFor) {
  servers_[0].Answer(ResultNumber(1));
  Puller puller = Make({.page_size = 1});
  EXPECT_EQ(NextOf(puller), 1);
  servers_[0].Answer(ResultNumber(2));
  EXPECT_EQ(NextOf(puller), 2);
  EXPECT_FALSE(servers_[0].Take()->start().has_after());
  EXPECT_EQ(servers_[0].Take()->acknowledge(), 1);
  EXPECT_EQ(puller.buffered(), 0u);
}

TEST_F(PullerStreamTest, AStreamThatBreaksGoesOnBehindWhatWasRead) {
  servers_[0].Answer(ResultNumber(1));
  servers_[0].End(absl::UnavailableError("killed"));
  // The call in between is as patient as the retries of the connection.
  EXPECT_CALL(*connection_, Pull).WillOnce([](const v1::PullRequest& request, const CallOptions&) {
    EXPECT_EQ(request.after(), 1);
    return PageOf(2, 2);
  });
  servers_[1].Answer(ResultNumber(3));
  Puller puller = Make();
  for (int64_t number = 1; number <= 3; ++number) EXPECT_EQ(NextOf(puller), number);
}

TEST_F(PullerStreamTest, ExplicitModeAcknowledgesByCallAndOpensTheWindow) {
  servers_[0].Answer(ResultNumber(1));
  EXPECT_CALL(*connection_, Acknowledge(UpTo(1), _)).WillOnce(Return(v1::AcknowledgeResponse()));
  Puller puller = Make({.acknowledge = AcknowledgeMode::kExplicit});
  EXPECT_EQ(NextOf(puller), 1);
  EXPECT_EQ(puller.Next().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(puller.Acknowledge(), IsOk());
  servers_[0].Answer(Last());
  servers_[0].End(absl::OkStatus());
  EXPECT_EQ(NextOf(puller), 0);
  servers_[0].Take();
  EXPECT_EQ(servers_[0].Take()->acknowledge(), 1);
}

TEST_F(PullerStreamTest, WhileNothingComesTheStatusIsAskedFor) {
  bool asked = false;
  EXPECT_CALL(*connection_, GetPipelineStatus)
      .WillRepeatedly([&](const v1::GetPipelineStatusRequest&, const CallOptions&) {
        if (!std::exchange(asked, true)) servers_[0].Answer(ResultNumber(1));
        v1::PipelineStatus status;
        status.set_records_submitted(7);
        return status;
      });
  int64_t heard = 0;
  Puller puller = Make({.wait = absl::Milliseconds(1), .on_status = [&heard](const v1::PipelineStatus& status) {
                          heard = std::max(heard, status.records_submitted());
                        }});
  EXPECT_EQ(NextOf(puller), 1);
  EXPECT_EQ(heard, 7);
}

}  // namespace
}  // namespace millrace::client
