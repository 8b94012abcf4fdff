// A Connection for the tests of programs that use the SDK (needs GoogleMock).
//
//   auto connection = std::make_shared<MockConnection>();
//   EXPECT_CALL(*connection, GetJob).WillOnce(Return(job));
//   Client client(connection);
#pragma once

#include <gmock/gmock.h>

#include <memory>

#include "client/cpp/connection.h"
#include "client/cpp/mocks/fake_stream.h"

namespace millrace::client {

/// Streams that a test does not speak of end with UNIMPLEMENTED, as those of a server without them: Pusher and Puller
/// then make calls of Push and Pull. fake_stream.h has the server's end of a stream.
class MockConnection : public Connection {
 public:
  MockConnection() {
    ON_CALL(*this, PushStream).WillByDefault([](const CallOptions&) {
      return FakePushStream::Ended(absl::UnimplementedError("not expected by the test"));
    });
    ON_CALL(*this, WatchJob).WillByDefault([](const v1::WatchJobRequest&, const CallOptions&) {
      return FakeWatch::Ended(absl::UnimplementedError("not expected by the test"));
    });
    ON_CALL(*this, ExportJob).WillByDefault([](const v1::ExportJobRequest&, const CallOptions&) {
      return FakeExport::Ended(absl::UnimplementedError("not expected by the test"));
    });
    ON_CALL(*this, PullStream).WillByDefault([](const CallOptions&) {
      return FakePullStream::Ended(absl::UnimplementedError("not expected by the test"));
    });
  }

  MOCK_METHOD(std::unique_ptr<PushStreamCall>, PushStream, (const CallOptions&), (override));
  MOCK_METHOD(std::unique_ptr<PullStreamCall>, PullStream, (const CallOptions&), (override));

  MOCK_METHOD(absl::StatusOr<v1::Job>, CreatePipeline, (const v1::CreatePipelineRequest&, const CallOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::PushResponse>, Push, (const v1::PushRequest&, const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::PullResponse>, Pull, (const v1::PullRequest&, const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::AcknowledgeResponse>, Acknowledge, (const v1::AcknowledgeRequest&, const CallOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::Job>, ClosePipeline, (const v1::ClosePipelineRequest&, const CallOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::Job>, CancelPipeline, (const v1::CancelPipelineRequest&, const CallOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::PipelineStatus>, GetPipelineStatus,
              (const v1::GetPipelineStatusRequest&, const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::DescribePipelinesResponse>, DescribePipelines,
              (const v1::DescribePipelinesRequest&, const CallOptions&), (override));

  MOCK_METHOD(absl::StatusOr<v1::ServiceVersion>, CreateServiceVersion,
              (const v1::CreateServiceVersionRequest&, const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::ServiceVersion>, GetServiceVersion,
              (const v1::GetServiceVersionRequest&, const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::ListServicesResponse>, ListServices,
              (const v1::ListServicesRequest&, const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::ListServiceVersionsResponse>, ListServiceVersions,
              (const v1::ListServiceVersionsRequest&, const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::DeleteServiceVersionResponse>, DeleteServiceVersion,
              (const v1::DeleteServiceVersionRequest&, const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::TestServiceResponse>, TestService, (const v1::TestServiceRequest&, const CallOptions&),
              (override));

  MOCK_METHOD(absl::StatusOr<v1::Job>, SubmitJob, (const v1::SubmitJobRequest&, const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::Job>, GetJob, (const v1::GetJobRequest&, const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::ListRecordsResponse>, ListRecords, (const v1::ListRecordsRequest&, const CallOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::JobStatistics>, GetJobStatistics,
              (const v1::GetJobStatisticsRequest&, const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::ListChunksResponse>, ListChunks, (const v1::ListChunksRequest&, const CallOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::CompareJobResponse>, CompareJob, (const v1::CompareJobRequest&, const CallOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::GetStatisticsResponse>, GetStatistics,
              (const v1::GetStatisticsRequest&, const CallOptions&), (override));
  MOCK_METHOD(std::unique_ptr<ExportJobCall>, ExportJob, (const v1::ExportJobRequest&, const CallOptions&), (override));
  MOCK_METHOD(std::unique_ptr<WatchJobCall>, WatchJob, (const v1::WatchJobRequest&, const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::ListJobEventsResponse>, ListJobEvents,
              (const v1::ListJobEventsRequest&, const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::Job>, UpdateJob, (const v1::UpdateJobRequest&, const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::Job>, PauseJob, (const v1::PauseJobRequest&, const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::Job>, ContinueJob, (const v1::ContinueJobRequest&, const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::RetryJobResponse>, RetryJob, (const v1::RetryJobRequest&, const CallOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::Job>, ResumeJob, (const v1::ResumeJobRequest&, const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::DeleteJobResponse>, DeleteJob, (const v1::DeleteJobRequest&, const CallOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::ListJobsResponse>, ListJobs, (const v1::ListJobsRequest&, const CallOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::ExplainJobResponse>, ExplainJob, (const v1::ExplainJobRequest&, const CallOptions&),
              (override));

  MOCK_METHOD(absl::StatusOr<v1::Schedule>, CreateSchedule, (const v1::CreateScheduleRequest&, const CallOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::Schedule>, GetSchedule, (const v1::GetScheduleRequest&, const CallOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::ListSchedulesResponse>, ListSchedules,
              (const v1::ListSchedulesRequest&, const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::Schedule>, UpdateSchedule, (const v1::UpdateScheduleRequest&, const CallOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::DeleteScheduleResponse>, DeleteSchedule,
              (const v1::DeleteScheduleRequest&, const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::Schedule>, PauseSchedule, (const v1::PauseScheduleRequest&, const CallOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::Schedule>, ResumeSchedule, (const v1::ResumeScheduleRequest&, const CallOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::ScheduleRun>, TriggerSchedule, (const v1::TriggerScheduleRequest&, const CallOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::ListScheduleRunsResponse>, ListScheduleRuns,
              (const v1::ListScheduleRunsRequest&, const CallOptions&), (override));

  MOCK_METHOD(absl::StatusOr<v1::ListExceptionsResponse>, ListExceptions,
              (const v1::ListExceptionsRequest&, const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::Backup>, CreateBackup, (const v1::CreateBackupRequest&, const CallOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::ListExceptionGroupsResponse>, ListExceptionGroups,
              (const v1::ListExceptionGroupsRequest&, const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::RecordException>, GetException, (const v1::GetExceptionRequest&, const CallOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::RecordException>, ResolveException,
              (const v1::ResolveExceptionRequest&, const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::ReprocessExceptionsResponse>, ReprocessExceptions,
              (const v1::ReprocessExceptionsRequest&, const CallOptions&), (override));

  MOCK_METHOD(absl::Status, CheckHealth, (const CallOptions&), (override));
};

}  // namespace millrace::client
