#include "server/execution/worker_pool.h"

#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/core/log.h"
#include "server/execution/chunk_attempt.h"
#include "server/execution/commit_sequencer.h"
#include "server/execution/held_chunks.h"
#include "server/execution/ordering_keys.h"
#include "server/execution/runner_cache.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/model/retry_policy.h"

namespace millrace::execution {
namespace {

using model::Reason;

/// An error that goes by itself or with a full disk, not with the chunk that met it.
bool IsOfTheDisk(const absl::Status& status) {
  return model::HasReason(status, Reason::kStorageFull) || model::HasReason(status, Reason::kStorageFailed);
}

void LogChunk(spdlog::level::level_enum level, const core::Lease& lease, const std::string& message) {
  core::Log(level, message, {{"job_id", lease.job->id}, {"chunk", absl::StrCat(lease.sequence)}});
}

class LocalWorkerPool final : public WorkerPool {
 public:
  LocalWorkerPool(int threads, core::LeaseHub& hub, store::JobStore& store, const core::ServiceCompiler& compiler,
                  CrashGuard guard, std::string name)
      : hub_(hub), store_(store), compiler_(compiler), guard_(std::move(guard)), name_(std::move(name)) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this, i] { Work(i); });
  }

  ~LocalWorkerPool() override { Stop(); }

  void Stop() override {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    sequencer_.GiveUp();
  }

  void OnJobChanged(const model::JobPtr& job) override {
    if (!model::IsFinal(job->state)) return;
    held_.Forget(job->key());
    sequencer_.End(job->key());
  }

 private:
  void Work(int thread) {
    RunnerCache runners(store_, compiler_);
    while (const std::optional<core::Lease> lease = hub_.Acquire()) RunChunk(*lease, thread, runners);
  }

  void RunChunk(const core::Lease& lease, int thread, RunnerCache& runners) {
    const model::JobKey key = lease.job->key();
    if (lease.job->options.order_results) {
      sequencer_.Begin(key, lease.sequence, lease.job->watermark);
      // Its end may have been told before the chunk was known to run.
      if (IsOver(key)) sequencer_.End(key);
    }
    const absl::StatusOr<model::ChunkInput> input = store_.ReadChunk(key, lease.sequence);
    if (!input.ok()) return CannotRead(lease, thread, input.status());
    if (input->chunk.state == model::ChunkState::kCommitted) return Done(lease);
    const std::vector<uint64_t> keys = KeysOf(lease, *input);
    if (lease.needs_keys && !hub_.MayRun(lease, DifferentKeys(keys))) return Park(lease);
    hub_.Sized(lease, input->chunk.record_count);
    if (const auto runner = runners.Get(*lease.job); !runner.ok()) return CannotPrepare(lease, runner.status());

    HeldChunk held = held_.Take(key, lease.sequence);
    // A chunk runs under one version: of outcomes of another, nothing is kept.
    if (held.config_hash != lease.job->config_hash) held = {};
    held.config_hash = lease.job->config_hash;
    // A job that was cancelled meanwhile gives no further lease.
    const auto is_last = [&](int32_t attempt) {
      return attempt >= lease.job->options.retry.max_attempts || IsOver(key);
    };
    ChunkGuard guard{.running = nullptr, .quarantined = guard_.quarantine.Find(key, lease.sequence)};
    if (guard_.recorder != nullptr) guard.running = guard_.recorder->Begin(thread, key, lease.sequence);
    std::optional<model::ChunkOutcome> outcome = RunAttempt(*lease.job, *input, keys, is_last, runners, guard, held);
    if (guard_.recorder != nullptr) guard_.recorder->End(thread);
    if (!outcome.has_value()) return TryAgain(lease, std::move(held));
    Commit(lease, thread, *std::move(outcome));
  }

  void Commit(const core::Lease& lease, int thread, model::ChunkOutcome outcome) {
    hub_.Ran(lease);
    model::ChunkCommit commit{.job = lease.job->key(),
                              .sequence = lease.sequence,
                              .epoch = lease.epoch,
                              .attempt = lease.attempt,
                              .config_hash = lease.job->config_hash,
                              .outcome = std::move(outcome),
                              .worker = absl::StrCat(name_, "/thread-", thread + 1)};
    const auto hand_in = [this, lease](model::ChunkCommit ready) {
      store_.CommitChunk(std::move(ready),
                         [this, lease](const absl::StatusOr<model::JobPtr>& job) { Committed(lease, job.status()); });
    };
    if (!lease.job->options.order_results) return hand_in(std::move(commit));
    sequencer_.Submit(lease.job->key(), lease.sequence,
                      [this, lease, hand_in, commit = std::move(commit)](bool is_due) mutable {
                        if (!is_due) return hub_.Done(lease);
                        hand_in(std::move(commit));
                      });
  }

  /// A chunk that is over, or is handed back, without an outcome.
  void Done(const core::Lease& lease) {
    hub_.Done(lease);
    if (lease.job->options.order_results) sequencer_.Abandon(lease.job->key(), lease.sequence);
  }
  void Return(const core::Lease& lease, absl::Duration backoff) {
    // First: as soon as it is handed back, another thread may begin it again.
    if (lease.job->options.order_results) sequencer_.Abandon(lease.job->key(), lease.sequence);
    hub_.Return(lease, backoff);
  }
  void Park(const core::Lease& lease) {
    if (lease.job->options.order_results) sequencer_.Abandon(lease.job->key(), lease.sequence);
    hub_.Park(lease);
  }

  /// The ordering key of each record; empty where the job has none.
  static std::vector<uint64_t> KeysOf(const core::Lease& lease, const model::ChunkInput& input) {
    const std::string& field = lease.job->options.ordering_key;
    if (field.empty()) return {};
    return OrderingKeys(input.json_lines, input.chunk.record_count, field);
  }

  void Committed(const core::Lease& lease, const absl::Status& status) {
    // A stale lease is no failure: the job was cancelled meanwhile, or the chunk is committed already.
    if (status.ok() || model::HasReason(status, Reason::kLeaseStale)) return hub_.Done(lease);
    LogChunk(spdlog::level::err, lease,
             absl::StrCat("its outcome could not be stored and the chunk will run again: ", status.message()));
    // A disk that refuses one refuses all: everybody waits.
    if (IsOfTheDisk(status)) return hub_.Return(lease);
    hub_.Return(lease, Backoff(lease, lease.attempt));
  }

  void TryAgain(const core::Lease& lease, HeldChunk held) {
    const model::JobKey key = lease.job->key();
    const int32_t attempts = held.attempts;
    held_.Put(key, lease.sequence, std::move(held));
    // Its end may have been told before there was something to let go of.
    if (IsOver(key)) held_.Forget(key);
    Return(lease, Backoff(lease, attempts));
  }

  void CannotRead(const core::Lease& lease, int thread, const absl::Status& status) {
    const bool is_gone = model::HasReason(status, Reason::kPipelineNotFound);
    // Discarded: the job was cancelled by force.
    if (is_gone && IsOver(lease.job->key())) return Done(lease);
    const bool is_damaged = is_gone || model::HasReason(status, Reason::kStorageCorrupt);
    if (!is_damaged || HasAttemptsLeft(lease)) return Postpone(lease, "read", status);
    const std::string why = absl::StrCat("chunk ", lease.sequence, " cannot be read: ", std::string(status.message()));
    const absl::StatusOr<model::Chunk> chunk = store_.FindChunk(lease.job->key(), lease.sequence);
    if (!chunk.ok()) return FailJob(lease, why);
    LogChunk(spdlog::level::err, lease, absl::StrCat(why, "; its ", chunk->record_count, " records become exceptions"));
    Commit(lease, thread, LostInput(*chunk, why));
  }

  void CannotPrepare(const core::Lease& lease, const absl::Status& status) {
    if (IsOfTheDisk(status) || HasAttemptsLeft(lease)) return Postpone(lease, "prepare", status);
    // Moved to another version meanwhile, so that this one could be deleted: the chunk runs under the other.
    const absl::StatusOr<model::JobPtr> job = store_.GetJob(lease.job->key());
    if (job.ok() && (*job)->version_id != lease.job->version_id) return Postpone(lease, "prepare", status);
    FailJob(lease, absl::StrCat("service version ", lease.job->service_version, " of ", lease.job->service,
                                " cannot be run: ", std::string(status.message())));
  }

  void Postpone(const core::Lease& lease, const char* verb, const absl::Status& status) {
    const absl::Duration backoff = Backoff(lease, lease.attempt);
    LogChunk(spdlog::level::warn, lease,
             absl::StrCat("cannot ", verb, " the chunk, next attempt in ", absl::FormatDuration(backoff), ": ",
                          status.message()));
    Return(lease, backoff);
  }

  void FailJob(const core::Lease& lease, const std::string& why) {
    LogChunk(spdlog::level::err, lease, absl::StrCat("the job fails: ", why));
    if (const auto failed = store_.FailJob(lease.job->key(), why); !failed.ok()) {
      return Postpone(lease, "give up", failed.status());
    }
    Done(lease);
  }

  static bool HasAttemptsLeft(const core::Lease& lease) {
    return lease.attempt < lease.job->options.retry.max_attempts;
  }

  static absl::Duration Backoff(const core::Lease& lease, int32_t attempt) {
    return model::BackoffAfter(lease.job->options.retry, attempt, static_cast<uint64_t>(lease.sequence));
  }

  /// No further lease of the job will be given.
  bool IsOver(const model::JobKey& key) const {
    const absl::StatusOr<model::JobPtr> job = store_.GetJob(key);
    return !job.ok() || model::IsFinal((*job)->state);
  }

  core::LeaseHub& hub_;
  store::JobStore& store_;
  const core::ServiceCompiler& compiler_;
  const CrashGuard guard_;
  const std::string name_;
  HeldChunks held_;
  CommitSequencer sequencer_;
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<WorkerPool> StartWorkerPool(int threads, core::LeaseHub& hub, store::JobStore& store,
                                            const core::ServiceCompiler& compiler, CrashGuard guard, std::string name) {
  return std::make_unique<LocalWorkerPool>(threads, hub, store, compiler, std::move(guard), std::move(name));
}

}  // namespace millrace::execution
