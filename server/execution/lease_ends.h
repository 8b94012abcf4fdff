// The ways in which a leased chunk is given up again: with an outcome, or without one. The same for all who lease chunks.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/core/lease_hub.h"
#include "server/execution/commit_sequencer.h"
#include "storage/model/chunk.h"
#include "storage/store/job_store.h"

namespace millrace::execution {

/// Thread-safe. Each lease begins with Begin and ends with exactly one of the calls below it, none of which waits for the
/// store but FailJob and CannotRead.
class LeaseEnds {
 public:
  /// Both must outlive the object, which must be there until each lease of the hub has ended.
  LeaseEnds(core::LeaseHub& hub, store::JobStore& store) : hub_(hub), store_(store) {}

  void Begin(const core::Lease& lease);

  /// The chunk is run. Its outcome goes into the store, in its turn where results are ordered; where it cannot be stored,
  /// the chunk is handed back. `worker` is who ran it.
  void Commit(const core::Lease& lease, model::ChunkOutcome outcome, std::string worker);
  /// It will not run.
  void Done(const core::Lease& lease);
  /// It was committed before its lease: after a restart, or where its job was taken up again. Those behind it wait for its
  /// turn all the same.
  void PassOver(const core::Lease& lease);
  /// It is to run again after `backoff`.
  void Return(const core::Lease& lease, absl::Duration backoff);
  /// A chunk before it holds one of its keys: see LeaseHub::MayRun.
  void Park(const core::Lease& lease);
  /// The same after an error, which is logged: the chunk could not be VERBed.
  void Postpone(const core::Lease& lease, const char* verb, const absl::Status& status);
  /// Its bytes cannot be read: it is tried again, or its records become exceptions, or the job fails.
  void CannotRead(const core::Lease& lease, std::string worker, const absl::Status& status);
  /// The job cannot go on.
  void FailJob(const core::Lease& lease, const std::string& why);

  /// No further lease of the job will be given.
  bool IsOver(const model::JobKey& job) const;

  /// The job has ended: outcomes do not wait for chunks of it that will never run.
  void EndJob(const model::JobKey& job) { sequencer_.End(job); }
  /// Lets go of outcomes that wait for their turn, for the server ends. REQUIRES: nothing runs.
  void GiveUp() { sequencer_.GiveUp(); }

  static bool HasAttemptsLeft(const core::Lease& lease) {
    return lease.attempt < lease.job->options.retry.max_attempts;
  }
  static absl::Duration Backoff(const core::Lease& lease, int32_t attempt);
  /// An error that goes by itself or with a full disk, not with the chunk that met it.
  static bool IsOfTheDisk(const absl::Status& status);

 private:
  void Committed(const core::Lease& lease, const absl::Status& status);

  core::LeaseHub& hub_;
  store::JobStore& store_;
  CommitSequencer sequencer_;
};

}  // namespace millrace::execution
