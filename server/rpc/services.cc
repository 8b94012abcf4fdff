#include "server/rpc/services.h"

#include "millrace/v1/admin_service.grpc.pb.h"
#include "millrace/v1/catalog_service.grpc.pb.h"
#include "millrace/v1/exception_service.grpc.pb.h"
#include "millrace/v1/job_service.grpc.pb.h"
#include "millrace/v1/pipeline_service.grpc.pb.h"
#include "millrace/v1/schedule_service.grpc.pb.h"
#include "server/handlers/admin_handlers.h"
#include "server/handlers/catalog_handlers.h"
#include "server/handlers/job_handlers.h"
#include "server/handlers/pipeline_handlers.h"
#include "server/handlers/schedule_handlers.h"
#include "server/rpc/export_reactor.h"
#include "server/rpc/pull_reactor.h"
#include "server/rpc/pull_stream_reactor.h"
#include "server/rpc/push_stream_reactor.h"
#include "server/rpc/unary.h"
#include "server/rpc/watch_reactor.h"

namespace millrace::rpc {
namespace {

using Context = grpc::CallbackServerContext;
using Reactor = grpc::ServerUnaryReactor;

class PipelineService final : public v1::PipelineService::CallbackService {
 public:
  explicit PipelineService(const Environment& environment) : environment_(environment) {}

  Reactor* CreatePipeline(Context* context, const v1::CreatePipelineRequest* request, v1::Job* response) override {
    return ServeUnary(context, request, response, environment_, handlers::CreatePipeline);
  }
  Reactor* Push(Context* context, const v1::PushRequest* request, v1::PushResponse* response) override {
    return ServeUnary(context, request, response, environment_, handlers::Push);
  }
  grpc::ServerBidiReactor<v1::PushStreamRequest, v1::PushStreamResponse>* PushStream(Context* context) override {
    return ServePushStream(context, environment_);
  }
  grpc::ServerBidiReactor<v1::PullStreamRequest, v1::PullStreamResponse>* PullStream(Context* context) override {
    return ServePullStream(context, environment_);
  }
  Reactor* Pull(Context*, const v1::PullRequest* request, v1::PullResponse* response) override {
    return ServePull(request, response, environment_);
  }
  Reactor* Acknowledge(Context* context, const v1::AcknowledgeRequest* request,
                       v1::AcknowledgeResponse* response) override {
    return ServeUnary(context, request, response, environment_, handlers::Acknowledge);
  }
  Reactor* ClosePipeline(Context* context, const v1::ClosePipelineRequest* request, v1::Job* response) override {
    return ServeUnary(context, request, response, environment_, handlers::ClosePipeline);
  }
  Reactor* CancelPipeline(Context* context, const v1::CancelPipelineRequest* request, v1::Job* response) override {
    return ServeUnary(context, request, response, environment_, handlers::CancelPipeline);
  }
  Reactor* GetPipelineStatus(Context* context, const v1::GetPipelineStatusRequest* request,
                             v1::PipelineStatus* response) override {
    return ServeUnary(context, request, response, environment_, handlers::GetPipelineStatus);
  }
  Reactor* DescribePipelines(Context* context, const v1::DescribePipelinesRequest* request,
                             v1::DescribePipelinesResponse* response) override {
    return ServeUnary(context, request, response, environment_, handlers::DescribePipelines);
  }

 private:
  const Environment& environment_;
};

class JobService final : public v1::JobService::CallbackService {
 public:
  explicit JobService(const Environment& environment) : environment_(environment) {}

  Reactor* SubmitJob(Context* context, const v1::SubmitJobRequest* request, v1::Job* response) override {
    return ServeUnary(context, request, response, environment_, handlers::SubmitJob);
  }
  Reactor* GetJob(Context* context, const v1::GetJobRequest* request, v1::Job* response) override {
    return ServeUnary(context, request, response, environment_, handlers::GetJob);
  }
  Reactor* ListJobs(Context* context, const v1::ListJobsRequest* request, v1::ListJobsResponse* response) override {
    return ServeUnary(context, request, response, environment_, handlers::ListJobs);
  }
  Reactor* GetStatistics(Context* context, const v1::GetStatisticsRequest* request,
                         v1::GetStatisticsResponse* response) override {
    return ServeUnary(context, request, response, environment_, handlers::GetStatistics);
  }
  Reactor* ExplainJob(Context* context, const v1::ExplainJobRequest* request,
                      v1::ExplainJobResponse* response) override {
    return ServeUnary(context, request, response, environment_, handlers::ExplainJob);
  }
  Reactor* ListRecords(Context* context, const v1::ListRecordsRequest* request,
                       v1::ListRecordsResponse* response) override {
    return ServeUnary(context, request, response, environment_, handlers::ListRecords);
  }
  grpc::ServerWriteReactor<v1::ExportJobResponse>* ExportJob(Context* context,
                                                             const v1::ExportJobRequest* request) override {
    return ServeExportJob(context, request, environment_);
  }
  Reactor* GetJobStatistics(Context* context, const v1::GetJobStatisticsRequest* request,
                            v1::JobStatistics* response) override {
    return ServeUnary(context, request, response, environment_, handlers::GetJobStatistics);
  }
  Reactor* ListJobEvents(Context* context, const v1::ListJobEventsRequest* request,
                         v1::ListJobEventsResponse* response) override {
    return ServeUnary(context, request, response, environment_, handlers::ListJobEvents);
  }
  grpc::ServerWriteReactor<v1::WatchJobResponse>* WatchJob(Context* context,
                                                           const v1::WatchJobRequest* request) override {
    return ServeWatchJob(context, request, environment_);
  }
  Reactor* CompareJob(Context* context, const v1::CompareJobRequest* request,
                      v1::CompareJobResponse* response) override {
    return ServeUnary(context, request, response, environment_, handlers::CompareJob);
  }
  Reactor* ListChunks(Context* context, const v1::ListChunksRequest* request,
                      v1::ListChunksResponse* response) override {
    return ServeUnary(context, request, response, environment_, handlers::ListChunks);
  }
  Reactor* UpdateJob(Context* context, const v1::UpdateJobRequest* request, v1::Job* response) override {
    return ServeUnary(context, request, response, environment_, handlers::UpdateJob);
  }
  Reactor* PauseJob(Context* context, const v1::PauseJobRequest* request, v1::Job* response) override {
    return ServeUnary(context, request, response, environment_, handlers::PauseJob);
  }
  Reactor* ContinueJob(Context* context, const v1::ContinueJobRequest* request, v1::Job* response) override {
    return ServeUnary(context, request, response, environment_, handlers::ContinueJob);
  }
  Reactor* RetryJob(Context* context, const v1::RetryJobRequest* request, v1::RetryJobResponse* response) override {
    return ServeUnary(context, request, response, environment_, handlers::RetryJob);
  }
  Reactor* ResumeJob(Context* context, const v1::ResumeJobRequest* request, v1::Job* response) override {
    return ServeUnary(context, request, response, environment_, handlers::ResumeJob);
  }
  Reactor* DeleteJob(Context* context, const v1::DeleteJobRequest* request, v1::DeleteJobResponse* response) override {
    return ServeUnary(context, request, response, environment_, handlers::DeleteJob);
  }

 private:
  const Environment& environment_;
};

class ExceptionService final : public v1::ExceptionService::CallbackService {
 public:
  explicit ExceptionService(const Environment& environment) : environment_(environment) {}

  Reactor* ListExceptions(Context* context, const v1::ListExceptionsRequest* request,
                          v1::ListExceptionsResponse* response) override {
    return ServeUnary(context, request, response, environment_, handlers::ListExceptions);
  }
  Reactor* ListExceptionGroups(Context* context, const v1::ListExceptionGroupsRequest* request,
                               v1::ListExceptionGroupsResponse* response) override {
    return ServeUnary(context, request, response, environment_, handlers::ListExceptionGroups);
  }
  Reactor* GetException(Context* context, const v1::GetExceptionRequest* request,
                        v1::RecordException* response) override {
    return ServeUnary(context, request, response, environment_, handlers::GetException);
  }
  Reactor* ResolveException(Context* context, const v1::ResolveExceptionRequest* request,
                            v1::RecordException* response) override {
    return ServeUnary(context, request, response, environment_, handlers::ResolveException);
  }
  Reactor* ReprocessExceptions(Context* context, const v1::ReprocessExceptionsRequest* request,
                               v1::ReprocessExceptionsResponse* response) override {
    return ServeUnary(context, request, response, environment_, handlers::ReprocessExceptions);
  }

 private:
  const Environment& environment_;
};

class CatalogService final : public v1::CatalogService::CallbackService {
 public:
  explicit CatalogService(const Environment& environment) : environment_(environment) {}

  Reactor* CreateServiceVersion(Context* context, const v1::CreateServiceVersionRequest* request,
                                v1::ServiceVersion* response) override {
    return ServeUnary(context, request, response, environment_, handlers::CreateServiceVersion);
  }
  Reactor* GetServiceVersion(Context* context, const v1::GetServiceVersionRequest* request,
                             v1::ServiceVersion* response) override {
    return ServeUnary(context, request, response, environment_, handlers::GetServiceVersion);
  }
  Reactor* ListServices(Context* context, const v1::ListServicesRequest* request,
                        v1::ListServicesResponse* response) override {
    return ServeUnary(context, request, response, environment_, handlers::ListServices);
  }
  Reactor* ListServiceVersions(Context* context, const v1::ListServiceVersionsRequest* request,
                               v1::ListServiceVersionsResponse* response) override {
    return ServeUnary(context, request, response, environment_, handlers::ListServiceVersions);
  }
  Reactor* DeleteServiceVersion(Context* context, const v1::DeleteServiceVersionRequest* request,
                                v1::DeleteServiceVersionResponse* response) override {
    return ServeUnary(context, request, response, environment_, handlers::DeleteServiceVersion);
  }
  Reactor* TestService(Context* context, const v1::TestServiceRequest* request,
                       v1::TestServiceResponse* response) override {
    return ServeUnary(context, request, response, environment_, handlers::TestService);
  }

 private:
  const Environment& environment_;
};

class ScheduleService final : public v1::ScheduleService::CallbackService {
 public:
  explicit ScheduleService(const Environment& environment) : environment_(environment) {}

  Reactor* CreateSchedule(Context* context, const v1::CreateScheduleRequest* request, v1::Schedule* response) override {
    return ServeUnary(context, request, response, environment_, handlers::CreateSchedule);
  }
  Reactor* GetSchedule(Context* context, const v1::GetScheduleRequest* request, v1::Schedule* response) override {
    return ServeUnary(context, request, response, environment_, handlers::GetSchedule);
  }
  Reactor* ListSchedules(Context* context, const v1::ListSchedulesRequest* request,
                         v1::ListSchedulesResponse* response) override {
    return ServeUnary(context, request, response, environment_, handlers::ListSchedules);
  }
  Reactor* UpdateSchedule(Context* context, const v1::UpdateScheduleRequest* request, v1::Schedule* response) override {
    return ServeUnary(context, request, response, environment_, handlers::UpdateSchedule);
  }
  Reactor* DeleteSchedule(Context* context, const v1::DeleteScheduleRequest* request,
                          v1::DeleteScheduleResponse* response) override {
    return ServeUnary(context, request, response, environment_, handlers::DeleteSchedule);
  }
  Reactor* PauseSchedule(Context* context, const v1::PauseScheduleRequest* request, v1::Schedule* response) override {
    return ServeUnary(context, request, response, environment_, handlers::PauseSchedule);
  }
  Reactor* ResumeSchedule(Context* context, const v1::ResumeScheduleRequest* request, v1::Schedule* response) override {
    return ServeUnary(context, request, response, environment_, handlers::ResumeSchedule);
  }
  Reactor* TriggerSchedule(Context* context, const v1::TriggerScheduleRequest* request,
                           v1::ScheduleRun* response) override {
    return ServeUnary(context, request, response, environment_, handlers::TriggerSchedule);
  }
  Reactor* ListScheduleRuns(Context* context, const v1::ListScheduleRunsRequest* request,
                            v1::ListScheduleRunsResponse* response) override {
    return ServeUnary(context, request, response, environment_, handlers::ListScheduleRuns);
  }

 private:
  const Environment& environment_;
};

class AdminService final : public v1::AdminService::CallbackService {
 public:
  explicit AdminService(const Environment& environment) : environment_(environment) {}

  Reactor* CreateBackup(Context* context, const v1::CreateBackupRequest* request, v1::Backup* response) override {
    return ServeUnary(context, request, response, environment_, handlers::CreateBackup);
  }

 private:
  const Environment& environment_;
};

}  // namespace

std::vector<std::unique_ptr<grpc::Service>> MakeServices(const Environment& environment) {
  std::vector<std::unique_ptr<grpc::Service>> services;
  services.push_back(std::make_unique<PipelineService>(environment));
  services.push_back(std::make_unique<JobService>(environment));
  services.push_back(std::make_unique<ExceptionService>(environment));
  services.push_back(std::make_unique<CatalogService>(environment));
  services.push_back(std::make_unique<ScheduleService>(environment));
  services.push_back(std::make_unique<AdminService>(environment));
  return services;
}

}  // namespace millrace::rpc
