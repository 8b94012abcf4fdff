// A whole server on a free port over the model store, for tests of what goes over the wire.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "grpc/grpc.h"
#include "grpcpp/grpcpp.h"
#include "millrace/v1/catalog_service.grpc.pb.h"
#include "millrace/v1/pipeline_service.grpc.pb.h"
#include "server/execution/lua_service_compiler.h"
#include "server/execution/worker_pool.h"
#include "server/rpc/grpc_server.h"
#include "storage/store/model_job_store.h"
#include "tests/support/status_matchers.h"

namespace millrace::rpc {

/// A server on a free port over the model store. Workers start when a test says so.
class GrpcFixture : public ::testing::Test, public store::JobObserver {
 protected:
  // gRPC 1.51 takes up to ten seconds to shut its library down after a large message; so it stays up.
  static void SetUpTestSuite() { grpc_init(); }

  GrpcFixture() {
    store_->SetObserver(this);
    hub_.SetIdleListener([this](const model::JobKey& key) { feed_.OnJobChanged(*store_->GetJob(key)); });
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

  ~GrpcFixture() override {
    hub_.Stop();
    server_->Shutdown(absl::Seconds(10));
    executor_.reset();
  }

  void OnJobChanged(const model::JobPtr& job) override {
    hub_.OnJobChanged(job);
    activity_.OnJobChanged(job);
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

  static constexpr int kExecutorThreads = 4;

  /// The machine's clock; counts who looks at the time, which every answer does.
  class CountingClock final : public model::Clock {
   public:
    absl::Time Now() const override {
      ++looks_;
      return model::SystemClock::Get()->Now();
    }
    int64_t SteadyNanos() const override { return model::SystemClock::Get()->SteadyNanos(); }
    void WaitUntil(std::condition_variable_any& changed, absl::Mutex& mutex, int64_t steady_nanos) const override
        ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
      model::SystemClock::Get()->WaitUntil(changed, mutex, steady_nanos);
    }
    int64_t looks() const { return looks_; }

   private:
    mutable std::atomic<int64_t> looks_ = 0;
  };

  CountingClock clock_;
  model::IdGenerator ids_{&clock_, 1};
  std::unique_ptr<store::JobStore> store_ = store::MakeModelJobStore(&clock_);
  core::LeaseHub hub_{store_->epoch(), clock_};
  core::ProgressFeed feed_;
  /// Moves only when a test says so.
  model::ManualClock idle_clock_{absl::UnixEpoch()};
  core::PipelineActivity activity_{&idle_clock_};
  std::unique_ptr<core::ServiceCompiler> compiler_ = execution::MakeLuaServiceCompiler(&clock_);
  std::unique_ptr<core::Executor> executor_ = std::make_unique<core::Executor>(kExecutorThreads, 2'000);
  const handlers::Deps deps_{.store = *store_,
                             .leases = hub_,
                             .compiler = *compiler_,
                             .clock = clock_,
                             .ids = ids_,
                             .server = {.instance_id = "s", .start_time = clock_.Now(), .workers = 1},
                             .activity = &activity_};
  std::unique_ptr<GrpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::PipelineService::Stub> pipelines_;
  std::unique_ptr<execution::WorkerPool> pool_;
  std::string id_;
};

}  // namespace millrace::rpc
