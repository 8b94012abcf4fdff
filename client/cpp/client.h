// The face of the SDK: one method an RPC of the pipeline, catalog, job, schedule, exception and admin services.
//
// pipeline.h, pusher.h and puller.h build the usual way through a pipeline on top of it.
#pragma once

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/cpp/connection.h"
#include "client/cpp/options.h"
#include "client/cpp/paginated.h"
#include "client/cpp/stream.h"

namespace millrace::client {

/// A client of one server. Cheap to copy (copies share their connection) and thread-safe.
///
/// Calls block until they are answered, repeated if need be as RetryOptions say. The protos document each RPC with its
/// errors; errors.h reads the reason and the details of an error.
///
///   absl::StatusOr<Client> client = Client::Connect({.endpoint = "millrace.example:7400"});
///   absl::StatusOr<v1::Job> job = client->GetJob(request);
///   if (!job.ok() && ErrorReasonOf(job.status()) == v1::PIPELINE_NOT_FOUND) …
class Client {
 public:
  /// A client that connects with its first call: succeeds also while no server runs. INVALID_ARGUMENT when the options
  /// are not valid.
  static absl::StatusOr<Client> Connect(const ClientOptions& options = {});

  /// A client over a connection of one's own, which tests make from mocks/mock_connection.h. Must not be null.
  explicit Client(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}

  // PipelineService. Pipeline (pipeline.h) is the comfortable way to these.

  /// Safe to repeat, and repeated, only with `request_id`.
  absl::StatusOr<v1::Job> CreatePipeline(const v1::CreatePipelineRequest& request,
                                         const CallOptions& options = {}) const;
  /// Safe to repeat, and repeated, only with an id for each chunk or a `request_id`. Waits while the input buffer of
  /// the pipeline is full (RetryOptions::max_wait_for_room).
  absl::StatusOr<v1::PushResponse> Push(const v1::PushRequest& request, const CallOptions& options = {}) const;
  /// One attempt, never repeated. Pusher and Puller mend streams that break. Never null: the stream says what is wrong.
  std::unique_ptr<PushStreamCall> PushStream(const CallOptions& options = {}) const;
  std::unique_ptr<PullStreamCall> PullStream(const CallOptions& options = {}) const;
  /// Safe to repeat, and repeated, but with `auto_acknowledge` only when `after` is set too.
  absl::StatusOr<v1::PullResponse> Pull(const v1::PullRequest& request, const CallOptions& options = {}) const;
  absl::StatusOr<v1::AcknowledgeResponse> Acknowledge(const v1::AcknowledgeRequest& request,
                                                      const CallOptions& options = {}) const;
  absl::StatusOr<v1::Job> ClosePipeline(const v1::ClosePipelineRequest& request, const CallOptions& options = {}) const;
  absl::StatusOr<v1::Job> CancelPipeline(const v1::CancelPipelineRequest& request,
                                         const CallOptions& options = {}) const;
  absl::StatusOr<v1::PipelineStatus> GetPipelineStatus(const v1::GetPipelineStatusRequest& request,
                                                       const CallOptions& options = {}) const;
  absl::StatusOr<v1::DescribePipelinesResponse> DescribePipelines(const v1::DescribePipelinesRequest& request = {},
                                                                  const CallOptions& options = {}) const;

  // CatalogService.

  absl::StatusOr<v1::ServiceVersion> CreateServiceVersion(const v1::CreateServiceVersionRequest& request,
                                                          const CallOptions& options = {}) const;
  absl::StatusOr<v1::ServiceVersion> GetServiceVersion(const v1::GetServiceVersionRequest& request,
                                                       const CallOptions& options = {}) const;
  /// One page.
  absl::StatusOr<v1::ListServicesResponse> ListServices(const v1::ListServicesRequest& request = {},
                                                        const CallOptions& options = {}) const;
  /// One page.
  absl::StatusOr<v1::ListServiceVersionsResponse> ListServiceVersions(const v1::ListServiceVersionsRequest& request,
                                                                      const CallOptions& options = {}) const;
  /// When a reply is lost and the call repeated, the answer is SERVICE_VERSION_NOT_FOUND: the version is gone.
  absl::StatusOr<v1::DeleteServiceVersionResponse> DeleteServiceVersion(const v1::DeleteServiceVersionRequest& request,
                                                                        const CallOptions& options = {}) const;
  absl::StatusOr<v1::TestServiceResponse> TestService(const v1::TestServiceRequest& request,
                                                      const CallOptions& options = {}) const;

  // JobService.

  /// Starts a job whose records the server reads from a source. Safe to repeat, and repeated, only with `request_id`.
  absl::StatusOr<v1::Job> SubmitJob(const v1::SubmitJobRequest& request, const CallOptions& options = {}) const;
  absl::StatusOr<v1::Job> GetJob(const v1::GetJobRequest& request, const CallOptions& options = {}) const;
  /// One page.
  absl::StatusOr<v1::ListJobsResponse> ListJobs(const v1::ListJobsRequest& request = {},
                                                const CallOptions& options = {}) const;
  /// All jobs of the tenant in numbers.
  absl::StatusOr<v1::GetStatisticsResponse> GetStatistics(const v1::GetStatisticsRequest& request = {},
                                                          const CallOptions& options = {}) const;
  /// Why the job, or one of its chunks, does or does not run at this moment.
  absl::StatusOr<v1::ExplainJobResponse> ExplainJob(const v1::ExplainJobRequest& request,
                                                    const CallOptions& options = {}) const;
  /// One page.
  absl::StatusOr<v1::ListRecordsResponse> ListRecords(const v1::ListRecordsRequest& request,
                                                      const CallOptions& options = {}) const;
  /// The records of a job as a file. When the stream breaks, call again with `resume_token` of the last piece.
  std::unique_ptr<ExportJobCall> ExportJob(const v1::ExportJobRequest& request, const CallOptions& options = {}) const;
  /// How far the job is, how fast it goes, and what each node of its service did.
  absl::StatusOr<v1::JobStatistics> GetJobStatistics(const v1::GetJobStatisticsRequest& request,
                                                     const CallOptions& options = {}) const;
  /// One page.
  absl::StatusOr<v1::ListChunksResponse> ListChunks(const v1::ListChunksRequest& request,
                                                    const CallOptions& options = {}) const;
  /// Tells about a job until it ends. When the stream breaks, call again with `last_event` of the last message.
  std::unique_ptr<WatchJobCall> WatchJob(const v1::WatchJobRequest& request, const CallOptions& options = {}) const;
  /// Runs a sample of a job under other code and says what differs. Changes nothing.
  absl::StatusOr<v1::CompareJobResponse> CompareJob(const v1::CompareJobRequest& request,
                                                    const CallOptions& options = {}) const;
  /// One page of what happened to a job, oldest first.
  absl::StatusOr<v1::ListJobEventsResponse> ListJobEvents(const v1::ListJobEventsRequest& request,
                                                          const CallOptions& options = {}) const;
  /// Changes the fields that `update_mask` names. Safe to repeat.
  absl::StatusOr<v1::Job> UpdateJob(const v1::UpdateJobRequest& request, const CallOptions& options = {}) const;
  /// Starts no chunk of the job until it is resumed. Safe to repeat, the first reason stays.
  absl::StatusOr<v1::Job> PauseJob(const v1::PauseJobRequest& request, const CallOptions& options = {}) const;
  /// Lets a paused job go on. Safe to repeat.
  absl::StatusOr<v1::Job> ResumeJob(const v1::ResumeJobRequest& request, const CallOptions& options = {}) const;
  /// Runs what the sample of a job left out of its source. Safe to repeat.
  absl::StatusOr<v1::Job> ContinueJob(const v1::ContinueJobRequest& request, const CallOptions& options = {}) const;
  /// Runs records again that failed or ran under other code, or takes up a job that was cancelled. Safe to repeat: what waits
  /// already is passed over. A large job is taken in parts; see `RetryJobResponse.more`.
  absl::StatusOr<v1::RetryJobResponse> RetryJob(const v1::RetryJobRequest& request,
                                                const CallOptions& options = {}) const;
  /// When a reply is lost and the call repeated, the answer is PIPELINE_NOT_FOUND: the job is gone.
  absl::StatusOr<v1::DeleteJobResponse> DeleteJob(const v1::DeleteJobRequest& request,
                                                  const CallOptions& options = {}) const;

  // ScheduleService.

  /// Safe to repeat.
  absl::StatusOr<v1::Schedule> CreateSchedule(const v1::CreateScheduleRequest& request,
                                              const CallOptions& options = {}) const;
  absl::StatusOr<v1::Schedule> GetSchedule(const v1::GetScheduleRequest& request,
                                           const CallOptions& options = {}) const;
  /// One page, without the sources of the jobs.
  absl::StatusOr<v1::ListSchedulesResponse> ListSchedules(const v1::ListSchedulesRequest& request = {},
                                                          const CallOptions& options = {}) const;
  /// Changes the fields that `update_mask` names. Safe to repeat.
  absl::StatusOr<v1::Schedule> UpdateSchedule(const v1::UpdateScheduleRequest& request,
                                              const CallOptions& options = {}) const;
  /// Its jobs stay.
  absl::StatusOr<v1::DeleteScheduleResponse> DeleteSchedule(const v1::DeleteScheduleRequest& request,
                                                            const CallOptions& options = {}) const;
  /// Keeps it from firing until it is resumed. Safe to repeat, the first reason stays.
  absl::StatusOr<v1::Schedule> PauseSchedule(const v1::PauseScheduleRequest& request,
                                             const CallOptions& options = {}) const;
  /// Safe to repeat.
  absl::StatusOr<v1::Schedule> ResumeSchedule(const v1::ResumeScheduleRequest& request,
                                              const CallOptions& options = {}) const;
  /// Makes a run by hand. Safe to repeat, and repeated, only with `request_id`.
  absl::StatusOr<v1::ScheduleRun> TriggerSchedule(const v1::TriggerScheduleRequest& request,
                                                  const CallOptions& options = {}) const;
  /// One page of its history, newest first.
  absl::StatusOr<v1::ListScheduleRunsResponse> ListScheduleRuns(const v1::ListScheduleRunsRequest& request,
                                                                const CallOptions& options = {}) const;

  // ExceptionService.

  /// One page.
  absl::StatusOr<v1::ListExceptionsResponse> ListExceptions(const v1::ListExceptionsRequest& request,
                                                            const CallOptions& options = {}) const;
  /// One page.
  absl::StatusOr<v1::ListExceptionGroupsResponse> ListExceptionGroups(const v1::ListExceptionGroupsRequest& request,
                                                                      const CallOptions& options = {}) const;
  absl::StatusOr<v1::RecordException> GetException(const v1::GetExceptionRequest& request,
                                                   const CallOptions& options = {}) const;
  /// When a reply is lost and the call repeated, the answer is EXCEPTION_SETTLED: it was done.
  absl::StatusOr<v1::RecordException> ResolveException(const v1::ResolveExceptionRequest& request,
                                                       const CallOptions& options = {}) const;
  /// One part. While the answer says that there is more, call again with its `up_to_sequence`.
  absl::StatusOr<v1::ReprocessExceptionsResponse> ReprocessExceptions(const v1::ReprocessExceptionsRequest& request,
                                                                      const CallOptions& options = {}) const;

  // AdminService.

  /// Never repeated: after a lost reply the name may be taken. Waits up to two hours.
  absl::StatusOr<v1::Backup> CreateBackup(const v1::CreateBackupRequest& request,
                                          const CallOptions& options = {}) const;

  // All pages of a list as one range. `request` may say how large pages are and where to start.

  Paginated<v1::ServiceSummary> AllServices(v1::ListServicesRequest request = {}, CallOptions options = {}) const;
  Paginated<v1::ServiceVersion> AllServiceVersions(v1::ListServiceVersionsRequest request,
                                                   CallOptions options = {}) const;
  Paginated<v1::Job> AllJobs(v1::ListJobsRequest request = {}, CallOptions options = {}) const;
  Paginated<v1::Record> AllRecords(v1::ListRecordsRequest request, CallOptions options = {}) const;
  Paginated<v1::ChunkInfo> AllChunks(v1::ListChunksRequest request, CallOptions options = {}) const;
  Paginated<v1::JobEvent> AllJobEvents(v1::ListJobEventsRequest request, CallOptions options = {}) const;
  Paginated<v1::Schedule> AllSchedules(v1::ListSchedulesRequest request = {}, CallOptions options = {}) const;
  Paginated<v1::ScheduleRun> AllScheduleRuns(v1::ListScheduleRunsRequest request, CallOptions options = {}) const;
  Paginated<v1::RecordException> AllExceptions(v1::ListExceptionsRequest request, CallOptions options = {}) const;
  Paginated<v1::ExceptionGroup> AllExceptionGroups(v1::ListExceptionGroupsRequest request,
                                                   CallOptions options = {}) const;

  /// OK when the server is ready to serve; UNAVAILABLE when it is not or cannot be reached. Never repeated: the answer
  /// is about this moment.
  absl::Status CheckHealth(const CallOptions& options = {}) const;

 private:
  std::shared_ptr<Connection> connection_;
};

}  // namespace millrace::client
