// Runs bulk runs: submits the jobs that their records are, and takes their outcomes when they have ended.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "server/core/child_job.h"
#include "server/core/lease_hub.h"
#include "server/execution/bulk_outcome.h"
#include "server/execution/lease_ends.h"
#include "storage/store/job_store.h"

namespace millrace::execution {

/// Holds the leases of chunks whose records run as jobs. No thread waits for a job: its end is heard from the store, and
/// becomes something to do for whoever calls Settle.
///
/// Nothing is stored but the jobs themselves. After a restart each chunk that is not committed is leased again, its records
/// find the jobs that were submitted for them under their request ids, and go on waiting for those that have not ended.
///
/// The records of one chunk run one after the other, each as up to `attempts_max` jobs. What happens otherwise:
///   a job is refused for good        the record fails with the reason
///   it is refused, which may pass    the chunk is handed back and tried again, as JobOptions::retry says
///   the bulk run is cancelled        its jobs are cancelled; without force, their outcomes are committed
///   the bulk run fails               its jobs run to their end, and nobody waits for them
///
/// Thread-safe.
class BulkRunner final : public store::JobObserver {
 public:
  /// All must outlive the object, which must be there until each lease of the hub has ended. What it commits is counted for
  /// the worker `NAME/jobs`.
  BulkRunner(core::LeaseHub& hub, store::JobStore& store, core::SubmitChild submit, std::string name);

  /// Takes in the jobs that have not ended: once, after the store was opened.
  void Load(const std::vector<model::JobPtr>& unfinished);

  /// Runs a chunk as far as it comes without waiting for a job.
  void Begin(const core::Lease& lease);

  /// Does one thing that the end of a job, or of a bulk run, left to do. False: there was nothing. LeaseHub::Nudge says when
  /// there is something.
  bool Settle();

  /// Lets Settle try again what the store refused. To be called now and then.
  void RetryRefused();

  /// Gives up all leases, for the server ends: their chunks run again at the next start. Nobody may be in Begin or Settle.
  void Stop();

  void OnJobChanged(const model::JobPtr& job) override;

 private:
  /// A chunk under way.
  struct Run {
    core::Lease lease;
    model::ChunkInput input;
    BulkOutcome outcome;
    /// The record that runs: its index, and where it begins in the input.
    int32_t index = 0;
    size_t offset = 0;
    int32_t attempt = 1;
    int32_t attempts_max = 1;

    std::string_view record() const;
  };
  using RunPtr = std::unique_ptr<Run>;

  /// Something to do.
  struct Errand {
    enum class Kind {
      /// `child` has ended.
      kTakeOutcome,
      /// The job is to be cancelled because its bulk run was.
      kCancel,
      /// The bulk run needs no outcomes any more.
      kLetGo,
    };
    Kind kind;
    model::JobKey bulk_key;
    model::JobKey child_key;
    model::JobPtr child;
  };

  std::string worker() const { return name_ + "/jobs"; }

  /// Goes on with the record that is next.
  void Continue(RunPtr run);
  /// Whether another job may be submitted for the chunk. If not, `run` is over, or what is left of it has failed.
  bool MaySubmit(RunPtr& run);
  /// Waits for the job of the record, or takes its outcome where it has ended. Null: `run` waits, or is over.
  RunPtr AwaitChild(RunPtr run, const model::JobPtr& child);
  void TakeOutcome(Run& run, const model::Job& child) const;
  static void NextRecord(Run& run);
  void Cancel(const model::JobKey& child_key, const model::JobKey& bulk_key);
  void LetGo(const model::JobKey& bulk);
  RunPtr TakeWaiting(const model::JobKey& child);
  void Add(std::vector<Errand> errands);

  core::LeaseHub& hub_;
  store::JobStore& store_;
  const core::SubmitChild submit_;
  const std::string name_;
  LeaseEnds ends_;

  absl::Mutex mutex_;
  /// By the job that each waits for.
  absl::flat_hash_map<model::JobKey, RunPtr> waiting_ ABSL_GUARDED_BY(mutex_);
  /// The jobs of each bulk run that have not ended.
  absl::flat_hash_map<model::JobKey, std::set<std::string>> children_ ABSL_GUARDED_BY(mutex_);
  std::deque<Errand> errands_ ABSL_GUARDED_BY(mutex_);
  std::vector<Errand> refused_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace millrace::execution
