// A worker pool over a RocksDB store whose rows a test can damage, with a runner that does what a test says.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "server/core/lease_hub.h"
#include "server/core/service_runner.h"
#include "server/execution/worker_pool.h"
#include "storage/engine/engine.h"
#include "storage/model/job_rules.h"
#include "storage/store/rocks_job_store_impl.h"
#include "storage/store/rocks_rows.h"
#include "tests/support/factories.h"
#include "tests/support/status_matchers.h"
#include "tools/harness/temporary_folder.h"

namespace millrace::execution {

inline constexpr char kAnyService[] = R"(
service: demo/double
version: 1.0.0
inputs: {n: {type: any}}
nodes: {m: {lua: "n"}}
outputs: [m]
)";

/// What a run does with one record, given as it was pushed and with its index in the chunk.
using RunRecord = std::function<void(const std::string& record, int32_t index, model::ChunkOutcome& outcome)>;

/// Adds an output, or a failure.
inline void Succeed(const std::string& record, model::ChunkOutcome& outcome) { outcome.json_lines += record + "\n"; }
inline void FailRecord(int32_t index, const std::string& code, bool transient, model::ChunkOutcome& outcome) {
  outcome.json_lines += "null\n";
  outcome.failures.push_back(
      {.index = index, .node = "m", .code = code, .message = "no luck", .input = "{}", .transient = transient});
}

class ScriptedRunner final : public core::ServiceRunner {
 public:
  explicit ScriptedRunner(const RunRecord& run_record) : run_record_(run_record) {}

  model::ChunkOutcome Run(const core::ChunkRun& run) override {
    model::ChunkOutcome outcome;
    std::string_view unread = run.json_lines;
    for (int32_t i = 0; i < run.record_count; ++i) {
      const size_t end = unread.find('\n');
      const int32_t index = run.indexes.empty() ? i : run.indexes[static_cast<size_t>(i)];
      run_record_(std::string(unread.substr(0, end)), index, outcome);
      unread.remove_prefix(end + 1);
      outcome.process_time_ns.push_back(1);
    }
    outcome.record_count = run.record_count;
    return outcome;
  }

 private:
  const RunRecord& run_record_;
};

class ScriptedCompiler final : public core::ServiceCompiler {
 public:
  explicit ScriptedCompiler(RunRecord run_record) : run_record_(std::move(run_record)) {}

  absl::StatusOr<core::ServiceDefinition> Plan(core::ServiceDefinition definition) const override { return definition; }
  absl::StatusOr<std::unique_ptr<core::ServiceRunner>> MakeRunner(const core::ServiceDefinition&) const override {
    return std::make_unique<ScriptedRunner>(run_record_);
  }

 private:
  const RunRecord run_record_;
};

class WorkerPoolTest : public ::testing::Test, public store::JobObserver {
 protected:
  WorkerPoolTest() {
    const store::RocksJobStoreOptions options{.folder = folder_.path(), .clock = &wall_clock_};
    auto engine = *engine::OpenEngine(store::EngineOptionsOf(options));
    engine_ = engine.get();
    store_ = *store::OpenRocksJobStoreOn(options, std::move(engine));
    store_->SetObserver(this);
    model::ServiceVersion version = testing::ExampleVersion();
    version.definition = kAnyService;
    EXPECT_THAT(store_->CreateServiceVersion(version), testing::IsOk());
    hub_ = std::make_unique<core::LeaseHub>(store_->epoch(), clock_);
  }

  ~WorkerPoolTest() override {
    hub_->Stop();
    pool_->Stop();
    store_.reset();
  }

  void OnJobChanged(const model::JobPtr& job) override {
    hub_->OnJobChanged(job);
    absl::MutexLock lock(&mutex_);
    if (pool_ != nullptr) pool_->OnJobChanged(job);
    job_ = job;
  }

  /// A job with one chunk for each element of `chunks`, whose records are given as JSON.
  model::JobKey CreateAndPush(const std::vector<std::vector<std::string>>& chunks, model::JobOptions options = {}) {
    model::Job job = testing::ExampleJob();
    options.max_workers = std::max(options.max_workers, 4);
    job.options = std::move(options);
    model::JobKey key = (*store_->CreateJob(std::move(job)))->key();
    store::PushChunks push{.job = key, .chunks = {}};
    for (const auto& records : chunks) {
      model::NewChunk& chunk = push.chunks.emplace_back();
      chunk.id = absl::StrCat("c", push.chunks.size());
      chunk.record_count = static_cast<int32_t>(records.size());
      for (const std::string& record : records) chunk.json_lines += record + "\n";
    }
    EXPECT_THAT(
        store::Await<store::PushReceipt>([&](auto done) { store_->PushChunks(std::move(push), std::move(done)); }),
        testing::IsOk());
    return key;
  }

  void Start(RunRecord run_record, CrashGuard guard = {}, int threads = 1) {
    compiler_ = std::make_unique<ScriptedCompiler>(std::move(run_record));
    absl::MutexLock lock(&mutex_);
    pool_ = execution::StartWorkerPool(threads, *hub_, *store_, *compiler_, std::move(guard));
  }

  /// Ends the pool as the end of a server does, and makes a hub that knows nothing. No commit may be on its way but for the
  /// word that it is over: the store tells that the old pool and hub, which stay as long as the store does.
  void StopServing() {
    hub_->Stop();
    pool_->Stop();
    retired_hubs_.push_back(std::move(hub_));
    absl::MutexLock lock(&mutex_);
    retired_pools_.push_back(std::move(pool_));
    hub_ = std::make_unique<core::LeaseHub>(store_->epoch(), clock_);
  }

  /// Lets backoffs pass until the job satisfies `condition`.
  model::JobPtr AwaitJob(const std::function<bool(const model::Job&)>& condition) {
    for (;;) {
      {
        absl::MutexLock lock(&mutex_);
        if (job_ != nullptr && condition(*job_)) return job_;
      }
      clock_.Advance(absl::Seconds(1));
    }
  }
  model::JobPtr AwaitAllCommitted() {
    return AwaitJob([](const model::Job& job) {
      return job.last_sequence > 0 && job.counters.chunks_completed == job.last_sequence;
    });
  }

  std::vector<model::ChunkResult> Results(const model::JobKey& key) {
    return *store_->ReadResults(key, 0, 1'000, 1'000'000);
  }

  /// Overwrites a row, as a broken disk might.
  void Damage(format::Family family, const std::string& key) {
    const auto unit = engine_->NewUnit();
    unit->Put(store::At(family), key, "\xFF\xFF damaged");
    ASSERT_THAT(engine_->Write(*unit, true), testing::IsOk());
  }

  const harness::TemporaryFolder folder_;
  /// Stands still: the store reads it from several threads.
  model::ManualClock wall_clock_{testing::At(0)};
  /// Of the backoffs.
  model::ManualClock clock_{testing::At(0)};
  engine::Engine* engine_ = nullptr;
  std::unique_ptr<store::JobStore> store_;
  std::unique_ptr<core::LeaseHub> hub_;
  std::vector<std::unique_ptr<core::LeaseHub>> retired_hubs_;
  std::unique_ptr<core::ServiceCompiler> compiler_;
  std::unique_ptr<WorkerPool> pool_;
  std::vector<std::unique_ptr<WorkerPool>> retired_pools_;
  absl::Mutex mutex_;
  model::JobPtr job_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace millrace::execution
