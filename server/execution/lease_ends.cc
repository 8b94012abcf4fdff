#include "server/execution/lease_ends.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/core/log.h"
#include "server/execution/chunk_attempt.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/model/retry_policy.h"

namespace millrace::execution {
namespace {

using model::Reason;

void LogChunk(spdlog::level::level_enum level, const core::Lease& lease, const std::string& message) {
  core::Log(level, message, {{"job_id", lease.job->id}, {"chunk", absl::StrCat(lease.sequence)}});
}

}  // namespace

void LeaseEnds::Begin(const core::Lease& lease) {
  if (!lease.job->options.order_results) return;
  const model::JobKey key = lease.job->key();
  sequencer_.Begin(key, lease.sequence, lease.job->watermark);
  // Its end may have been told before the chunk was known to run.
  if (IsOver(key)) sequencer_.End(key);
}

void LeaseEnds::Commit(const core::Lease& lease, model::ChunkOutcome outcome, std::string worker) {
  hub_.Ran(lease);
  model::ChunkCommit commit{.job = lease.job->key(),
                            .sequence = lease.sequence,
                            .epoch = lease.epoch,
                            .attempt = lease.attempt,
                            .config_hash = lease.job->config_hash,
                            .outcome = std::move(outcome),
                            .worker = std::move(worker)};
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

void LeaseEnds::Committed(const core::Lease& lease, const absl::Status& status) {
  // A stale lease is no failure: the job was cancelled meanwhile, or the chunk is committed already.
  if (status.ok() || model::HasReason(status, Reason::kLeaseStale)) return hub_.Done(lease);
  LogChunk(spdlog::level::err, lease,
           absl::StrCat("its outcome could not be stored and the chunk will run again: ", status.message()));
  // A disk that refuses one refuses all: everybody waits.
  if (IsOfTheDisk(status)) return hub_.Return(lease);
  hub_.Return(lease, Backoff(lease, lease.attempt));
}

void LeaseEnds::Done(const core::Lease& lease) {
  hub_.Done(lease);
  if (lease.job->options.order_results) sequencer_.Abandon(lease.job->key(), lease.sequence);
}

void LeaseEnds::PassOver(const core::Lease& lease) {
  hub_.Done(lease);
  if (lease.job->options.order_results) sequencer_.PassOver(lease.job->key(), lease.sequence);
}

void LeaseEnds::Return(const core::Lease& lease, absl::Duration backoff) {
  // First: as soon as it is handed back, another thread may begin it again.
  if (lease.job->options.order_results) sequencer_.Abandon(lease.job->key(), lease.sequence);
  hub_.Return(lease, backoff);
}

void LeaseEnds::Park(const core::Lease& lease) {
  if (lease.job->options.order_results) sequencer_.Abandon(lease.job->key(), lease.sequence);
  hub_.Park(lease);
}

void LeaseEnds::Postpone(const core::Lease& lease, const char* verb, const absl::Status& status) {
  const absl::Duration backoff = Backoff(lease, lease.attempt);
  LogChunk(spdlog::level::warn, lease,
           absl::StrCat("cannot ", verb, " the chunk, next attempt in ", absl::FormatDuration(backoff), ": ",
                        status.message()));
  Return(lease, backoff);
}

void LeaseEnds::CannotRead(const core::Lease& lease, std::string worker, const absl::Status& status) {
  const bool is_gone =
      model::HasReason(status, Reason::kPipelineNotFound) || model::HasReason(status, Reason::kJobExpired);
  // Discarded: the job was cancelled by force, or its retention is over.
  if (is_gone && IsOver(lease.job->key())) return Done(lease);
  const bool is_damaged = is_gone || model::HasReason(status, Reason::kStorageCorrupt);
  if (!is_damaged || HasAttemptsLeft(lease)) return Postpone(lease, "read", status);
  const std::string why = absl::StrCat("chunk ", lease.sequence, " cannot be read: ", std::string(status.message()));
  const absl::StatusOr<model::Chunk> chunk = store_.FindChunk(lease.job->key(), lease.sequence);
  if (!chunk.ok()) return FailJob(lease, why);
  LogChunk(spdlog::level::err, lease, absl::StrCat(why, "; its ", chunk->record_count, " records become exceptions"));
  Commit(lease, LostInput(*chunk, why), std::move(worker));
}

void LeaseEnds::FailJob(const core::Lease& lease, const std::string& why) {
  LogChunk(spdlog::level::err, lease, absl::StrCat("the job fails: ", why));
  if (const auto failed = store_.FailJob(lease.job->key(), why); !failed.ok()) {
    return Postpone(lease, "give up", failed.status());
  }
  Done(lease);
}

bool LeaseEnds::IsOver(const model::JobKey& job) const {
  const absl::StatusOr<model::JobPtr> found = store_.GetJob(job);
  return !found.ok() || model::IsFinal((*found)->state);
}

absl::Duration LeaseEnds::Backoff(const core::Lease& lease, int32_t attempt) {
  return model::BackoffAfter(lease.job->options.retry, attempt, static_cast<uint64_t>(lease.sequence));
}

bool LeaseEnds::IsOfTheDisk(const absl::Status& status) {
  return model::HasReason(status, Reason::kStorageFull) || model::HasReason(status, Reason::kStorageFailed);
}

}  // namespace millrace::execution
