// The stub: each call is one attempt over gRPC.
#pragma once

#include <memory>
#include <string_view>

#include "client/cpp/connection.h"
#include "client/cpp/internal/service_config.h"

namespace millrace::client::internal {

/// Names of the RPCs as gRPC knows them, which are the keys of ServiceConfig too.
namespace method {
inline constexpr std::string_view kCreatePipeline = "millrace.v1.PipelineService/CreatePipeline";
inline constexpr std::string_view kPush = "millrace.v1.PipelineService/Push";
inline constexpr std::string_view kPull = "millrace.v1.PipelineService/Pull";
inline constexpr std::string_view kAcknowledge = "millrace.v1.PipelineService/Acknowledge";
inline constexpr std::string_view kClosePipeline = "millrace.v1.PipelineService/ClosePipeline";
inline constexpr std::string_view kCancelPipeline = "millrace.v1.PipelineService/CancelPipeline";
inline constexpr std::string_view kGetPipelineStatus = "millrace.v1.PipelineService/GetPipelineStatus";
inline constexpr std::string_view kDescribePipelines = "millrace.v1.PipelineService/DescribePipelines";
inline constexpr std::string_view kCreateServiceVersion = "millrace.v1.CatalogService/CreateServiceVersion";
inline constexpr std::string_view kGetServiceVersion = "millrace.v1.CatalogService/GetServiceVersion";
inline constexpr std::string_view kListServices = "millrace.v1.CatalogService/ListServices";
inline constexpr std::string_view kListServiceVersions = "millrace.v1.CatalogService/ListServiceVersions";
inline constexpr std::string_view kDeleteServiceVersion = "millrace.v1.CatalogService/DeleteServiceVersion";
inline constexpr std::string_view kTestService = "millrace.v1.CatalogService/TestService";
inline constexpr std::string_view kSubmitJob = "millrace.v1.JobService/SubmitJob";
inline constexpr std::string_view kGetJob = "millrace.v1.JobService/GetJob";
inline constexpr std::string_view kListJobs = "millrace.v1.JobService/ListJobs";
inline constexpr std::string_view kGetStatistics = "millrace.v1.JobService/GetStatistics";
inline constexpr std::string_view kExplainJob = "millrace.v1.JobService/ExplainJob";
inline constexpr std::string_view kListRecords = "millrace.v1.JobService/ListRecords";
inline constexpr std::string_view kGetJobStatistics = "millrace.v1.JobService/GetJobStatistics";
inline constexpr std::string_view kListChunks = "millrace.v1.JobService/ListChunks";
inline constexpr std::string_view kCompareJob = "millrace.v1.JobService/CompareJob";
inline constexpr std::string_view kListJobEvents = "millrace.v1.JobService/ListJobEvents";
inline constexpr std::string_view kUpdateJob = "millrace.v1.JobService/UpdateJob";
inline constexpr std::string_view kPauseJob = "millrace.v1.JobService/PauseJob";
inline constexpr std::string_view kContinueJob = "millrace.v1.JobService/ContinueJob";
inline constexpr std::string_view kRetryJob = "millrace.v1.JobService/RetryJob";
inline constexpr std::string_view kResumeJob = "millrace.v1.JobService/ResumeJob";
inline constexpr std::string_view kDeleteJob = "millrace.v1.JobService/DeleteJob";
inline constexpr std::string_view kCreateSchedule = "millrace.v1.ScheduleService/CreateSchedule";
inline constexpr std::string_view kGetSchedule = "millrace.v1.ScheduleService/GetSchedule";
inline constexpr std::string_view kListSchedules = "millrace.v1.ScheduleService/ListSchedules";
inline constexpr std::string_view kUpdateSchedule = "millrace.v1.ScheduleService/UpdateSchedule";
inline constexpr std::string_view kDeleteSchedule = "millrace.v1.ScheduleService/DeleteSchedule";
inline constexpr std::string_view kPauseSchedule = "millrace.v1.ScheduleService/PauseSchedule";
inline constexpr std::string_view kResumeSchedule = "millrace.v1.ScheduleService/ResumeSchedule";
inline constexpr std::string_view kTriggerSchedule = "millrace.v1.ScheduleService/TriggerSchedule";
inline constexpr std::string_view kListScheduleRuns = "millrace.v1.ScheduleService/ListScheduleRuns";
inline constexpr std::string_view kListExceptions = "millrace.v1.ExceptionService/ListExceptions";
inline constexpr std::string_view kListExceptionGroups = "millrace.v1.ExceptionService/ListExceptionGroups";
inline constexpr std::string_view kGetException = "millrace.v1.ExceptionService/GetException";
inline constexpr std::string_view kResolveException = "millrace.v1.ExceptionService/ResolveException";
inline constexpr std::string_view kReprocessExceptions = "millrace.v1.ExceptionService/ReprocessExceptions";
inline constexpr std::string_view kCreateBackup = "millrace.v1.AdminService/CreateBackup";
inline constexpr std::string_view kHealthCheck = "grpc.health.v1.Health/Check";
}  // namespace method

/// REQUIRES: Validate(options) is OK.
std::shared_ptr<Connection> MakeGrpcConnection(const ClientOptions& options, const ServiceConfig& config);

}  // namespace millrace::client::internal
