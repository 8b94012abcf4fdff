#include "server/rpc/grpc_server.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "grpc/grpc.h"
#include "grpcpp/grpcpp.h"
#include "millrace/v1/catalog_service.grpc.pb.h"
#include "millrace/v1/pipeline_service.grpc.pb.h"
#include "server/execution/lua_service_compiler.h"
#include "server/execution/worker_pool.h"
#include "storage/store/model_job_store.h"
#include "tests/support/status_matchers.h"

namespace millrace::rpc {
namespace {

/// A server on a free port over the model store. Workers start when a test says so.
class GrpcServerTest : public ::testing::Test, public store::JobObserver {
 protected:
  // gRPC 1.51 takes up to ten seconds to shut its library down after a large message; so it stays up.
  static void SetUpTestSuite() { grpc_init(); }

  GrpcServerTest() {
    store_->SetObserver(this);
    server_ = *StartGrpcServer("127.0.0.1:0", deps_, *executor_, feed_);
    channel_ = grpc::CreateChannel(absl::StrCat("127.0.0.1:", server_->port()), grpc::InsecureChannelCredentials());
    pipelines_ = v1::PipelineService::NewStub(channel_);
    v1::CreateServiceVersionRequest service;
    service.set_definition("{service: demo/same, version: 1.0.0, inputs: {n: {}}, nodes: {m: {lua: n}}, outputs: [m]}");
    v1::ServiceVersion version;
    grpc::ClientContext service_context;
    EXPECT_TRUE(v1::CatalogService::NewStub(channel_)->CreateServiceVersion(&service_context, service, &version).ok());
    v1::CreatePipelineRequest create;
    create.set_service("demo/same");
    grpc::ClientContext create_context;
    v1::Job job;
    EXPECT_TRUE(pipelines_->CreatePipeline(&create_context, create, &job).ok());
    id_ = job.id();
  }

  ~GrpcServerTest() override {
    hub_.Stop();
    server_->Shutdown(absl::Seconds(10));
    executor_.reset();
  }

  void OnJobChanged(const model::JobPtr& job) override {
    hub_.OnJobChanged(job);
    feed_.OnJobChanged(job);
  }

  void StartWorkers() { pool_ = execution::StartWorkerPool(1, hub_, *store_, *compiler_); }

  grpc::Status PushOne() {
    v1::PushRequest request;
    request.set_pipeline_id(id_);
    request.mutable_inputs()->set_json_lines("{\"n\":1}\n");
    grpc::ClientContext context;
    v1::PushResponse response;
    return pipelines_->Push(&context, request, &response);
  }

  v1::PullRequest WaitingPull(int seconds) {
    v1::PullRequest request;
    request.set_pipeline_id(id_);
    request.mutable_wait()->set_seconds(seconds);
    return request;
  }

  const model::Clock& clock_ = *model::SystemClock::Get();
  model::IdGenerator ids_{&clock_, 1};
  std::unique_ptr<store::JobStore> store_ = store::MakeModelJobStore(&clock_);
  core::LeaseHub hub_{store_->epoch(), clock_};
  core::ProgressFeed feed_;
  std::unique_ptr<core::ServiceCompiler> compiler_ = execution::MakeLuaServiceCompiler(&clock_);
  std::unique_ptr<core::Executor> executor_ = std::make_unique<core::Executor>(4, 100);
  const handlers::Deps deps_{.store = *store_,
                             .leases = hub_,
                             .compiler = *compiler_,
                             .clock = clock_,
                             .ids = ids_,
                             .server = {.instance_id = "s", .start_time = clock_.Now(), .workers = 1}};
  std::unique_ptr<GrpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::PipelineService::Stub> pipelines_;
  std::unique_ptr<execution::WorkerPool> pool_;
  std::string id_;
};

TEST_F(GrpcServerTest, AWaitingPullReturnsWhenAChunkIsCommitted) {
  ASSERT_TRUE(PushOne().ok());
  absl::Notification waiting;
  v1::PullResponse response;
  grpc::Status status;
  std::thread puller([&] {
    grpc::ClientContext context;
    waiting.Notify();
    status = pipelines_->Pull(&context, WaitingPull(60), &response);
  });
  waiting.WaitForNotification();
  StartWorkers();
  puller.join();
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.results_size(), 1);
  EXPECT_EQ(response.results(0).json_lines(), "{\"m\":1}\n");
}

TEST_F(GrpcServerTest, AWaitingPullReturnsWhenThePipelineIsClosedEmpty) {
  v1::PullResponse response;
  grpc::Status status;
  std::thread puller([&] {
    grpc::ClientContext context;
    status = pipelines_->Pull(&context, WaitingPull(60), &response);
  });
  v1::ClosePipelineRequest close;
  close.set_pipeline_id(id_);
  grpc::ClientContext context;
  v1::Job job;
  ASSERT_TRUE(pipelines_->ClosePipeline(&context, close, &job).ok());
  puller.join();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.results_size(), 0);
  EXPECT_TRUE(response.drained());
}

TEST_F(GrpcServerTest, AWaitingPullReturnsEmptyWhenItsPatienceEnds) {
  v1::PullRequest request = WaitingPull(0);
  request.mutable_wait()->set_nanos(1'000'000);
  grpc::ClientContext context;
  v1::PullResponse response;
  const grpc::Status status = pipelines_->Pull(&context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.results_size(), 0);
  EXPECT_FALSE(response.drained());
  EXPECT_EQ(response.status().pipeline_id(), id_);
}

TEST_F(GrpcServerTest, ACancelledPullEndsAndTheServerGoesOn) {
  grpc::ClientContext context;
  v1::PullResponse response;
  grpc::Status status;
  std::thread puller([&] { status = pipelines_->Pull(&context, WaitingPull(60), &response); });
  context.TryCancel();
  puller.join();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(PushOne().ok());
}

TEST_F(GrpcServerTest, ManyWaitingPullsNeedNoThreads) {
  constexpr int kPullers = 50;  // More than the executor has threads.
  std::vector<std::thread> pullers;
  std::vector<int> results(kPullers, -1);
  for (int i = 0; i < kPullers; ++i) {
    pullers.emplace_back([this, &results, i] {
      grpc::ClientContext context;
      v1::PullResponse response;
      if (pipelines_->Pull(&context, WaitingPull(60), &response).ok())
        results[static_cast<size_t>(i)] = response.results_size();
    });
  }
  EXPECT_TRUE(PushOne().ok()) << "a waiting pull must not hold a handler thread";
  StartWorkers();
  for (std::thread& puller : pullers) puller.join();
  EXPECT_EQ(results, std::vector<int>(kPullers, 1));
}

TEST_F(GrpcServerTest, AMessageOverTheLimitIsRefused) {
  v1::PushRequest request;
  request.set_pipeline_id(id_);
  request.mutable_inputs()->set_json_lines(std::string(static_cast<size_t>(model::kMessageBytesMax) + 1, ' '));
  grpc::ClientContext context;
  v1::PushResponse response;
  EXPECT_EQ(pipelines_->Push(&context, request, &response).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(GrpcServerTest, AFullQueueIsAnsweredWithServerBusy) {
  // Hold every handler thread and fill the queue; what comes then is turned away.
  const auto go_on = std::make_shared<absl::Notification>();
  while (executor_->TrySubmit([go_on] { go_on->WaitForNotification(); })) {
  }
  const grpc::Status status = PushOne();
  go_on->Notify();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_NE(status.error_details().find("SERVER_BUSY"), std::string::npos);
}

TEST_F(GrpcServerTest, ASecondServerOnThePortIsRefusedWithTheAddress) {
  const std::string address = absl::StrCat("127.0.0.1:", server_->port());
  const absl::Status status = StartGrpcServer(address, deps_, *executor_, feed_).status();
  EXPECT_THAT(status, testing::IsError(model::Reason::kServerNotReady));
  EXPECT_NE(std::string(status.message()).find(address), std::string::npos) << status;
}

}  // namespace
}  // namespace millrace::rpc
