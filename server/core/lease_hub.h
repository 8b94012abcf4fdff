// Where workers get chunks and give them back.
//
// A lease is the right to run one chunk. Leases are never stored: after a crash every uncommitted chunk is simply ready
// again, and the epoch in the lease lets the store refuse a commit from before the crash.
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/core/scheduler.h"
#include "storage/model/clock.h"
#include "storage/model/worker_labels.h"
#include "storage/store/job_store.h"

namespace millrace::core {

/// What it takes to run a chunk, and so who leases it. Each kind has a queue of its own: chunks of one take nothing from
/// those of another, and its shares are measured in the time of its own.
enum class LeaseKind : size_t {
  /// A thread that runs the records through the nodes of their service.
  kNodes,
  /// Somebody who starts the jobs that the records are, and waits for them: no thread is busy meanwhile.
  kJobs,
};
inline constexpr size_t kLeaseKinds = 2;

LeaseKind KindOf(const model::Job& job);

struct Lease {
  model::JobPtr job;
  int64_t sequence = 0;
  int32_t attempt = 1;
  int64_t epoch = 0;
  /// MayRun must be asked before the chunk is run.
  bool needs_keys = false;
};

/// Thread-safe. Hears of job changes from the store; who takes leases blocks in Acquire.
class LeaseHub final : public store::JobObserver {
 public:
  /// `epoch` is that of the store. `clock` must outlive the hub. `worker_labels` are those of every thread that takes
  /// leases.
  LeaseHub(int64_t epoch, const model::Clock& clock, const model::WorkerLabels& worker_labels = {})
      : epoch_(epoch),
        clock_(clock),
        queues_{{{.scheduler = Scheduler(worker_labels)}, {.scheduler = Scheduler(worker_labels)}}} {}

  void OnJobChanged(const model::JobPtr& job) override;

  /// While one of these is alive, no chunk of the job starts. What is stored for a job in pieces then starts together, and a job
  /// that had ended does not end anew behind each of them.
  class KeptBack {
   public:
    /// `hub` must outlive this. The job may have ended.
    KeptBack(LeaseHub& hub, const model::Job& job);
    ~KeptBack();
    KeptBack(const KeptBack&) = delete;
    KeptBack& operator=(const KeptBack&) = delete;

   private:
    LeaseHub& hub_;
    const LeaseKind kind_;
    const model::JobKey job_;
  };

  /// Sets who hears that the last lease of a job is over, which no change of the job tells: a cancelled job is drained
  /// only then. Before the first lease. Called by Done, Park and Return, on their thread and without a lock; must be
  /// short.
  void SetIdleListener(absl::AnyInvocable<void(const model::JobKey&)> listener) { on_idle_ = std::move(listener); }

  /// Waits for a chunk. Nothing after Stop, and once for each Nudge.
  std::optional<Lease> Acquire(LeaseKind kind = LeaseKind::kNodes);

  /// Lets one Acquire of this kind return without a chunk, which waits now or comes next: who takes leases has something else
  /// to do, too.
  void Nudge(LeaseKind kind);

  /// The worker has read a chunk that needs its keys told: the ordering keys of its records, each once. Tell them soon: the
  /// job starts no other chunk before. False: a chunk before it holds one of them and is not committed yet; Park it.
  bool MayRun(const Lease& lease, std::vector<uint64_t> keys);

  /// The chunk was not run, and is handed out again, as the same attempt, when no chunk before it holds a key of it.
  void Park(const Lease& lease);

  /// The worker has read the chunk, which holds so many records. Tell it soon: a throttled job starts no other chunk
  /// before.
  void Sized(const Lease& lease, int64_t records);

  /// The worker has run the chunk and handed the outcome to the store.
  void Ran(const Lease& lease);

  /// The outcome is committed, or the chunk is not to be run again.
  void Done(const Lease& lease);

  /// The chunk is to run again, as attempt + 1, once `backoff` has passed. Other chunks go on meanwhile, but not
  /// where the job is in order.
  void Return(const Lease& lease, absl::Duration backoff);

  /// The outcome could not be stored: the chunk runs again, as attempt + 1. No chunk at all is handed out for
  /// kPauseAfterReturn, so that a store that refuses everything is not hammered.
  void Return(const Lease& lease);

  /// No further lease is given, Acquire returns; leases that are out may still be finished.
  void Stop();

  /// Waits until no chunk runs, at most for `timeout`; outcomes may still wait to be committed. False when time ran out.
  bool AwaitRan(absl::Duration timeout);

  /// Waits until every lease is over, at most for `timeout`. False when time ran out.
  bool AwaitIdle(absl::Duration timeout);

  /// See Scheduler::Explain. While nothing is handed out because an outcome could not be stored, that is what holds
  /// every chunk that could run.
  Standing Explain(const model::JobPtr& job, int64_t sequence, bool committed) const;

  /// Chunks that run now, of one job.
  int32_t running(const model::JobKey& job) const;
  /// Chunks that run now and keep a worker busy.
  int32_t running() const;

  /// Chunks whose lease is not over, of all jobs.
  int64_t in_flight() const;

  /// Chunks of the job whose lease is not over: running, or waiting to be committed.
  int64_t in_flight(const model::JobKey& job) const;

  /// True while a lease of the job is out, or may still be given because this has not heard of its end: readers see an end a
  /// little earlier. False for good from then on, unless the job is taken up.
  bool knows(const model::JobKey& job) const;

  static constexpr absl::Duration kPauseAfterReturn = absl::Seconds(1);

 private:
  /// All that is leased as one kind.
  struct Queue {
    Scheduler scheduler;
    std::condition_variable_any changed;
    /// Nobody waits in Acquire for longer than this without a notification.
    absl::Time wake = absl::InfiniteFuture();
    int64_t nudges = 0;
  };

  Queue& QueueOf(const model::Job& job) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return queues_[static_cast<size_t>(KindOf(job))];
  }
  const Scheduler& SchedulerOf(LeaseKind kind) const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return queues_[static_cast<size_t>(kind)].scheduler;
  }
  /// Ends a lease by `land`, which runs under the lock, and tells where it was the last one of its job.
  void Land(const Lease& lease, absl::FunctionRef<void(Scheduler&, const model::JobKey&, absl::Time now)> land)
      ABSL_LOCKS_EXCLUDED(mutex_);
  bool NoneRuns() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return SchedulerOf(LeaseKind::kNodes).running() == 0; }
  bool Idle() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return InFlight() == 0; }
  int64_t InFlight() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  /// Wakes who waits in Acquire, where there is something new for them.
  static void Wake(Queue& queue);
  /// A moment of the steady clock, as the scheduler counts.
  absl::Time Now() const { return absl::FromUnixNanos(clock_.SteadyNanos()); }

  const int64_t epoch_;
  const model::Clock& clock_;
  absl::AnyInvocable<void(const model::JobKey&)> on_idle_;
  mutable absl::Mutex mutex_;
  std::array<Queue, kLeaseKinds> queues_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Time paused_until_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

}  // namespace millrace::core
