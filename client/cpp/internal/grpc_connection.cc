#include "client/cpp/internal/grpc_connection.h"

#include <grpc/grpc.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/support/channel_arguments.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cpp/internal/grpc_stream.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "millrace/v1/admin_service.grpc.pb.h"
#include "millrace/v1/catalog_service.grpc.pb.h"
#include "millrace/v1/exception_service.grpc.pb.h"
#include "millrace/v1/job_service.grpc.pb.h"
#include "millrace/v1/pipeline_service.grpc.pb.h"
#include "millrace/v1/schedule_service.grpc.pb.h"

namespace millrace::client::internal {
namespace {

// How long a call over a broken channel waits for the connection to come back before it is made and fails: longer than
// the longest pause between two attempts to connect.
constexpr absl::Duration kReconnectWait = absl::Milliseconds(1200);

// Keeps gRPC alive to the end of the process. Otherwise it shuts down with the last channel, and then waits up to ten
// seconds for a poller that a large message may have left behind: a program that is done would seem to hang.
void KeepGrpcAlive() { [[maybe_unused]] static const bool once = (grpc_init(), true); }

std::shared_ptr<grpc::Channel> MakeChannel(const ClientOptions& options) {
  KeepGrpcAlive();
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(options.max_receive_message_bytes);
  arguments.SetMaxSendMessageSize(-1);
  // A server that comes back is found within a second, whatever gRPC's own patience (two minutes) is.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  // A server that is gone without a word (a pulled plug, a frozen machine) is found out by pings while calls wait.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Retries are the business of RetryingConnection, which knows which calls are safe to repeat.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetUserAgentPrefix(options.user_agent_prefix.empty() ? "millrace-cpp"
                                                                 : options.user_agent_prefix + " millrace-cpp");
  return grpc::CreateCustomChannel(options.endpoint, grpc::InsecureChannelCredentials(), arguments);
}

class GrpcConnection final : public Connection {
 public:
  GrpcConnection(const ClientOptions& options, const ServiceConfig& config)
      : call_timeout_(options.call_timeout),
        config_(config),
        channel_(MakeChannel(options)),
        pipelines_(v1::PipelineService::NewStub(channel_)),
        catalog_(v1::CatalogService::NewStub(channel_)),
        jobs_(v1::JobService::NewStub(channel_)),
        schedules_(v1::ScheduleService::NewStub(channel_)),
        exceptions_(v1::ExceptionService::NewStub(channel_)),
        admin_(v1::AdminService::NewStub(channel_)),
        health_(grpc::health::v1::Health::NewStub(channel_)) {}

  absl::StatusOr<v1::Job> CreatePipeline(const v1::CreatePipelineRequest& request,
                                         const CallOptions& options) override {
    return Call(method::kCreatePipeline, *pipelines_, &v1::PipelineService::Stub::CreatePipeline, request, options);
  }
  absl::StatusOr<v1::PushResponse> Push(const v1::PushRequest& request, const CallOptions& options) override {
    return Call(method::kPush, *pipelines_, &v1::PipelineService::Stub::Push, request, options);
  }
  std::unique_ptr<PushStreamCall> PushStream(const CallOptions& options) override {
    DriveReconnect();
    return std::make_unique<GrpcStream<v1::PushStreamRequest, v1::PushStreamResponse>>(
        options, [this](grpc::ClientContext* context) { return pipelines_->PushStream(context); });
  }
  std::unique_ptr<PullStreamCall> PullStream(const CallOptions& options) override {
    DriveReconnect();
    return std::make_unique<GrpcStream<v1::PullStreamRequest, v1::PullStreamResponse>>(
        options, [this](grpc::ClientContext* context) { return pipelines_->PullStream(context); });
  }
  absl::StatusOr<v1::PullResponse> Pull(const v1::PullRequest& request, const CallOptions& options) override {
    const absl::Duration wait = absl::Seconds(request.wait().seconds()) + absl::Nanoseconds(request.wait().nanos());
    return Call(method::kPull, *pipelines_, &v1::PipelineService::Stub::Pull, request, options, wait);
  }
  absl::StatusOr<v1::AcknowledgeResponse> Acknowledge(const v1::AcknowledgeRequest& request,
                                                      const CallOptions& options) override {
    return Call(method::kAcknowledge, *pipelines_, &v1::PipelineService::Stub::Acknowledge, request, options);
  }
  absl::StatusOr<v1::Job> ClosePipeline(const v1::ClosePipelineRequest& request, const CallOptions& options) override {
    return Call(method::kClosePipeline, *pipelines_, &v1::PipelineService::Stub::ClosePipeline, request, options);
  }
  absl::StatusOr<v1::Job> CancelPipeline(const v1::CancelPipelineRequest& request,
                                         const CallOptions& options) override {
    return Call(method::kCancelPipeline, *pipelines_, &v1::PipelineService::Stub::CancelPipeline, request, options);
  }
  absl::StatusOr<v1::PipelineStatus> GetPipelineStatus(const v1::GetPipelineStatusRequest& request,
                                                       const CallOptions& options) override {
    return Call(method::kGetPipelineStatus, *pipelines_, &v1::PipelineService::Stub::GetPipelineStatus, request,
                options);
  }
  absl::StatusOr<v1::DescribePipelinesResponse> DescribePipelines(const v1::DescribePipelinesRequest& request,
                                                                  const CallOptions& options) override {
    return Call(method::kDescribePipelines, *pipelines_, &v1::PipelineService::Stub::DescribePipelines, request,
                options);
  }

  absl::StatusOr<v1::ServiceVersion> CreateServiceVersion(const v1::CreateServiceVersionRequest& request,
                                                          const CallOptions& options) override {
    return Call(method::kCreateServiceVersion, *catalog_, &v1::CatalogService::Stub::CreateServiceVersion, request,
                options);
  }
  absl::StatusOr<v1::ServiceVersion> GetServiceVersion(const v1::GetServiceVersionRequest& request,
                                                       const CallOptions& options) override {
    return Call(method::kGetServiceVersion, *catalog_, &v1::CatalogService::Stub::GetServiceVersion, request, options);
  }
  absl::StatusOr<v1::ListServicesResponse> ListServices(const v1::ListServicesRequest& request,
                                                        const CallOptions& options) override {
    return Call(method::kListServices, *catalog_, &v1::CatalogService::Stub::ListServices, request, options);
  }
  absl::StatusOr<v1::ListServiceVersionsResponse> ListServiceVersions(const v1::ListServiceVersionsRequest& request,
                                                                      const CallOptions& options) override {
    return Call(method::kListServiceVersions, *catalog_, &v1::CatalogService::Stub::ListServiceVersions, request,
                options);
  }
  absl::StatusOr<v1::DeleteServiceVersionResponse> DeleteServiceVersion(const v1::DeleteServiceVersionRequest& request,
                                                                        const CallOptions& options) override {
    return Call(method::kDeleteServiceVersion, *catalog_, &v1::CatalogService::Stub::DeleteServiceVersion, request,
                options);
  }
  absl::StatusOr<v1::TestServiceResponse> TestService(const v1::TestServiceRequest& request,
                                                      const CallOptions& options) override {
    return Call(method::kTestService, *catalog_, &v1::CatalogService::Stub::TestService, request, options);
  }

  absl::StatusOr<v1::Job> SubmitJob(const v1::SubmitJobRequest& request, const CallOptions& options) override {
    return Call(method::kSubmitJob, *jobs_, &v1::JobService::Stub::SubmitJob, request, options);
  }
  absl::StatusOr<v1::Job> GetJob(const v1::GetJobRequest& request, const CallOptions& options) override {
    return Call(method::kGetJob, *jobs_, &v1::JobService::Stub::GetJob, request, options);
  }
  absl::StatusOr<v1::ListJobsResponse> ListJobs(const v1::ListJobsRequest& request,
                                                const CallOptions& options) override {
    return Call(method::kListJobs, *jobs_, &v1::JobService::Stub::ListJobs, request, options);
  }
  absl::StatusOr<v1::GetStatisticsResponse> GetStatistics(const v1::GetStatisticsRequest& request,
                                                          const CallOptions& options) override {
    return Call(method::kGetStatistics, *jobs_, &v1::JobService::Stub::GetStatistics, request, options);
  }
  absl::StatusOr<v1::ExplainJobResponse> ExplainJob(const v1::ExplainJobRequest& request,
                                                    const CallOptions& options) override {
    return Call(method::kExplainJob, *jobs_, &v1::JobService::Stub::ExplainJob, request, options);
  }
  absl::StatusOr<v1::ListRecordsResponse> ListRecords(const v1::ListRecordsRequest& request,
                                                      const CallOptions& options) override {
    return Call(method::kListRecords, *jobs_, &v1::JobService::Stub::ListRecords, request, options);
  }
  std::unique_ptr<ExportJobCall> ExportJob(const v1::ExportJobRequest& request, const CallOptions& options) override {
    DriveReconnect();
    return std::make_unique<GrpcReadStream<v1::ExportJobResponse>>(
        options, [&](grpc::ClientContext* context) { return jobs_->ExportJob(context, request); });
  }
  absl::StatusOr<v1::JobStatistics> GetJobStatistics(const v1::GetJobStatisticsRequest& request,
                                                     const CallOptions& options) override {
    return Call(method::kGetJobStatistics, *jobs_, &v1::JobService::Stub::GetJobStatistics, request, options);
  }
  absl::StatusOr<v1::ListChunksResponse> ListChunks(const v1::ListChunksRequest& request,
                                                    const CallOptions& options) override {
    return Call(method::kListChunks, *jobs_, &v1::JobService::Stub::ListChunks, request, options);
  }
  absl::StatusOr<v1::CompareJobResponse> CompareJob(const v1::CompareJobRequest& request,
                                                    const CallOptions& options) override {
    return Call(method::kCompareJob, *jobs_, &v1::JobService::Stub::CompareJob, request, options);
  }
  std::unique_ptr<WatchJobCall> WatchJob(const v1::WatchJobRequest& request, const CallOptions& options) override {
    DriveReconnect();
    return std::make_unique<GrpcReadStream<v1::WatchJobResponse>>(
        options, [&](grpc::ClientContext* context) { return jobs_->WatchJob(context, request); });
  }
  absl::StatusOr<v1::ListJobEventsResponse> ListJobEvents(const v1::ListJobEventsRequest& request,
                                                          const CallOptions& options) override {
    return Call(method::kListJobEvents, *jobs_, &v1::JobService::Stub::ListJobEvents, request, options);
  }
  absl::StatusOr<v1::Job> UpdateJob(const v1::UpdateJobRequest& request, const CallOptions& options) override {
    return Call(method::kUpdateJob, *jobs_, &v1::JobService::Stub::UpdateJob, request, options);
  }
  absl::StatusOr<v1::Job> PauseJob(const v1::PauseJobRequest& request, const CallOptions& options) override {
    return Call(method::kPauseJob, *jobs_, &v1::JobService::Stub::PauseJob, request, options);
  }
  absl::StatusOr<v1::Job> ContinueJob(const v1::ContinueJobRequest& request, const CallOptions& options) override {
    return Call(method::kContinueJob, *jobs_, &v1::JobService::Stub::ContinueJob, request, options);
  }
  absl::StatusOr<v1::RetryJobResponse> RetryJob(const v1::RetryJobRequest& request,
                                                const CallOptions& options) override {
    return Call(method::kRetryJob, *jobs_, &v1::JobService::Stub::RetryJob, request, options);
  }
  absl::StatusOr<v1::Job> ResumeJob(const v1::ResumeJobRequest& request, const CallOptions& options) override {
    return Call(method::kResumeJob, *jobs_, &v1::JobService::Stub::ResumeJob, request, options);
  }
  absl::StatusOr<v1::DeleteJobResponse> DeleteJob(const v1::DeleteJobRequest& request,
                                                  const CallOptions& options) override {
    return Call(method::kDeleteJob, *jobs_, &v1::JobService::Stub::DeleteJob, request, options);
  }

  absl::StatusOr<v1::Schedule> CreateSchedule(const v1::CreateScheduleRequest& request,
                                              const CallOptions& options) override {
    return Call(method::kCreateSchedule, *schedules_, &v1::ScheduleService::Stub::CreateSchedule, request, options);
  }
  absl::StatusOr<v1::Schedule> GetSchedule(const v1::GetScheduleRequest& request, const CallOptions& options) override {
    return Call(method::kGetSchedule, *schedules_, &v1::ScheduleService::Stub::GetSchedule, request, options);
  }
  absl::StatusOr<v1::ListSchedulesResponse> ListSchedules(const v1::ListSchedulesRequest& request,
                                                          const CallOptions& options) override {
    return Call(method::kListSchedules, *schedules_, &v1::ScheduleService::Stub::ListSchedules, request, options);
  }
  absl::StatusOr<v1::Schedule> UpdateSchedule(const v1::UpdateScheduleRequest& request,
                                              const CallOptions& options) override {
    return Call(method::kUpdateSchedule, *schedules_, &v1::ScheduleService::Stub::UpdateSchedule, request, options);
  }
  absl::StatusOr<v1::DeleteScheduleResponse> DeleteSchedule(const v1::DeleteScheduleRequest& request,
                                                            const CallOptions& options) override {
    return Call(method::kDeleteSchedule, *schedules_, &v1::ScheduleService::Stub::DeleteSchedule, request, options);
  }
  absl::StatusOr<v1::Schedule> PauseSchedule(const v1::PauseScheduleRequest& request,
                                             const CallOptions& options) override {
    return Call(method::kPauseSchedule, *schedules_, &v1::ScheduleService::Stub::PauseSchedule, request, options);
  }
  absl::StatusOr<v1::Schedule> ResumeSchedule(const v1::ResumeScheduleRequest& request,
                                              const CallOptions& options) override {
    return Call(method::kResumeSchedule, *schedules_, &v1::ScheduleService::Stub::ResumeSchedule, request, options);
  }
  absl::StatusOr<v1::ScheduleRun> TriggerSchedule(const v1::TriggerScheduleRequest& request,
                                                  const CallOptions& options) override {
    return Call(method::kTriggerSchedule, *schedules_, &v1::ScheduleService::Stub::TriggerSchedule, request, options);
  }
  absl::StatusOr<v1::ListScheduleRunsResponse> ListScheduleRuns(const v1::ListScheduleRunsRequest& request,
                                                                const CallOptions& options) override {
    return Call(method::kListScheduleRuns, *schedules_, &v1::ScheduleService::Stub::ListScheduleRuns, request, options);
  }
  absl::StatusOr<v1::ListExceptionsResponse> ListExceptions(const v1::ListExceptionsRequest& request,
                                                            const CallOptions& options) override {
    return Call(method::kListExceptions, *exceptions_, &v1::ExceptionService::Stub::ListExceptions, request, options);
  }
  absl::StatusOr<v1::ListExceptionGroupsResponse> ListExceptionGroups(const v1::ListExceptionGroupsRequest& request,
                                                                      const CallOptions& options) override {
    return Call(method::kListExceptionGroups, *exceptions_, &v1::ExceptionService::Stub::ListExceptionGroups, request,
                options);
  }
  absl::StatusOr<v1::RecordException> GetException(const v1::GetExceptionRequest& request,
                                                   const CallOptions& options) override {
    return Call(method::kGetException, *exceptions_, &v1::ExceptionService::Stub::GetException, request, options);
  }
  absl::StatusOr<v1::RecordException> ResolveException(const v1::ResolveExceptionRequest& request,
                                                       const CallOptions& options) override {
    return Call(method::kResolveException, *exceptions_, &v1::ExceptionService::Stub::ResolveException, request,
                options);
  }
  absl::StatusOr<v1::ReprocessExceptionsResponse> ReprocessExceptions(const v1::ReprocessExceptionsRequest& request,
                                                                      const CallOptions& options) override {
    return Call(method::kReprocessExceptions, *exceptions_, &v1::ExceptionService::Stub::ReprocessExceptions, request,
                options);
  }

  absl::StatusOr<v1::Backup> CreateBackup(const v1::CreateBackupRequest& request, const CallOptions& options) override {
    return Call(method::kCreateBackup, *admin_, &v1::AdminService::Stub::CreateBackup, request, options);
  }

  absl::Status CheckHealth(const CallOptions& options) override {
    absl::StatusOr<grpc::health::v1::HealthCheckResponse> response =
        Call(method::kHealthCheck, *health_, &grpc::health::v1::Health::Stub::Check,
             grpc::health::v1::HealthCheckRequest(), options);
    if (!response.ok()) return response.status();
    if (response->status() == grpc::health::v1::HealthCheckResponse::SERVING) return absl::OkStatus();
    return absl::UnavailableError(
        absl::StrCat("the server is ", grpc::health::v1::HealthCheckResponse::ServingStatus_Name(response->status())));
  }

 private:
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(std::string_view name, Stub& stub,
                                grpc::Status (Stub::*rpc)(grpc::ClientContext*, const Request&, Response*),
                                const Request& request, const CallOptions& options,
                                absl::Duration wait = absl::ZeroDuration()) {
    grpc::ClientContext context;
    const absl::Duration timeout = options.timeout.value_or(call_timeout_.value_or(config_.Find(name).timeout)) + wait;
    if (timeout != absl::InfiniteDuration()) {
      // A time span, which gRPC counts from the start of the call.
      context.set_deadline(gpr_time_from_nanos(absl::ToInt64Nanoseconds(timeout), GPR_TIMESPAN));
    }
    const std::stop_callback cancel_on_stop(options.stop, [&context] { context.TryCancel(); });

    DriveReconnect();
    Response response;
    const absl::Status status = ToAbslStatus((stub.*rpc)(&context, request, &response));
    if (status.ok()) return response;
    // gRPC cancels calls that reach a server while it shuts down. The caller did not ask for that; to him the server is
    // gone for the moment.
    if (absl::IsCancelled(status) && !options.stop.stop_requested()) {
      return absl::UnavailableError("the server ended the call, because it is being shut down");
    }
    return status;
  }

  // Lets a lost connection come back. A call over a broken channel fails at once, and while no call waits, gRPC looks
  // after its sockets only every five seconds: a server that has restarted would be found that late.
  void DriveReconnect() {
    if (channel_->GetState(/*try_to_connect=*/false) != GRPC_CHANNEL_TRANSIENT_FAILURE) return;
    channel_->WaitForConnected(gpr_time_from_nanos(absl::ToInt64Nanoseconds(kReconnectWait), GPR_TIMESPAN));
  }

  const std::optional<absl::Duration> call_timeout_;
  const ServiceConfig config_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::PipelineService::Stub> pipelines_;
  const std::unique_ptr<v1::CatalogService::Stub> catalog_;
  const std::unique_ptr<v1::JobService::Stub> jobs_;
  const std::unique_ptr<v1::ScheduleService::Stub> schedules_;
  const std::unique_ptr<v1::ExceptionService::Stub> exceptions_;
  const std::unique_ptr<v1::AdminService::Stub> admin_;
  const std::unique_ptr<grpc::health::v1::Health::Stub> health_;
};

}  // namespace

std::shared_ptr<Connection> MakeGrpcConnection(const ClientOptions& options, const ServiceConfig& config) {
  return std::make_shared<GrpcConnection>(options, config);
}

}  // namespace millrace::client::internal
