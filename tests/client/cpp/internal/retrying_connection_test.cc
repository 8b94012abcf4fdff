#include "client/cpp/internal/retrying_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/cpp/errors.h"
#include "client/cpp/mocks/fake_clock.h"
#include "client/cpp/mocks/mock_connection.h"
#include "tests/client/cpp/fixtures.h"
#include "tests/support/status_matchers.h"

namespace millrace::client::internal {
namespace {

using ::millrace::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Return;
using ::testing::StrictMock;

class RetryingConnectionTest : public ::testing::Test {
 protected:
  std::shared_ptr<Connection> Make(RetryOptions retry = {.jitter = 0}) {
    ClientOptions options;
    options.retry = retry;
    options.clock = &clock_;
    return MakeRetryingConnection(inner_, options, *ServiceConfig::Parse(EmbeddedServiceConfig()));
  }

  // What becomes of a push or a pull whose first attempt meets an unreachable server.
  RetryOutcome OutcomeOfPush(const v1::PushRequest& request) {
    EXPECT_CALL(*inner_, Push)
        .WillOnce(Return(absl::StatusOr<v1::PushResponse>(Unavailable())))
        .WillRepeatedly(Return(v1::PushResponse()));
    const auto response = Make()->Push(request, {});
    ::testing::Mock::VerifyAndClearExpectations(inner_.get());
    return ErrorDetailsOf(response.status()).retry_outcome;
  }
  RetryOutcome OutcomeOfPull(const v1::PullRequest& request) {
    EXPECT_CALL(*inner_, Pull)
        .WillOnce(Return(absl::StatusOr<v1::PullResponse>(Unavailable())))
        .WillRepeatedly(Return(v1::PullResponse()));
    const auto response = Make()->Pull(request, {});
    ::testing::Mock::VerifyAndClearExpectations(inner_.get());
    return ErrorDetailsOf(response.status()).retry_outcome;
  }

  FakeClock clock_;
  std::shared_ptr<StrictMock<MockConnection>> inner_ = std::make_shared<StrictMock<MockConnection>>();
};

TEST_F(RetryingConnectionTest, ACallOutlastsAnOutage) {
  EXPECT_CALL(*inner_, GetJob)
      .WillOnce(Return(absl::StatusOr<v1::Job>(Unavailable())))
      .WillOnce(Return(absl::StatusOr<v1::Job>(Unavailable())))
      .WillOnce(Return(OpenJob()));
  ASSERT_OK_AND_ASSIGN(const v1::Job job, Make()->GetJob({}, {}));
  EXPECT_EQ(job.id(), kPipelineId);
  EXPECT_THAT(clock_.sleeps(), ElementsAre(absl::Milliseconds(100), absl::Milliseconds(200)));
}

TEST_F(RetryingConnectionTest, AnOutageOfTenMinutesIsTheLimit) {
  EXPECT_CALL(*inner_, GetJob).WillRepeatedly(Return(absl::StatusOr<v1::Job>(Unavailable())));
  const absl::Status status = Make()->GetJob({}, {}).status();
  EXPECT_EQ(ErrorDetailsOf(status).retry_outcome, RetryOutcome::kExhausted);
  EXPECT_LE(clock_.Elapsed(), absl::Minutes(10));
  EXPECT_GT(clock_.Elapsed(), absl::Minutes(10) - absl::Seconds(2));
}

TEST_F(RetryingConnectionTest, APushWaitsForRoomAsTheServerSays) {
  EXPECT_CALL(*inner_, Push)
      .WillOnce(Return(absl::StatusOr<v1::PushResponse>(Full(absl::Milliseconds(40)))))
      .WillOnce(Return(absl::StatusOr<v1::PushResponse>(Full(absl::Milliseconds(70)))))
      .WillOnce(Return(v1::PushResponse()));
  EXPECT_THAT(Make()->Push({}, {}), IsOk());
  EXPECT_THAT(clock_.sleeps(), ElementsAre(absl::Milliseconds(40), absl::Milliseconds(70)));
}

TEST_F(RetryingConnectionTest, APermanentErrorIsReturnedAtOnce) {
  EXPECT_CALL(*inner_, GetJob)
      .WillOnce(Return(absl::StatusOr<v1::Job>(Refusal(absl::StatusCode::kNotFound, v1::PIPELINE_NOT_FOUND))));
  const absl::Status status = Make()->GetJob({}, {}).status();
  EXPECT_EQ(ErrorReasonOf(status), v1::PIPELINE_NOT_FOUND);
  EXPECT_EQ(ErrorDetailsOf(status).retry_outcome, RetryOutcome::kPermanent);
  EXPECT_THAT(clock_.sleeps(), IsEmpty());
}

TEST_F(RetryingConnectionTest, CreateIsRepeatedOnlyWithARequestId) {
  EXPECT_CALL(*inner_, CreatePipeline)
      .WillOnce(Return(absl::StatusOr<v1::Job>(Unavailable())))
      .WillOnce(Return(absl::StatusOr<v1::Job>(Unavailable())))
      .WillOnce(Return(OpenJob()));
  v1::CreatePipelineRequest request;
  request.set_pipeline_id("mine");
  const absl::Status status = Make()->CreatePipeline(request, {}).status();
  EXPECT_EQ(ErrorDetailsOf(status).retry_outcome, RetryOutcome::kNotIdempotent);
  request.set_request_id("once");
  EXPECT_THAT(Make()->CreatePipeline(request, {}), IsOk());
}

TEST_F(RetryingConnectionTest, SubmitIsRepeatedOnlyWithARequestId) {
  EXPECT_CALL(*inner_, SubmitJob)
      .WillOnce(Return(absl::StatusOr<v1::Job>(Unavailable())))
      .WillOnce(Return(absl::StatusOr<v1::Job>(Unavailable())))
      .WillOnce(Return(v1::Job()));
  v1::SubmitJobRequest request;
  const absl::Status status = Make()->SubmitJob(request, {}).status();
  EXPECT_EQ(ErrorDetailsOf(status).retry_outcome, RetryOutcome::kNotIdempotent);
  request.set_request_id("once");
  EXPECT_THAT(Make()->SubmitJob(request, {}), IsOk());
}

TEST_F(RetryingConnectionTest, PushIsRepeatedOnlyWithIds) {
  v1::PushRequest inputs;
  inputs.mutable_inputs();
  EXPECT_EQ(OutcomeOfPush(inputs), RetryOutcome::kNotIdempotent);
  inputs.set_request_id("once");
  EXPECT_EQ(OutcomeOfPush(inputs), RetryOutcome::kNone);

  v1::PushRequest chunks;
  *chunks.add_chunks() = MakeChunk("a");
  EXPECT_EQ(OutcomeOfPush(chunks), RetryOutcome::kNone);
  *chunks.add_chunks() = MakeChunk("");
  EXPECT_EQ(OutcomeOfPush(chunks), RetryOutcome::kNotIdempotent);
  chunks.set_request_id("once");
  EXPECT_EQ(OutcomeOfPush(chunks), RetryOutcome::kNone);
}

TEST_F(RetryingConnectionTest, PullIsRepeatedUnlessALostReplyWouldBeSkipped) {
  v1::PullRequest request;
  EXPECT_EQ(OutcomeOfPull(request), RetryOutcome::kNone);
  request.set_auto_acknowledge(true);
  EXPECT_EQ(OutcomeOfPull(request), RetryOutcome::kNotIdempotent);
  request.set_after(3);
  EXPECT_EQ(OutcomeOfPull(request), RetryOutcome::kNone);
}

TEST_F(RetryingConnectionTest, AStopEndsTheWait) {
  std::stop_source source;
  EXPECT_CALL(*inner_, GetJob).WillOnce([&](const v1::GetJobRequest&, const CallOptions&) {
    source.request_stop();
    return Unavailable();
  });
  EXPECT_EQ(Make()->GetJob({}, {.stop = source.get_token()}).status().code(), absl::StatusCode::kCancelled);
}

TEST_F(RetryingConnectionTest, HealthIsAskedOnce) {
  EXPECT_CALL(*inner_, CheckHealth).WillOnce(Return(Unavailable()));
  EXPECT_EQ(Make()->CheckHealth({}).code(), absl::StatusCode::kUnavailable);
}

TEST(SystemClockTest, AStopEndsASleep) {
  std::stop_source source;
  source.request_stop();
  EXPECT_FALSE(SystemClock()->Sleep(absl::Hours(1), source.get_token()));
  EXPECT_TRUE(SystemClock()->Sleep(absl::ZeroDuration(), {}));
}

}  // namespace
}  // namespace millrace::client::internal
