// The seam below Client: one virtual method an RPC. Applications do not call it; tests put a mock in its place
// (mocks/mock_connection.h).
#pragma once

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/cpp/options.h"
#include "client/cpp/stream.h"
#include "millrace/v1/admin_service.pb.h"
#include "millrace/v1/catalog_service.pb.h"
#include "millrace/v1/exception_service.pb.h"
#include "millrace/v1/job.pb.h"
#include "millrace/v1/job_service.pb.h"
#include "millrace/v1/pipeline_service.pb.h"
#include "millrace/v1/schedule_service.pb.h"

namespace millrace::client {

/// Carries calls to a server. Thread-safe. The protos document each RPC and its errors; errors.h reads their details.
class Connection {
 public:
  virtual ~Connection() = default;

  virtual absl::StatusOr<v1::Job> CreatePipeline(const v1::CreatePipelineRequest& request,
                                                 const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::PushResponse> Push(const v1::PushRequest& request, const CallOptions& options) = 0;
  /// Never null: a call that cannot be made is over from the beginning.
  virtual std::unique_ptr<PushStreamCall> PushStream(const CallOptions& options) = 0;
  virtual std::unique_ptr<PullStreamCall> PullStream(const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::PullResponse> Pull(const v1::PullRequest& request, const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::AcknowledgeResponse> Acknowledge(const v1::AcknowledgeRequest& request,
                                                              const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::Job> ClosePipeline(const v1::ClosePipelineRequest& request,
                                                const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::Job> CancelPipeline(const v1::CancelPipelineRequest& request,
                                                 const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::PipelineStatus> GetPipelineStatus(const v1::GetPipelineStatusRequest& request,
                                                               const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::DescribePipelinesResponse> DescribePipelines(const v1::DescribePipelinesRequest& request,
                                                                          const CallOptions& options) = 0;

  virtual absl::StatusOr<v1::ServiceVersion> CreateServiceVersion(const v1::CreateServiceVersionRequest& request,
                                                                  const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::ServiceVersion> GetServiceVersion(const v1::GetServiceVersionRequest& request,
                                                               const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::ListServicesResponse> ListServices(const v1::ListServicesRequest& request,
                                                                const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::ListServiceVersionsResponse> ListServiceVersions(
      const v1::ListServiceVersionsRequest& request, const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::DeleteServiceVersionResponse> DeleteServiceVersion(
      const v1::DeleteServiceVersionRequest& request, const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::TestServiceResponse> TestService(const v1::TestServiceRequest& request,
                                                              const CallOptions& options) = 0;

  virtual absl::StatusOr<v1::Job> SubmitJob(const v1::SubmitJobRequest& request, const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::Job> GetJob(const v1::GetJobRequest& request, const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::ListJobsResponse> ListJobs(const v1::ListJobsRequest& request,
                                                        const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::GetStatisticsResponse> GetStatistics(const v1::GetStatisticsRequest& request,
                                                                  const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::ExplainJobResponse> ExplainJob(const v1::ExplainJobRequest& request,
                                                            const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::ListRecordsResponse> ListRecords(const v1::ListRecordsRequest& request,
                                                              const CallOptions& options) = 0;
  virtual std::unique_ptr<ExportJobCall> ExportJob(const v1::ExportJobRequest& request, const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::JobStatistics> GetJobStatistics(const v1::GetJobStatisticsRequest& request,
                                                             const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::ListChunksResponse> ListChunks(const v1::ListChunksRequest& request,
                                                            const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::CompareJobResponse> CompareJob(const v1::CompareJobRequest& request,
                                                            const CallOptions& options) = 0;
  virtual std::unique_ptr<WatchJobCall> WatchJob(const v1::WatchJobRequest& request, const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::ListJobEventsResponse> ListJobEvents(const v1::ListJobEventsRequest& request,
                                                                  const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::Job> UpdateJob(const v1::UpdateJobRequest& request, const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::Job> PauseJob(const v1::PauseJobRequest& request, const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::Job> ContinueJob(const v1::ContinueJobRequest& request, const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::RetryJobResponse> RetryJob(const v1::RetryJobRequest& request,
                                                        const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::Job> ResumeJob(const v1::ResumeJobRequest& request, const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::DeleteJobResponse> DeleteJob(const v1::DeleteJobRequest& request,
                                                          const CallOptions& options) = 0;

  virtual absl::StatusOr<v1::Schedule> CreateSchedule(const v1::CreateScheduleRequest& request,
                                                      const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::Schedule> GetSchedule(const v1::GetScheduleRequest& request,
                                                   const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::ListSchedulesResponse> ListSchedules(const v1::ListSchedulesRequest& request,
                                                                  const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::Schedule> UpdateSchedule(const v1::UpdateScheduleRequest& request,
                                                      const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::DeleteScheduleResponse> DeleteSchedule(const v1::DeleteScheduleRequest& request,
                                                                    const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::Schedule> PauseSchedule(const v1::PauseScheduleRequest& request,
                                                     const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::Schedule> ResumeSchedule(const v1::ResumeScheduleRequest& request,
                                                      const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::ScheduleRun> TriggerSchedule(const v1::TriggerScheduleRequest& request,
                                                          const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::ListScheduleRunsResponse> ListScheduleRuns(const v1::ListScheduleRunsRequest& request,
                                                                        const CallOptions& options) = 0;

  virtual absl::StatusOr<v1::ListExceptionsResponse> ListExceptions(const v1::ListExceptionsRequest& request,
                                                                    const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::ListExceptionGroupsResponse> ListExceptionGroups(
      const v1::ListExceptionGroupsRequest& request, const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::RecordException> GetException(const v1::GetExceptionRequest& request,
                                                           const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::RecordException> ResolveException(const v1::ResolveExceptionRequest& request,
                                                               const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::ReprocessExceptionsResponse> ReprocessExceptions(
      const v1::ReprocessExceptionsRequest& request, const CallOptions& options) = 0;

  virtual absl::StatusOr<v1::Backup> CreateBackup(const v1::CreateBackupRequest& request,
                                                  const CallOptions& options) = 0;

  /// Asks grpc.health.v1.Health about the server as a whole. OK when it serves, UNAVAILABLE otherwise.
  virtual absl::Status CheckHealth(const CallOptions& options) = 0;
};

/// A connection over gRPC that retries as `options` say. Connects with the first call, and again whenever the server
/// comes back. INVALID_ARGUMENT when the options are not valid.
absl::StatusOr<std::shared_ptr<Connection>> MakeConnection(const ClientOptions& options);

}  // namespace millrace::client
