#include "client/cpp/internal/retrying_connection.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "client/cpp/internal/grpc_connection.h"
#include "client/cpp/internal/retry_controller.h"

namespace millrace::client::internal {
namespace {

// Which calls a second attempt leaves unchanged. All others are so by nature: they read, or name the state to reach.

bool IsIdempotent(const v1::CreatePipelineRequest& request) { return !request.request_id().empty(); }

bool IsIdempotent(const v1::SubmitJobRequest& request) { return !request.request_id().empty(); }

bool IsIdempotent(const v1::PushRequest& request) {
  if (!request.request_id().empty()) return true;
  return request.chunks_size() > 0 && std::none_of(request.chunks().begin(), request.chunks().end(),
                                                   [](const v1::Chunk& chunk) { return chunk.id().empty(); });
}

bool IsIdempotent(const v1::TriggerScheduleRequest& request) { return !request.request_id().empty(); }

// What a lost reply acknowledged would be skipped without `after`.
bool IsIdempotent(const v1::PullRequest& request) { return !request.auto_acknowledge() || request.has_after(); }

// The second one would find its own name taken.
bool IsIdempotent(const v1::CreateBackupRequest&) { return false; }

template <typename Request>
bool IsIdempotent(const Request&) {
  return true;
}

class RetryingConnection final : public Connection {
 public:
  RetryingConnection(std::shared_ptr<Connection> inner, const ClientOptions& options, const ServiceConfig& config)
      : inner_(std::move(inner)),
        retry_(options.retry),
        clock_(options.clock == nullptr ? SystemClock() : options.clock),
        config_(config) {}

  absl::StatusOr<v1::Job> CreatePipeline(const v1::CreatePipelineRequest& request,
                                         const CallOptions& options) override {
    return Repeat(method::kCreatePipeline, &Connection::CreatePipeline, request, options);
  }
  absl::StatusOr<v1::PushResponse> Push(const v1::PushRequest& request, const CallOptions& options) override {
    return Repeat(method::kPush, &Connection::Push, request, options);
  }
  // What to send again is known to those who use a stream.
  std::unique_ptr<PushStreamCall> PushStream(const CallOptions& options) override {
    return inner_->PushStream(options);
  }
  std::unique_ptr<PullStreamCall> PullStream(const CallOptions& options) override {
    return inner_->PullStream(options);
  }
  absl::StatusOr<v1::PullResponse> Pull(const v1::PullRequest& request, const CallOptions& options) override {
    return Repeat(method::kPull, &Connection::Pull, request, options);
  }
  absl::StatusOr<v1::AcknowledgeResponse> Acknowledge(const v1::AcknowledgeRequest& request,
                                                      const CallOptions& options) override {
    return Repeat(method::kAcknowledge, &Connection::Acknowledge, request, options);
  }
  absl::StatusOr<v1::Job> ClosePipeline(const v1::ClosePipelineRequest& request, const CallOptions& options) override {
    return Repeat(method::kClosePipeline, &Connection::ClosePipeline, request, options);
  }
  absl::StatusOr<v1::Job> CancelPipeline(const v1::CancelPipelineRequest& request,
                                         const CallOptions& options) override {
    return Repeat(method::kCancelPipeline, &Connection::CancelPipeline, request, options);
  }
  absl::StatusOr<v1::PipelineStatus> GetPipelineStatus(const v1::GetPipelineStatusRequest& request,
                                                       const CallOptions& options) override {
    return Repeat(method::kGetPipelineStatus, &Connection::GetPipelineStatus, request, options);
  }
  absl::StatusOr<v1::DescribePipelinesResponse> DescribePipelines(const v1::DescribePipelinesRequest& request,
                                                                  const CallOptions& options) override {
    return Repeat(method::kDescribePipelines, &Connection::DescribePipelines, request, options);
  }

  absl::StatusOr<v1::ServiceVersion> CreateServiceVersion(const v1::CreateServiceVersionRequest& request,
                                                          const CallOptions& options) override {
    return Repeat(method::kCreateServiceVersion, &Connection::CreateServiceVersion, request, options);
  }
  absl::StatusOr<v1::ServiceVersion> GetServiceVersion(const v1::GetServiceVersionRequest& request,
                                                       const CallOptions& options) override {
    return Repeat(method::kGetServiceVersion, &Connection::GetServiceVersion, request, options);
  }
  absl::StatusOr<v1::ListServicesResponse> ListServices(const v1::ListServicesRequest& request,
                                                        const CallOptions& options) override {
    return Repeat(method::kListServices, &Connection::ListServices, request, options);
  }
  absl::StatusOr<v1::ListServiceVersionsResponse> ListServiceVersions(const v1::ListServiceVersionsRequest& request,
                                                                      const CallOptions& options) override {
    return Repeat(method::kListServiceVersions, &Connection::ListServiceVersions, request, options);
  }
  absl::StatusOr<v1::DeleteServiceVersionResponse> DeleteServiceVersion(const v1::DeleteServiceVersionRequest& request,
                                                                        const CallOptions& options) override {
    return Repeat(method::kDeleteServiceVersion, &Connection::DeleteServiceVersion, request, options);
  }
  absl::StatusOr<v1::TestServiceResponse> TestService(const v1::TestServiceRequest& request,
                                                      const CallOptions& options) override {
    return Repeat(method::kTestService, &Connection::TestService, request, options);
  }

  absl::StatusOr<v1::Job> SubmitJob(const v1::SubmitJobRequest& request, const CallOptions& options) override {
    return Repeat(method::kSubmitJob, &Connection::SubmitJob, request, options);
  }
  absl::StatusOr<v1::Job> GetJob(const v1::GetJobRequest& request, const CallOptions& options) override {
    return Repeat(method::kGetJob, &Connection::GetJob, request, options);
  }
  absl::StatusOr<v1::ListJobsResponse> ListJobs(const v1::ListJobsRequest& request,
                                                const CallOptions& options) override {
    return Repeat(method::kListJobs, &Connection::ListJobs, request, options);
  }
  absl::StatusOr<v1::GetStatisticsResponse> GetStatistics(const v1::GetStatisticsRequest& request,
                                                          const CallOptions& options) override {
    return Repeat(method::kGetStatistics, &Connection::GetStatistics, request, options);
  }
  absl::StatusOr<v1::ExplainJobResponse> ExplainJob(const v1::ExplainJobRequest& request,
                                                    const CallOptions& options) override {
    return Repeat(method::kExplainJob, &Connection::ExplainJob, request, options);
  }
  absl::StatusOr<v1::ListRecordsResponse> ListRecords(const v1::ListRecordsRequest& request,
                                                      const CallOptions& options) override {
    return Repeat(method::kListRecords, &Connection::ListRecords, request, options);
  }
  std::unique_ptr<ExportJobCall> ExportJob(const v1::ExportJobRequest& request, const CallOptions& options) override {
    return inner_->ExportJob(request, options);
  }
  absl::StatusOr<v1::JobStatistics> GetJobStatistics(const v1::GetJobStatisticsRequest& request,
                                                     const CallOptions& options) override {
    return Repeat(method::kGetJobStatistics, &Connection::GetJobStatistics, request, options);
  }
  absl::StatusOr<v1::ListChunksResponse> ListChunks(const v1::ListChunksRequest& request,
                                                    const CallOptions& options) override {
    return Repeat(method::kListChunks, &Connection::ListChunks, request, options);
  }
  absl::StatusOr<v1::CompareJobResponse> CompareJob(const v1::CompareJobRequest& request,
                                                    const CallOptions& options) override {
    return Repeat(method::kCompareJob, &Connection::CompareJob, request, options);
  }
  std::unique_ptr<WatchJobCall> WatchJob(const v1::WatchJobRequest& request, const CallOptions& options) override {
    return inner_->WatchJob(request, options);
  }
  absl::StatusOr<v1::ListJobEventsResponse> ListJobEvents(const v1::ListJobEventsRequest& request,
                                                          const CallOptions& options) override {
    return Repeat(method::kListJobEvents, &Connection::ListJobEvents, request, options);
  }
  absl::StatusOr<v1::Job> UpdateJob(const v1::UpdateJobRequest& request, const CallOptions& options) override {
    return Repeat(method::kUpdateJob, &Connection::UpdateJob, request, options);
  }
  absl::StatusOr<v1::Job> PauseJob(const v1::PauseJobRequest& request, const CallOptions& options) override {
    return Repeat(method::kPauseJob, &Connection::PauseJob, request, options);
  }
  absl::StatusOr<v1::Job> ContinueJob(const v1::ContinueJobRequest& request, const CallOptions& options) override {
    return Repeat(method::kContinueJob, &Connection::ContinueJob, request, options);
  }
  absl::StatusOr<v1::RetryJobResponse> RetryJob(const v1::RetryJobRequest& request,
                                                const CallOptions& options) override {
    return Repeat(method::kRetryJob, &Connection::RetryJob, request, options);
  }
  absl::StatusOr<v1::Job> ResumeJob(const v1::ResumeJobRequest& request, const CallOptions& options) override {
    return Repeat(method::kResumeJob, &Connection::ResumeJob, request, options);
  }
  absl::StatusOr<v1::DeleteJobResponse> DeleteJob(const v1::DeleteJobRequest& request,
                                                  const CallOptions& options) override {
    return Repeat(method::kDeleteJob, &Connection::DeleteJob, request, options);
  }

  absl::StatusOr<v1::Schedule> CreateSchedule(const v1::CreateScheduleRequest& request,
                                              const CallOptions& options) override {
    return Repeat(method::kCreateSchedule, &Connection::CreateSchedule, request, options);
  }
  absl::StatusOr<v1::Schedule> GetSchedule(const v1::GetScheduleRequest& request, const CallOptions& options) override {
    return Repeat(method::kGetSchedule, &Connection::GetSchedule, request, options);
  }
  absl::StatusOr<v1::ListSchedulesResponse> ListSchedules(const v1::ListSchedulesRequest& request,
                                                          const CallOptions& options) override {
    return Repeat(method::kListSchedules, &Connection::ListSchedules, request, options);
  }
  absl::StatusOr<v1::Schedule> UpdateSchedule(const v1::UpdateScheduleRequest& request,
                                              const CallOptions& options) override {
    return Repeat(method::kUpdateSchedule, &Connection::UpdateSchedule, request, options);
  }
  absl::StatusOr<v1::DeleteScheduleResponse> DeleteSchedule(const v1::DeleteScheduleRequest& request,
                                                            const CallOptions& options) override {
    return Repeat(method::kDeleteSchedule, &Connection::DeleteSchedule, request, options);
  }
  absl::StatusOr<v1::Schedule> PauseSchedule(const v1::PauseScheduleRequest& request,
                                             const CallOptions& options) override {
    return Repeat(method::kPauseSchedule, &Connection::PauseSchedule, request, options);
  }
  absl::StatusOr<v1::Schedule> ResumeSchedule(const v1::ResumeScheduleRequest& request,
                                              const CallOptions& options) override {
    return Repeat(method::kResumeSchedule, &Connection::ResumeSchedule, request, options);
  }
  absl::StatusOr<v1::ScheduleRun> TriggerSchedule(const v1::TriggerScheduleRequest& request,
                                                  const CallOptions& options) override {
    return Repeat(method::kTriggerSchedule, &Connection::TriggerSchedule, request, options);
  }
  absl::StatusOr<v1::ListScheduleRunsResponse> ListScheduleRuns(const v1::ListScheduleRunsRequest& request,
                                                                const CallOptions& options) override {
    return Repeat(method::kListScheduleRuns, &Connection::ListScheduleRuns, request, options);
  }

  absl::StatusOr<v1::ListExceptionsResponse> ListExceptions(const v1::ListExceptionsRequest& request,
                                                            const CallOptions& options) override {
    return Repeat(method::kListExceptions, &Connection::ListExceptions, request, options);
  }
  absl::StatusOr<v1::ListExceptionGroupsResponse> ListExceptionGroups(const v1::ListExceptionGroupsRequest& request,
                                                                      const CallOptions& options) override {
    return Repeat(method::kListExceptionGroups, &Connection::ListExceptionGroups, request, options);
  }
  absl::StatusOr<v1::RecordException> GetException(const v1::GetExceptionRequest& request,
                                                   const CallOptions& options) override {
    return Repeat(method::kGetException, &Connection::GetException, request, options);
  }
  absl::StatusOr<v1::RecordException> ResolveException(const v1::ResolveExceptionRequest& request,
                                                       const CallOptions& options) override {
    return Repeat(method::kResolveException, &Connection::ResolveException, request, options);
  }
  absl::StatusOr<v1::ReprocessExceptionsResponse> ReprocessExceptions(const v1::ReprocessExceptionsRequest& request,
                                                                      const CallOptions& options) override {
    return Repeat(method::kReprocessExceptions, &Connection::ReprocessExceptions, request, options);
  }

  absl::StatusOr<v1::Backup> CreateBackup(const v1::CreateBackupRequest& request, const CallOptions& options) override {
    return Repeat(method::kCreateBackup, &Connection::CreateBackup, request, options);
  }

  // Asked about this moment, so the first answer is the right one.
  absl::Status CheckHealth(const CallOptions& options) override { return inner_->CheckHealth(options); }

 private:
  template <typename Request, typename Response>
  absl::StatusOr<Response> Repeat(std::string_view method,
                                  absl::StatusOr<Response> (Connection::*rpc)(const Request&, const CallOptions&),
                                  const Request& request, const CallOptions& options) {
    // Made at the first failure: most calls have none.
    std::optional<RetryController> retry;
    for (;;) {
      if (options.stop.stop_requested()) return absl::CancelledError("stopped by the caller");
      absl::StatusOr<Response> response = ((*inner_).*rpc)(request, options);
      if (response.ok()) return response;
      if (!retry.has_value()) retry.emplace(retry_, config_.Find(method), IsIdempotent(request));
      const absl::StatusOr<absl::Duration> wait = retry->OnFailure(response.status(), clock_->Elapsed());
      if (!wait.ok()) return wait.status();
      if (retry_.on_retry) retry_.on_retry(response.status(), *wait);
      clock_->Sleep(*wait, options.stop);
    }
  }

  const std::shared_ptr<Connection> inner_;
  const RetryOptions retry_;
  Clock* const clock_;
  const ServiceConfig config_;
};

}  // namespace

std::shared_ptr<Connection> MakeRetryingConnection(std::shared_ptr<Connection> inner, const ClientOptions& options,
                                                   const ServiceConfig& config) {
  return std::make_shared<RetryingConnection>(std::move(inner), options, config);
}

}  // namespace millrace::client::internal
