// `millrace jobs watch`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>

#include "client/cpp/mocks/fake_stream.h"
#include "client/cpp/mocks/mock_connection.h"
#include "google/protobuf/util/json_util.h"
#include "tests/tools/millrace/cli_fixture.h"

namespace millrace::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::InSequence;
using ::testing::Not;
using ::testing::Return;
using ::testing::ReturnPointee;
using ::testing::StrictMock;

class WatchTest : public CliFixture {
 protected:
  static v1::WatchJobResponse Message(v1::JobState state, int64_t event, int64_t failed = 0) {
    v1::WatchJobResponse message;
    message.mutable_job()->set_id("j");
    message.mutable_job()->set_state(state);
    message.mutable_job()->mutable_summary()->set_records_submitted(10);
    message.mutable_job()->mutable_summary()->set_records_completed(10 - failed);
    message.mutable_job()->mutable_summary()->set_records_failed(failed);
    v1::JobEvent& told = *message.add_events();
    told.set_number(event);
    told.set_kind(v1::JOB_EVENT_KIND_STATE_CHANGED);
    told.set_from_state(v1::JOB_STATE_CREATED);
    told.set_to_state(state);
    told.set_detail("because");
    message.set_last_event(event);
    message.set_ended(state == v1::JOB_STATE_COMPLETED || state == v1::JOB_STATE_CANCELLED);
    return message;
  }

  /// The next watch is one of these messages, and ends so.
  void ExpectWatch(int64_t after, const std::vector<v1::WatchJobResponse>& messages, absl::Status end) {
    EXPECT_CALL(*connection_, WatchJob).WillOnce([=](const v1::WatchJobRequest& request, const auto&) {
      EXPECT_EQ(request.job_id(), "j");
      EXPECT_EQ(request.after_event(), after);
      client::FakeWatch server;
      for (const v1::WatchJobResponse& message : messages) server.Answer(message);
      server.End(end);
      return server.Call();
    });
  }

  /// The answer to a retry of three records.
  static v1::RetryJobResponse Retried() {
    v1::RetryJobResponse response;
    response.mutable_job()->set_id("j");
    response.set_failed_record_count(3);
    return response;
  }

  void SetUp() override {
    status_.set_output_buffer_remaining_bytes(1);
    EXPECT_CALL(*connection_, GetPipelineStatus).WillRepeatedly(ReturnPointee(&status_));
  }

  v1::PipelineStatus status_;
  std::shared_ptr<StrictMock<client::MockConnection>> connection_ =
      std::make_shared<StrictMock<client::MockConnection>>();
};

TEST_F(WatchTest, SaysWhatHappensAndEndsWithTheJob) {
  ExpectWatch(0, {Message(v1::JOB_STATE_IN_PROGRESS, 2), Message(v1::JOB_STATE_COMPLETED, 3)}, absl::OkStatus());
  EXPECT_EQ(Run({"jobs", "watch", "j"}, connection_), 0) << err();
  EXPECT_THAT(err(), HasSubstr("CREATED -> IN_PROGRESS by server: because\n"));
  EXPECT_THAT(err(), HasSubstr("CREATED -> COMPLETED by server: because\n"));
  EXPECT_THAT(out(), HasSubstr("COMPLETED"));
}

TEST_F(WatchTest, SaysHowManyEventsWereMissed) {
  v1::WatchJobResponse late = Message(v1::JOB_STATE_IN_PROGRESS, 2'000);
  late.set_missed_event_count(1'200);
  v1::WatchJobResponse last = Message(v1::JOB_STATE_COMPLETED, 3'002);
  last.set_missed_event_count(1);
  ExpectWatch(0, {late, last}, absl::OkStatus());
  EXPECT_EQ(Run({"jobs", "watch", "j"}, connection_), 0) << err();
  EXPECT_THAT(err(), HasSubstr("1,200 events were missed: the server keeps the newest 1,000 of a job\n"));
  EXPECT_THAT(err(), HasSubstr("1 event was missed: "));
}

TEST_F(WatchTest, GoesOnBehindTheLastEventWhenTheServerIsBack) {
  const InSequence sequence;
  ExpectWatch(0, {Message(v1::JOB_STATE_IN_PROGRESS, 2)}, absl::UnavailableError("gone"));
  EXPECT_CALL(*connection_, GetJob).WillOnce(Return(v1::Job()));
  ExpectWatch(2, {Message(v1::JOB_STATE_COMPLETED, 3)}, absl::OkStatus());
  EXPECT_EQ(Run({"jobs", "watch", "j"}, connection_), 0) << err();
  EXPECT_EQ(timer_.Elapsed(), absl::Seconds(1)) << "a server that drains is not asked without a pause";
}

TEST_F(WatchTest, ABusyServerIsAskedAgain) {
  const InSequence sequence;
  ExpectWatch(0, {}, absl::ResourceExhaustedError("busy"));
  EXPECT_CALL(*connection_, GetJob).WillOnce(Return(v1::Job()));
  ExpectWatch(0, {Message(v1::JOB_STATE_COMPLETED, 3)}, absl::OkStatus());
  EXPECT_EQ(Run({"jobs", "watch", "j"}, connection_), 0) << err();
}

TEST_F(WatchTest, APausedJobIsAsFarAsItsWholeSourceSays) {
  const InSequence sequence;
  for (int i = 0; i < 3; ++i) {
    ExpectWatch(0, {}, absl::UnavailableError("gone"));
    EXPECT_CALL(*connection_, GetJob).WillOnce(Return(v1::Job()));
  }
  v1::WatchJobResponse paused = Message(v1::JOB_STATE_PAUSED, 2);
  paused.mutable_job()->set_pipeline_state(v1::PIPELINE_STATE_OPEN);
  paused.mutable_job()->mutable_source_progress()->set_total_records(1'000);
  ExpectWatch(0, {paused, Message(v1::JOB_STATE_COMPLETED, 3)}, absl::OkStatus());
  EXPECT_EQ(Run({"jobs", "watch", "j"}, connection_), 0) << err();
  EXPECT_THAT(err(), HasSubstr("progress:   1% 10 records"));
}

TEST_F(WatchTest, TheExitCodeSaysHowItEnded) {
  ExpectWatch(0, {Message(v1::JOB_STATE_COMPLETED, 3, 2)}, absl::OkStatus());
  EXPECT_EQ(Run({"jobs", "watch", "j"}, connection_), 3);
  ExpectWatch(0, {Message(v1::JOB_STATE_COMPLETED, 3, 2)}, absl::OkStatus());
  EXPECT_EQ(Run({"jobs", "watch", "j", "--allow-exceptions"}, connection_), 0);
  ExpectWatch(0, {Message(v1::JOB_STATE_CANCELLED, 3)}, absl::OkStatus());
  EXPECT_EQ(Run({"jobs", "watch", "j"}, connection_), 1);
  ExpectWatch(0, {}, absl::NotFoundError("no such job"));
  EXPECT_EQ(Run({"jobs", "watch", "j"}, connection_), 1);
  EXPECT_THAT(err(), HasSubstr("cannot watch the job"));
}

TEST_F(WatchTest, ARetryMayBeWaitedFor) {
  const InSequence sequence;
  EXPECT_CALL(*connection_, RetryJob).WillOnce([](const v1::RetryJobRequest& request, const auto&) {
    EXPECT_EQ(request.job_id(), "j");
    EXPECT_TRUE(request.failed());
    return Retried();
  });
  ExpectWatch(0, {Message(v1::JOB_STATE_COMPLETED, 3, 1)}, absl::OkStatus());
  EXPECT_EQ(Run({"jobs", "retry", "j", "--wait"}, connection_), 3) << err();
  EXPECT_THAT(out(), HasSubstr("3 records are run again\n"));
  EXPECT_THAT(out(), HasSubstr("COMPLETED"));
  EXPECT_EQ(Run({"jobs", "retry", "j", "--wait", "--preview"}, connection_), 2);
}

TEST_F(WatchTest, WhoWaitsGetsOneDocumentWithTheJobAtItsEnd) {
  EXPECT_CALL(*connection_, RetryJob).WillOnce(Return(Retried()));
  ExpectWatch(0, {Message(v1::JOB_STATE_IN_PROGRESS, 2), Message(v1::JOB_STATE_COMPLETED, 3)}, absl::OkStatus());
  EXPECT_EQ(Run({"jobs", "retry", "j", "--wait", "-o", "json"}, connection_), 0) << err();
  v1::RetryJobResponse retried;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(out(), &retried).ok()) << out();
  EXPECT_EQ(retried.failed_record_count(), 3);
  EXPECT_EQ(retried.job().state(), v1::JOB_STATE_COMPLETED);

  EXPECT_CALL(*connection_, ContinueJob).WillOnce(Return(Message(v1::JOB_STATE_CLOSED, 2).job()));
  ExpectWatch(0, {Message(v1::JOB_STATE_COMPLETED, 3)}, absl::OkStatus());
  EXPECT_EQ(Run({"jobs", "continue", "j", "--wait", "-o", "json"}, connection_), 0) << err();
  v1::Job job;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(out(), &job).ok()) << out();
  EXPECT_EQ(job.state(), v1::JOB_STATE_COMPLETED);
}

TEST_F(WatchTest, ABulkRunThatWasWaitedForIsShownWithItsJobs) {
  v1::Job bulk = Message(v1::JOB_STATE_CLOSED, 2).job();
  bulk.set_service("millrace/jobs");
  EXPECT_CALL(*connection_, GetJob).WillOnce(Return(bulk));
  EXPECT_CALL(*connection_, RetryJob).WillOnce(Return(Retried()));
  ExpectWatch(0, {Message(v1::JOB_STATE_COMPLETED, 3)}, absl::OkStatus());
  EXPECT_CALL(*connection_, GetJobStatistics).WillOnce(Return(v1::JobStatistics()));
  v1::ListJobsResponse children;
  children.add_jobs()->set_id("job-of-orders");
  children.mutable_jobs(0)->set_state(v1::JOB_STATE_COMPLETED);
  EXPECT_CALL(*connection_, ListJobs).WillOnce(Return(children));
  EXPECT_EQ(Run({"bulk", "retry", "j", "--wait"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("3 jobs are run again\n"));
  EXPECT_THAT(out(), HasSubstr("job-of-orders"));
}

TEST_F(WatchTest, AFullOutputBufferIsToldOnce) {
  status_.set_output_buffer_remaining_bytes(0);
  EXPECT_CALL(*connection_, GetPipelineStatus).WillOnce(Return(status_));
  ExpectWatch(0,
              {Message(v1::JOB_STATE_IN_PROGRESS, 2), Message(v1::JOB_STATE_IN_PROGRESS, 3),
               Message(v1::JOB_STATE_COMPLETED, 4)},
              absl::OkStatus());
  EXPECT_EQ(Run({"jobs", "watch", "j"}, connection_), 0) << err();
  EXPECT_THAT(err(), HasSubstr("output buffer; it goes on when they are pulled: millrace pipelines pull j --follow\n"));
}

TEST_F(WatchTest, WhoStopsWaitingIsToldThatTheJobRunsOn) {
  EXPECT_CALL(*connection_, RetryJob).WillOnce(Return(Retried()));
  ExpectWatch(0, {}, absl::NotFoundError("gone"));
  EXPECT_EQ(Run({"jobs", "retry", "j", "--wait"}, connection_), 1);
  EXPECT_THAT(err(), HasSubstr("cannot wait for the job"));
  EXPECT_THAT(err(), HasSubstr("it runs on without this command; see millrace jobs show j"));
}

TEST_F(WatchTest, JsonIsOneDocumentAMessage) {
  ExpectWatch(0, {Message(v1::JOB_STATE_IN_PROGRESS, 2), Message(v1::JOB_STATE_COMPLETED, 3)}, absl::OkStatus());
  EXPECT_EQ(Run({"jobs", "watch", "j", "-o", "json"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("\"lastEvent\""));
  EXPECT_THAT(out(), Not(HasSubstr("Pushed")));
  EXPECT_EQ(err(), "");
}

}  // namespace
}  // namespace millrace::cli
