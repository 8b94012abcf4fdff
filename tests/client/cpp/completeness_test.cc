// The SDK is complete: each RPC has a method, and its public headers are a frozen list.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "client/cpp/client.h"
#include "client/cpp/mocks/mock_connection.h"
#include "google/protobuf/descriptor.h"

namespace millrace::client {
namespace {

using ::testing::_;
using ::testing::ElementsAre;
using ::testing::Ref;
using ::testing::Return;

using Proof = std::function<bool()>;

// True when the method of Client makes one call of the method of Connection, hands over its request and options, and
// returns the reply.
template <typename Request, typename Response>
bool Reaches(absl::StatusOr<Response> (Client::*method)(const Request&, const CallOptions&) const,
             void (*expect)(MockConnection&,
                            const std::function<absl::StatusOr<Response>(const Request&, const CallOptions&)>&)) {
  auto connection = std::make_shared<::testing::StrictMock<MockConnection>>();
  const Request request;
  int calls = 0;
  expect(*connection, [&](const Request& seen, const CallOptions& options) -> absl::StatusOr<Response> {
    calls += &seen == &request && options.timeout == absl::Seconds(7);
    return absl::AbortedError("reached");
  });
  const absl::StatusOr<Response> response = (Client(connection).*method)(request, {.timeout = absl::Seconds(7)});
  return calls == 1 && response.status().message() == "reached";
}

// The same for a stream, which is handed out as the connection opens it.
template <typename Call>
bool Opens(std::unique_ptr<Call> (Client::*method)(const CallOptions&) const,
           void (*expect)(MockConnection&, const std::function<std::unique_ptr<Call>(const CallOptions&)>&),
           std::unique_ptr<Call> call) {
  auto connection = std::make_shared<::testing::StrictMock<MockConnection>>();
  const Call* const opened = call.get();
  int calls = 0;
  expect(*connection, [&](const CallOptions& options) {
    calls += options.timeout == absl::Seconds(7);
    return std::move(call);
  });
  return (Client(connection).*method)({.timeout = absl::Seconds(7)}).get() == opened && calls == 1;
}

#define STREAM_PROOF(service, rpc)                                                                              \
  {                                                                                                             \
    "millrace.v1." #service "." #rpc, [] {                                                                      \
      return Opens<rpc##Call>(                                                                                  \
          &Client::rpc,                                                                                         \
          [](MockConnection& mock, const std::function<std::unique_ptr<rpc##Call>(const CallOptions&)>& open) { \
            EXPECT_CALL(mock, rpc(_)).WillOnce(open);                                                           \
          },                                                                                                    \
          Fake##rpc::Ended(absl::OkStatus()));                                                                  \
    }                                                                                                           \
  }

#define PROOF(service, rpc, Request, Response)                                                                   \
  {                                                                                                              \
    "millrace.v1." #service "." #rpc, [] {                                                                       \
      return Reaches<v1::Request, v1::Response>(                                                                 \
          &Client::rpc,                                                                                          \
          [](MockConnection& mock,                                                                               \
             const std::function<absl::StatusOr<v1::Response>(const v1::Request&, const CallOptions&)>& reply) { \
            EXPECT_CALL(mock, rpc(_, _)).WillOnce(reply);                                                        \
          });                                                                                                    \
    }                                                                                                            \
  }

const std::map<std::string, Proof>& Proofs() {
  static const auto* const proofs = new std::map<std::string, Proof>{
      PROOF(PipelineService, CreatePipeline, CreatePipelineRequest, Job),
      PROOF(PipelineService, Push, PushRequest, PushResponse),
      STREAM_PROOF(PipelineService, PushStream),
      STREAM_PROOF(PipelineService, PullStream),
      PROOF(PipelineService, Pull, PullRequest, PullResponse),
      PROOF(PipelineService, Acknowledge, AcknowledgeRequest, AcknowledgeResponse),
      PROOF(PipelineService, ClosePipeline, ClosePipelineRequest, Job),
      PROOF(PipelineService, CancelPipeline, CancelPipelineRequest, Job),
      PROOF(PipelineService, GetPipelineStatus, GetPipelineStatusRequest, PipelineStatus),
      PROOF(PipelineService, DescribePipelines, DescribePipelinesRequest, DescribePipelinesResponse),
      PROOF(CatalogService, CreateServiceVersion, CreateServiceVersionRequest, ServiceVersion),
      PROOF(CatalogService, GetServiceVersion, GetServiceVersionRequest, ServiceVersion),
      PROOF(CatalogService, ListServices, ListServicesRequest, ListServicesResponse),
      PROOF(CatalogService, ListServiceVersions, ListServiceVersionsRequest, ListServiceVersionsResponse),
      PROOF(CatalogService, DeleteServiceVersion, DeleteServiceVersionRequest, DeleteServiceVersionResponse),
      PROOF(CatalogService, TestService, TestServiceRequest, TestServiceResponse),
      PROOF(JobService, SubmitJob, SubmitJobRequest, Job),
      PROOF(JobService, GetJob, GetJobRequest, Job),
      PROOF(JobService, ListJobs, ListJobsRequest, ListJobsResponse),
      PROOF(JobService, ExplainJob, ExplainJobRequest, ExplainJobResponse),
      PROOF(JobService, ListRecords, ListRecordsRequest, ListRecordsResponse),
      PROOF(JobService, GetJobStatistics, GetJobStatisticsRequest, JobStatistics),
      PROOF(JobService, ListChunks, ListChunksRequest, ListChunksResponse),
      PROOF(JobService, CompareJob, CompareJobRequest, CompareJobResponse),
      PROOF(JobService, GetStatistics, GetStatisticsRequest, GetStatisticsResponse),
      {"millrace.v1.JobService.ExportJob",
       [] {
         auto connection = std::make_shared<::testing::StrictMock<MockConnection>>();
         const v1::ExportJobRequest request;
         EXPECT_CALL(*connection, ExportJob(Ref(request), _)).WillOnce([](const auto&, const CallOptions& options) {
           return FakeExport::Ended(absl::AbortedError(absl::FormatDuration(*options.timeout)));
         });
         return Client(connection).ExportJob(request, {.timeout = absl::Seconds(7)})->Finish().message() == "7s";
       }},
      {"millrace.v1.JobService.WatchJob",
       [] {
         auto connection = std::make_shared<::testing::StrictMock<MockConnection>>();
         const v1::WatchJobRequest request;
         EXPECT_CALL(*connection, WatchJob(Ref(request), _)).WillOnce([](const auto&, const CallOptions& options) {
           return FakeWatch::Ended(absl::AbortedError(absl::FormatDuration(*options.timeout)));
         });
         return Client(connection).WatchJob(request, {.timeout = absl::Seconds(7)})->Finish().message() == "7s";
       }},
      PROOF(JobService, ListJobEvents, ListJobEventsRequest, ListJobEventsResponse),
      PROOF(JobService, UpdateJob, UpdateJobRequest, Job),
      PROOF(JobService, PauseJob, PauseJobRequest, Job),
      PROOF(JobService, ContinueJob, ContinueJobRequest, Job),
      PROOF(JobService, RetryJob, RetryJobRequest, RetryJobResponse),
      PROOF(JobService, ResumeJob, ResumeJobRequest, Job),
      PROOF(JobService, DeleteJob, DeleteJobRequest, DeleteJobResponse),
      PROOF(ScheduleService, CreateSchedule, CreateScheduleRequest, Schedule),
      PROOF(ScheduleService, GetSchedule, GetScheduleRequest, Schedule),
      PROOF(ScheduleService, ListSchedules, ListSchedulesRequest, ListSchedulesResponse),
      PROOF(ScheduleService, UpdateSchedule, UpdateScheduleRequest, Schedule),
      PROOF(ScheduleService, DeleteSchedule, DeleteScheduleRequest, DeleteScheduleResponse),
      PROOF(ScheduleService, PauseSchedule, PauseScheduleRequest, Schedule),
      PROOF(ScheduleService, ResumeSchedule, ResumeScheduleRequest, Schedule),
      PROOF(ScheduleService, TriggerSchedule, TriggerScheduleRequest, ScheduleRun),
      PROOF(ScheduleService, ListScheduleRuns, ListScheduleRunsRequest, ListScheduleRunsResponse),
      PROOF(ExceptionService, ListExceptions, ListExceptionsRequest, ListExceptionsResponse),
      PROOF(ExceptionService, ListExceptionGroups, ListExceptionGroupsRequest, ListExceptionGroupsResponse),
      PROOF(ExceptionService, GetException, GetExceptionRequest, RecordException),
      PROOF(ExceptionService, ResolveException, ResolveExceptionRequest, RecordException),
      PROOF(ExceptionService, ReprocessExceptions, ReprocessExceptionsRequest, ReprocessExceptionsResponse),
      PROOF(AdminService, CreateBackup, CreateBackupRequest, Backup),
  };
  return *proofs;
}

TEST(CompletenessTest, EveryRpcOfTheProtosHasAMethod) {
  std::set<std::string> rpcs;
  for (const auto* file : {v1::PipelineStatus::descriptor()->file(), v1::PushRequest::descriptor()->file(),
                           v1::ServiceVersion::descriptor()->file(), v1::GetJobRequest::descriptor()->file(),
                           v1::Schedule::descriptor()->file(), v1::RecordException::descriptor()->file(),
                           v1::Backup::descriptor()->file()}) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) rpcs.insert(file->service(s)->method(m)->full_name());
    }
  }
  std::set<std::string> proven;
  for (const auto& [rpc, proof] : Proofs()) proven.insert(rpc);
  EXPECT_EQ(rpcs, proven) << "write the method in client/cpp/client.h and its proof in this test";
}

TEST(CompletenessTest, EveryMethodMakesItsCall) {
  for (const auto& [rpc, proof] : Proofs()) EXPECT_TRUE(proof()) << rpc;
}

TEST(CompletenessTest, HealthIsAskedThroughTheConnection) {
  auto connection = std::make_shared<MockConnection>();
  EXPECT_CALL(*connection, CheckHealth).WillOnce(Return(absl::UnavailableError("NOT_SERVING")));
  EXPECT_EQ(Client(connection).CheckHealth().message(), "NOT_SERVING");
}

TEST(CompletenessTest, PublicHeadersAreFrozen) {
  std::set<std::string> headers;
  const std::filesystem::path root(MILLRACE_CLIENT_FOLDER);
  for (const char* folder : {"", "mocks"}) {
    for (const auto& entry : std::filesystem::directory_iterator(root / folder)) {
      if (entry.path().extension() == ".h") headers.insert(std::filesystem::path(folder) / entry.path().filename());
    }
  }
  EXPECT_THAT(headers, ElementsAre("chunker.h", "client.h", "clock.h", "connection.h", "errors.h", "mocks/fake_clock.h",
                                   "mocks/fake_stream.h", "mocks/mock_connection.h", "options.h", "paginated.h",
                                   "pipeline.h", "puller.h", "pusher.h", "stream.h"))
      << "a public header is a promise: add one with care, and never take one away";
}

}  // namespace
}  // namespace millrace::client
