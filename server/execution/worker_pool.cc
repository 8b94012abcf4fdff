#include "server/execution/worker_pool.h"

#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/execution/chunk_attempt.h"
#include "server/execution/held_chunks.h"
#include "server/execution/lease_ends.h"
#include "server/execution/ordering_keys.h"
#include "server/execution/runner_cache.h"
#include "storage/model/job_rules.h"

namespace millrace::execution {
namespace {

class LocalWorkerPool final : public WorkerPool {
 public:
  LocalWorkerPool(int threads, core::LeaseHub& hub, store::JobStore& store, const core::ServiceCompiler& compiler,
                  CrashGuard guard, std::string name, core::JobTotals* totals)
      : hub_(hub),
        store_(store),
        compiler_(compiler),
        guard_(std::move(guard)),
        name_(std::move(name)),
        totals_(totals),
        ends_(hub, store) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this, i] { Work(i); });
  }

  ~LocalWorkerPool() override { Stop(); }

  void Stop() override {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    ends_.GiveUp();
  }

  void OnJobChanged(const model::JobPtr& job) override {
    if (!model::IsFinal(job->state)) return;
    held_.Forget(job->key());
    ends_.EndJob(job->key());
  }

 private:
  void Work(int thread) {
    RunnerCache runners(store_, compiler_);
    while (const std::optional<core::Lease> lease = hub_.Acquire()) RunChunk(*lease, thread, runners);
  }

  void RunChunk(const core::Lease& lease, int thread, RunnerCache& runners) {
    const model::JobKey key = lease.job->key();
    ends_.Begin(lease);
    const absl::StatusOr<model::ChunkInput> input = store_.ReadChunk(key, lease.sequence);
    if (!input.ok()) return ends_.CannotRead(lease, WorkerName(thread), input.status());
    if (input->chunk.state == model::ChunkState::kCommitted) return ends_.PassOver(lease);
    const std::vector<uint64_t> keys = KeysOf(lease, *input);
    if (lease.needs_keys && !hub_.MayRun(lease, DifferentKeys(keys))) return ends_.Park(lease);
    hub_.Sized(lease, input->chunk.record_count);
    if (totals_ != nullptr && lease.attempt == 1) totals_->OnChunkStarted(*lease.job, input->chunk.push_time);
    if (const auto runner = runners.Get(*lease.job); !runner.ok()) return CannotPrepare(lease, runner.status());

    HeldChunk held = held_.Take(key, lease.sequence);
    // A chunk runs under one version: of outcomes of another, nothing is kept.
    if (held.config_hash != lease.job->config_hash) held = {};
    held.config_hash = lease.job->config_hash;
    // A job that was cancelled meanwhile gives no further lease.
    const auto is_last = [&](int32_t attempt) {
      return attempt >= lease.job->options.retry.max_attempts || ends_.IsOver(key);
    };
    ChunkGuard guard{.running = nullptr, .quarantined = guard_.quarantine.Find(key, lease.sequence)};
    if (guard_.recorder != nullptr) guard.running = guard_.recorder->Begin(thread, key, lease.sequence);
    std::optional<model::ChunkOutcome> outcome = RunAttempt(*lease.job, *input, keys, is_last, runners, guard, held);
    if (guard_.recorder != nullptr) guard_.recorder->End(thread);
    if (!outcome.has_value()) return TryAgain(lease, std::move(held));
    ends_.Commit(lease, *std::move(outcome), WorkerName(thread));
  }

  std::string WorkerName(int thread) const { return absl::StrCat(name_, "/thread-", thread + 1); }

  /// The ordering key of each record; empty where the job has none.
  static std::vector<uint64_t> KeysOf(const core::Lease& lease, const model::ChunkInput& input) {
    const std::string& field = lease.job->options.ordering_key;
    if (field.empty()) return {};
    return OrderingKeys(input.json_lines, input.chunk.record_count, field);
  }

  void TryAgain(const core::Lease& lease, HeldChunk held) {
    const model::JobKey key = lease.job->key();
    const int32_t attempts = held.attempts;
    held_.Put(key, lease.sequence, std::move(held));
    // Its end may have been told before there was something to let go of.
    if (ends_.IsOver(key)) held_.Forget(key);
    ends_.Return(lease, LeaseEnds::Backoff(lease, attempts));
  }

  void CannotPrepare(const core::Lease& lease, const absl::Status& status) {
    if (LeaseEnds::IsOfTheDisk(status) || LeaseEnds::HasAttemptsLeft(lease)) {
      return ends_.Postpone(lease, "prepare", status);
    }
    // Moved to another version meanwhile, so that this one could be deleted: the chunk runs under the other.
    const absl::StatusOr<model::JobPtr> job = store_.GetJob(lease.job->key());
    if (job.ok() && (*job)->version_id != lease.job->version_id) return ends_.Postpone(lease, "prepare", status);
    ends_.FailJob(lease, absl::StrCat("service version ", lease.job->service_version, " of ", lease.job->service,
                                      " cannot be run: ", std::string(status.message())));
  }

  core::LeaseHub& hub_;
  store::JobStore& store_;
  const core::ServiceCompiler& compiler_;
  const CrashGuard guard_;
  const std::string name_;
  core::JobTotals* const totals_;
  HeldChunks held_;
  LeaseEnds ends_;
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<WorkerPool> StartWorkerPool(int threads, core::LeaseHub& hub, store::JobStore& store,
                                            const core::ServiceCompiler& compiler, CrashGuard guard, std::string name,
                                            core::JobTotals* totals) {
  return std::make_unique<LocalWorkerPool>(threads, hub, store, compiler, std::move(guard), std::move(name), totals);
}

}  // namespace millrace::execution
