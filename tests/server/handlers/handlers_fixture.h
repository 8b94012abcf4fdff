// Handlers over the model store and real Lua, with a worker pool that can be waited for.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/synchronization/notification.h"
#include "server/core/lease_hub.h"
#include "server/core/progress_feed.h"
#include "server/execution/lua_service_compiler.h"
#include "server/execution/worker_pool.h"
#include "server/handlers/catalog_handlers.h"
#include "server/handlers/job_handlers.h"
#include "server/handlers/pipeline_handlers.h"
#include "storage/model/job_rules.h"
#include "storage/store/model_job_store.h"
#include "tests/support/status_matchers.h"

namespace millrace::handlers {

inline constexpr char kDoubler[] = R"(
service: demo/doubler
version: 1.0.0
inputs: {n: {type: number}}
nodes: {twice: {lua: "n * 2"}}
outputs: [twice]
)";

class HandlersFixture : public ::testing::Test, public store::JobObserver {
 protected:
  HandlersFixture() { store_->SetObserver(this); }
  ~HandlersFixture() override { hub_.Stop(); }

  void OnJobChanged(const model::JobPtr& job) override {
    hub_.OnJobChanged(job);
    feed_.OnJobChanged(job);
  }

  /// Starts the workers; without this, what is pushed waits.
  void StartWorkers() { pool_ = execution::StartWorkerPool(1, hub_, *store_, *compiler_); }

  /// Waits until every chunk that was pushed is committed.
  void AwaitCommitted(const std::string& pipeline_id) {
    const model::JobKey key = call_.job(pipeline_id);
    absl::Notification done;
    const auto is_done = [](const model::JobPtr& job) { return model::ChunksPending(*job) == 0; };
    const auto id = feed_.Watch(key, [&](const model::JobPtr& job) {
      if (!is_done(job)) return false;
      done.Notify();
      return true;
    });
    if (is_done(*store_->GetJob(key)) && feed_.Unwatch(key, id)) return;
    done.WaitForNotification();
  }

  void CreateService(const std::string& definition = kDoubler) {
    v1::CreateServiceVersionRequest request;
    request.set_definition(definition);
    ASSERT_THAT(CreateServiceVersion(request, call_, deps_), testing::IsOk());
  }

  /// Creates a pipeline on the doubler.
  std::string CreateDoublerPipeline() {
    CreateService();
    v1::CreatePipelineRequest request;
    request.set_service("demo/doubler");
    return CreatePipeline(request, call_, deps_)->id();
  }

  absl::StatusOr<v1::PushResponse> PushLines(const std::string& pipeline_id, const std::string& json_lines) {
    v1::PushRequest request;
    request.set_pipeline_id(pipeline_id);
    request.mutable_inputs()->set_json_lines(json_lines);
    return Push(request, call_, deps_);
  }

  absl::StatusOr<v1::PullResponse> PullAfter(const std::string& pipeline_id, int64_t after) {
    v1::PullRequest request;
    request.set_pipeline_id(pipeline_id);
    request.set_after(after);
    return Pull(request, call_, deps_);
  }

  static std::string FieldOf(const absl::Status& status) { return model::DetailsOf(status).field; }

  model::ManualClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  model::IdGenerator ids_{&clock_, 1};
  std::unique_ptr<store::JobStore> store_ = store::MakeModelJobStore(&clock_);
  core::LeaseHub hub_{store_->epoch(), clock_};
  core::ProgressFeed feed_;
  std::unique_ptr<core::ServiceCompiler> compiler_ = execution::MakeLuaServiceCompiler(model::SystemClock::Get());
  const Call call_{.principal = {}, .request_time = clock_.Now()};
  const Deps deps_{
      .store = *store_,
      .leases = hub_,
      .compiler = *compiler_,
      .clock = clock_,
      .ids = ids_,
      .server = {
          .instance_id = "server-1", .start_time = clock_.Now(), .workers = 4, .worker_labels = {{"site", "paris"}}}};
  std::unique_ptr<execution::WorkerPool> pool_;
};

}  // namespace millrace::handlers
