#include "server/execution/worker_pool.h"

#include <list>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "spdlog/spdlog.h"
#include "storage/model/errors.h"

namespace millrace::execution {
namespace {

/// Sandboxes that one worker keeps ready; each holds a few hundred KB.
constexpr size_t kRunnersKeptMax = 16;

/// Runners of one worker thread by service version, the last used first.
class RunnerCache {
 public:
  RunnerCache(const store::JobStore& store, const core::ServiceCompiler& compiler)
      : store_(store), compiler_(compiler) {}

  absl::StatusOr<core::ServiceRunner*> Get(const model::Job& job) {
    for (auto it = runners_.begin(); it != runners_.end(); ++it) {
      if (it->version_id != job.version_id) continue;
      runners_.splice(runners_.begin(), runners_, it);
      return it->runner.get();
    }
    const absl::StatusOr<model::ServiceVersion> version =
        store_.GetServiceVersion(job.tenant, {.service = {}, .version = {}, .version_id = job.version_id});
    if (!version.ok()) return version.status();
    const absl::StatusOr<core::ServiceDefinition> plan = core::PlanStored(compiler_, *version);
    if (!plan.ok()) return plan.status();
    absl::StatusOr<std::unique_ptr<core::ServiceRunner>> runner = compiler_.MakeRunner(*plan);
    if (!runner.ok()) return runner.status();
    if (runners_.size() == kRunnersKeptMax) runners_.pop_back();
    runners_.push_front({job.version_id, *std::move(runner)});
    return runners_.front().runner.get();
  }

 private:
  struct Entry {
    std::string version_id;
    std::unique_ptr<core::ServiceRunner> runner;
  };
  const store::JobStore& store_;
  const core::ServiceCompiler& compiler_;
  std::list<Entry> runners_;
};

/// The same for every run of a chunk, different for every chunk.
uint64_t RandomSeed(const model::JobKey& job, int64_t sequence) {
  uint64_t seed = 14695981039346656037u;  // FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/
  const auto mix = [&seed](unsigned char byte) { seed = (seed ^ byte) * 1099511628211u; };
  for (const char c : job.job_id) mix(static_cast<unsigned char>(c));
  for (int shift = 0; shift < 64; shift += 8) mix(static_cast<unsigned char>(sequence >> shift));
  return seed;
}

class LocalWorkerPool final : public WorkerPool {
 public:
  LocalWorkerPool(int threads, core::LeaseHub& hub, store::JobStore& store, const core::ServiceCompiler& compiler)
      : hub_(hub), store_(store), compiler_(compiler) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
  }

  ~LocalWorkerPool() override { Stop(); }

  void Stop() override {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  void Work() {
    RunnerCache runners(store_, compiler_);
    while (const std::optional<core::Lease> lease = hub_.Acquire()) RunChunk(*lease, runners);
  }

  void RunChunk(const core::Lease& lease, RunnerCache& runners) {
    const model::JobKey key = lease.job->key();
    const absl::StatusOr<model::ChunkInput> input = store_.ReadChunk(key, lease.sequence);
    if (!input.ok()) return GiveUp(lease, "read", input.status());
    if (input->chunk.state == model::ChunkState::kCommitted) return hub_.Done(lease);
    const absl::StatusOr<core::ServiceRunner*> runner = runners.Get(*lease.job);
    if (!runner.ok()) return GiveUp(lease, "prepare", runner.status());

    model::ChunkOutcome outcome = (*runner)->Run({.json_lines = input->json_lines,
                                                  .record_count = input->chunk.record_count,
                                                  .job_parameters_json = lease.job->parameters_json,
                                                  .chunk_parameters_json = input->chunk.parameters_json,
                                                  .selected_outputs = lease.job->selected_outputs,
                                                  .summary = input->chunk.summary,
                                                  .record_timeout = lease.job->options.record_timeout,
                                                  .random_seed = RandomSeed(key, lease.sequence)});
    hub_.Ran(lease);
    store_.CommitChunk({.job = key,
                        .sequence = lease.sequence,
                        .epoch = lease.epoch,
                        .attempt = lease.attempt,
                        .config_hash = lease.job->config_hash,
                        .outcome = std::move(outcome)},
                       [this, lease](const absl::StatusOr<model::JobPtr>& job) { Committed(lease, job.status()); });
  }

  void Committed(const core::Lease& lease, const absl::Status& status) {
    // A stale lease is no failure: the job was cancelled meanwhile, or the chunk is committed already.
    if (status.ok() || model::HasReason(status, model::Reason::kLeaseStale)) return hub_.Done(lease);
    spdlog::error("job {} chunk {}: its outcome could not be stored and the chunk will run again: {}", lease.job->id,
                  lease.sequence, std::string(status.message()));
    hub_.Return(lease);
  }

  /// A chunk that cannot even be started waits for the next start of the server; the others go on.
  void GiveUp(const core::Lease& lease, const char* verb, const absl::Status& status) {
    if (!model::HasReason(status, model::Reason::kPipelineNotFound)) {
      spdlog::error("job {} chunk {}: cannot {} it, so it waits until the server is started again: {}", lease.job->id,
                    lease.sequence, verb, std::string(status.message()));
    }
    hub_.Done(lease);
  }

  core::LeaseHub& hub_;
  store::JobStore& store_;
  const core::ServiceCompiler& compiler_;
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<WorkerPool> StartWorkerPool(int threads, core::LeaseHub& hub, store::JobStore& store,
                                            const core::ServiceCompiler& compiler) {
  return std::make_unique<LocalWorkerPool>(threads, hub, store, compiler);
}

}  // namespace millrace::execution
