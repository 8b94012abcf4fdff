#include "client/cpp/client.h"

#include <iterator>
#include <string>
#include <vector>

namespace millrace::client {
namespace {

// All pages of one list: `call` makes the request for a page, `elements` names the list within the reply.
template <typename T, typename Request, typename Response>
Paginated<T> AllPages(const std::shared_ptr<Connection>& connection,
                      absl::StatusOr<Response> (Connection::*call)(const Request&, const CallOptions&),
                      google::protobuf::RepeatedPtrField<T>* (Response::*elements)(), Request request,
                      CallOptions options) {
  auto load = [=](const std::string& page_token) mutable -> absl::StatusOr<typename Paginated<T>::Page> {
    // The empty token is that of the first page, which the caller may have chosen.
    if (!page_token.empty()) request.set_page_token(page_token);
    absl::StatusOr<Response> response = ((*connection).*call)(request, options);
    if (!response.ok()) return response.status();
    auto& loaded = *((*response).*elements)();
    return typename Paginated<T>::Page{
        .elements = std::vector<T>(std::make_move_iterator(loaded.begin()), std::make_move_iterator(loaded.end())),
        .next_page_token = response->next_page_token()};
  };
  return Paginated<T>(std::move(load));
}

}  // namespace

absl::StatusOr<Client> Client::Connect(const ClientOptions& options) {
  absl::StatusOr<std::shared_ptr<Connection>> connection = MakeConnection(options);
  if (!connection.ok()) return connection.status();
  return Client(*std::move(connection));
}

absl::StatusOr<v1::Job> Client::CreatePipeline(const v1::CreatePipelineRequest& request,
                                               const CallOptions& options) const {
  return connection_->CreatePipeline(request, options);
}

absl::StatusOr<v1::PushResponse> Client::Push(const v1::PushRequest& request, const CallOptions& options) const {
  return connection_->Push(request, options);
}

std::unique_ptr<PushStreamCall> Client::PushStream(const CallOptions& options) const {
  return connection_->PushStream(options);
}
std::unique_ptr<PullStreamCall> Client::PullStream(const CallOptions& options) const {
  return connection_->PullStream(options);
}
absl::StatusOr<v1::PullResponse> Client::Pull(const v1::PullRequest& request, const CallOptions& options) const {
  return connection_->Pull(request, options);
}

absl::StatusOr<v1::AcknowledgeResponse> Client::Acknowledge(const v1::AcknowledgeRequest& request,
                                                            const CallOptions& options) const {
  return connection_->Acknowledge(request, options);
}

absl::StatusOr<v1::Job> Client::ClosePipeline(const v1::ClosePipelineRequest& request,
                                              const CallOptions& options) const {
  return connection_->ClosePipeline(request, options);
}

absl::StatusOr<v1::Job> Client::CancelPipeline(const v1::CancelPipelineRequest& request,
                                               const CallOptions& options) const {
  return connection_->CancelPipeline(request, options);
}

absl::StatusOr<v1::PipelineStatus> Client::GetPipelineStatus(const v1::GetPipelineStatusRequest& request,
                                                             const CallOptions& options) const {
  return connection_->GetPipelineStatus(request, options);
}

absl::StatusOr<v1::DescribePipelinesResponse> Client::DescribePipelines(const v1::DescribePipelinesRequest& request,
                                                                        const CallOptions& options) const {
  return connection_->DescribePipelines(request, options);
}

absl::StatusOr<v1::ServiceVersion> Client::CreateServiceVersion(const v1::CreateServiceVersionRequest& request,
                                                                const CallOptions& options) const {
  return connection_->CreateServiceVersion(request, options);
}

absl::StatusOr<v1::ServiceVersion> Client::GetServiceVersion(const v1::GetServiceVersionRequest& request,
                                                             const CallOptions& options) const {
  return connection_->GetServiceVersion(request, options);
}

absl::StatusOr<v1::ListServicesResponse> Client::ListServices(const v1::ListServicesRequest& request,
                                                              const CallOptions& options) const {
  return connection_->ListServices(request, options);
}

absl::StatusOr<v1::ListServiceVersionsResponse> Client::ListServiceVersions(
    const v1::ListServiceVersionsRequest& request, const CallOptions& options) const {
  return connection_->ListServiceVersions(request, options);
}

absl::StatusOr<v1::DeleteServiceVersionResponse> Client::DeleteServiceVersion(
    const v1::DeleteServiceVersionRequest& request, const CallOptions& options) const {
  return connection_->DeleteServiceVersion(request, options);
}

absl::StatusOr<v1::TestServiceResponse> Client::TestService(const v1::TestServiceRequest& request,
                                                            const CallOptions& options) const {
  return connection_->TestService(request, options);
}

absl::StatusOr<v1::Job> Client::SubmitJob(const v1::SubmitJobRequest& request, const CallOptions& options) const {
  return connection_->SubmitJob(request, options);
}

absl::StatusOr<v1::Job> Client::GetJob(const v1::GetJobRequest& request, const CallOptions& options) const {
  return connection_->GetJob(request, options);
}

absl::StatusOr<v1::ListJobsResponse> Client::ListJobs(const v1::ListJobsRequest& request,
                                                      const CallOptions& options) const {
  return connection_->ListJobs(request, options);
}

absl::StatusOr<v1::GetStatisticsResponse> Client::GetStatistics(const v1::GetStatisticsRequest& request,
                                                                const CallOptions& options) const {
  return connection_->GetStatistics(request, options);
}

absl::StatusOr<v1::ExplainJobResponse> Client::ExplainJob(const v1::ExplainJobRequest& request,
                                                          const CallOptions& options) const {
  return connection_->ExplainJob(request, options);
}

absl::StatusOr<v1::ListRecordsResponse> Client::ListRecords(const v1::ListRecordsRequest& request,
                                                            const CallOptions& options) const {
  return connection_->ListRecords(request, options);
}

std::unique_ptr<ExportJobCall> Client::ExportJob(const v1::ExportJobRequest& request,
                                                 const CallOptions& options) const {
  return connection_->ExportJob(request, options);
}

absl::StatusOr<v1::JobStatistics> Client::GetJobStatistics(const v1::GetJobStatisticsRequest& request,
                                                           const CallOptions& options) const {
  return connection_->GetJobStatistics(request, options);
}

absl::StatusOr<v1::ListChunksResponse> Client::ListChunks(const v1::ListChunksRequest& request,
                                                          const CallOptions& options) const {
  return connection_->ListChunks(request, options);
}

std::unique_ptr<WatchJobCall> Client::WatchJob(const v1::WatchJobRequest& request, const CallOptions& options) const {
  return connection_->WatchJob(request, options);
}

absl::StatusOr<v1::CompareJobResponse> Client::CompareJob(const v1::CompareJobRequest& request,
                                                          const CallOptions& options) const {
  return connection_->CompareJob(request, options);
}

absl::StatusOr<v1::ListJobEventsResponse> Client::ListJobEvents(const v1::ListJobEventsRequest& request,
                                                                const CallOptions& options) const {
  return connection_->ListJobEvents(request, options);
}

absl::StatusOr<v1::Job> Client::UpdateJob(const v1::UpdateJobRequest& request, const CallOptions& options) const {
  return connection_->UpdateJob(request, options);
}

absl::StatusOr<v1::Job> Client::PauseJob(const v1::PauseJobRequest& request, const CallOptions& options) const {
  return connection_->PauseJob(request, options);
}

absl::StatusOr<v1::Job> Client::ContinueJob(const v1::ContinueJobRequest& request, const CallOptions& options) const {
  return connection_->ContinueJob(request, options);
}

absl::StatusOr<v1::RetryJobResponse> Client::RetryJob(const v1::RetryJobRequest& request,
                                                      const CallOptions& options) const {
  return connection_->RetryJob(request, options);
}

absl::StatusOr<v1::Job> Client::ResumeJob(const v1::ResumeJobRequest& request, const CallOptions& options) const {
  return connection_->ResumeJob(request, options);
}

absl::StatusOr<v1::DeleteJobResponse> Client::DeleteJob(const v1::DeleteJobRequest& request,
                                                        const CallOptions& options) const {
  return connection_->DeleteJob(request, options);
}

absl::StatusOr<v1::Schedule> Client::CreateSchedule(const v1::CreateScheduleRequest& request,
                                                    const CallOptions& options) const {
  return connection_->CreateSchedule(request, options);
}

absl::StatusOr<v1::Schedule> Client::GetSchedule(const v1::GetScheduleRequest& request,
                                                 const CallOptions& options) const {
  return connection_->GetSchedule(request, options);
}

absl::StatusOr<v1::ListSchedulesResponse> Client::ListSchedules(const v1::ListSchedulesRequest& request,
                                                                const CallOptions& options) const {
  return connection_->ListSchedules(request, options);
}

absl::StatusOr<v1::Schedule> Client::UpdateSchedule(const v1::UpdateScheduleRequest& request,
                                                    const CallOptions& options) const {
  return connection_->UpdateSchedule(request, options);
}

absl::StatusOr<v1::DeleteScheduleResponse> Client::DeleteSchedule(const v1::DeleteScheduleRequest& request,
                                                                  const CallOptions& options) const {
  return connection_->DeleteSchedule(request, options);
}

absl::StatusOr<v1::Schedule> Client::PauseSchedule(const v1::PauseScheduleRequest& request,
                                                   const CallOptions& options) const {
  return connection_->PauseSchedule(request, options);
}

absl::StatusOr<v1::Schedule> Client::ResumeSchedule(const v1::ResumeScheduleRequest& request,
                                                    const CallOptions& options) const {
  return connection_->ResumeSchedule(request, options);
}

absl::StatusOr<v1::ScheduleRun> Client::TriggerSchedule(const v1::TriggerScheduleRequest& request,
                                                        const CallOptions& options) const {
  return connection_->TriggerSchedule(request, options);
}

absl::StatusOr<v1::ListScheduleRunsResponse> Client::ListScheduleRuns(const v1::ListScheduleRunsRequest& request,
                                                                      const CallOptions& options) const {
  return connection_->ListScheduleRuns(request, options);
}

absl::StatusOr<v1::ListExceptionsResponse> Client::ListExceptions(const v1::ListExceptionsRequest& request,
                                                                  const CallOptions& options) const {
  return connection_->ListExceptions(request, options);
}

absl::StatusOr<v1::Backup> Client::CreateBackup(const v1::CreateBackupRequest& request,
                                                const CallOptions& options) const {
  return connection_->CreateBackup(request, options);
}
absl::StatusOr<v1::ListExceptionGroupsResponse> Client::ListExceptionGroups(
    const v1::ListExceptionGroupsRequest& request, const CallOptions& options) const {
  return connection_->ListExceptionGroups(request, options);
}
absl::StatusOr<v1::RecordException> Client::GetException(const v1::GetExceptionRequest& request,
                                                         const CallOptions& options) const {
  return connection_->GetException(request, options);
}
absl::StatusOr<v1::RecordException> Client::ResolveException(const v1::ResolveExceptionRequest& request,
                                                             const CallOptions& options) const {
  return connection_->ResolveException(request, options);
}
absl::StatusOr<v1::ReprocessExceptionsResponse> Client::ReprocessExceptions(
    const v1::ReprocessExceptionsRequest& request, const CallOptions& options) const {
  return connection_->ReprocessExceptions(request, options);
}

Paginated<v1::ServiceSummary> Client::AllServices(v1::ListServicesRequest request, CallOptions options) const {
  return AllPages<v1::ServiceSummary>(connection_, &Connection::ListServices,
                                      &v1::ListServicesResponse::mutable_services, std::move(request),
                                      std::move(options));
}

Paginated<v1::ServiceVersion> Client::AllServiceVersions(v1::ListServiceVersionsRequest request,
                                                         CallOptions options) const {
  return AllPages<v1::ServiceVersion>(connection_, &Connection::ListServiceVersions,
                                      &v1::ListServiceVersionsResponse::mutable_versions, std::move(request),
                                      std::move(options));
}

Paginated<v1::Job> Client::AllJobs(v1::ListJobsRequest request, CallOptions options) const {
  return AllPages<v1::Job>(connection_, &Connection::ListJobs, &v1::ListJobsResponse::mutable_jobs, std::move(request),
                           std::move(options));
}

Paginated<v1::Record> Client::AllRecords(v1::ListRecordsRequest request, CallOptions options) const {
  return AllPages<v1::Record>(connection_, &Connection::ListRecords, &v1::ListRecordsResponse::mutable_records,
                              std::move(request), std::move(options));
}

Paginated<v1::ChunkInfo> Client::AllChunks(v1::ListChunksRequest request, CallOptions options) const {
  return AllPages<v1::ChunkInfo>(connection_, &Connection::ListChunks, &v1::ListChunksResponse::mutable_chunks,
                                 std::move(request), std::move(options));
}

Paginated<v1::JobEvent> Client::AllJobEvents(v1::ListJobEventsRequest request, CallOptions options) const {
  return AllPages<v1::JobEvent>(connection_, &Connection::ListJobEvents, &v1::ListJobEventsResponse::mutable_events,
                                std::move(request), std::move(options));
}

Paginated<v1::Schedule> Client::AllSchedules(v1::ListSchedulesRequest request, CallOptions options) const {
  return AllPages<v1::Schedule>(connection_, &Connection::ListSchedules, &v1::ListSchedulesResponse::mutable_schedules,
                                std::move(request), std::move(options));
}

Paginated<v1::ScheduleRun> Client::AllScheduleRuns(v1::ListScheduleRunsRequest request, CallOptions options) const {
  return AllPages<v1::ScheduleRun>(connection_, &Connection::ListScheduleRuns,
                                   &v1::ListScheduleRunsResponse::mutable_runs, std::move(request), std::move(options));
}

Paginated<v1::RecordException> Client::AllExceptions(v1::ListExceptionsRequest request, CallOptions options) const {
  return AllPages<v1::RecordException>(connection_, &Connection::ListExceptions,
                                       &v1::ListExceptionsResponse::mutable_exceptions, std::move(request),
                                       std::move(options));
}

Paginated<v1::ExceptionGroup> Client::AllExceptionGroups(v1::ListExceptionGroupsRequest request,
                                                         CallOptions options) const {
  return AllPages<v1::ExceptionGroup>(connection_, &Connection::ListExceptionGroups,
                                      &v1::ListExceptionGroupsResponse::mutable_groups, std::move(request),
                                      std::move(options));
}

absl::Status Client::CheckHealth(const CallOptions& options) const { return connection_->CheckHealth(options); }

}  // namespace millrace::client
