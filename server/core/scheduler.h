// Which chunk runs next. Deterministic and free of threads and clocks: the same calls give the same answers, so a
// simulation can drive it. LeaseHub makes it safe for threads and tells it the time.
//
// Times are moments of one steady clock that never goes back; what they count from does not matter.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "server/core/dispatch.h"
#include "server/core/fair_queue.h"
#include "storage/model/job.h"
#include "storage/model/worker_labels.h"

namespace millrace::core {

/// A chunk that may run.
struct Grant {
  model::JobPtr job;
  int64_t sequence = 0;
  /// 1 the first time, one more each time the chunk was handed back.
  int32_t attempt = 1;
  /// OnKeys must be called before it runs.
  bool needs_keys = false;
};

/// Tenants share the workers evenly; inside a tenant the highest priority that can run goes first; jobs of one priority
/// share in proportion to their weights; inside a job chunks go in push order. Shares are measured in running time.
///
/// The bound: while two jobs of one tenant and priority both have chunks to run, what they got by weight differs by no
/// more than (n + 1) chunks of each, where n is the number of workers; the same holds between two tenants. So everybody
/// who can run does run.
///
/// A job takes part while Decide says that it may start a chunk; a job that cannot costs nothing per grant. Each call
/// takes O(log n) of the jobs.
class Scheduler {
 public:
  /// `worker_labels` are those of every worker: a job whose selector asks for others starts no chunk.
  explicit Scheduler(model::WorkerLabels worker_labels = {}) : worker_labels_(std::move(worker_labels)) {}

  /// A job appeared or changed. Snapshots of one job come in order.
  void OnJobChanged(const model::JobPtr& job, absl::Time now);

  /// Starts no chunk of the job, which may have ended, until LetGo was called as often.
  void KeepBack(const model::JobKey& job, absl::Time now);
  void LetGo(const model::JobKey& job, absl::Time now);

  /// The next chunk, which then counts as running; nothing when no job can run at `now`.
  std::optional<Grant> Next(absl::Time now);

  /// True when Next would return a chunk, as far as time does not decide it.
  bool may_grant() const { return !waiting_tenants_.empty(); }

  /// When to ask Next again if nothing else happens before: a job waits for that moment. InfiniteFuture: none does.
  absl::Time NextWake() const;

  /// The worker has read a chunk that needs its keys told: those of its records, each once. No other chunk of the job is
  /// started before. False: an unfinished chunk before it holds one of them; it must be handed back through OnParked.
  bool OnKeys(const model::JobKey& job, int64_t sequence, std::vector<uint64_t> keys, absl::Time now);

  /// The chunk did not run. It is handed out again, in the same attempt, when no chunk before it holds a key of it.
  void OnParked(const model::JobKey& job, int64_t sequence, absl::Time now);

  /// The worker has read the chunk and knows its size. A throttled job starts no other chunk before it is told.
  void OnSized(const model::JobKey& job, int64_t sequence, int64_t records, absl::Time now);

  /// The chunk is through the worker; its outcome waits to be committed. Frees the worker, so that the next chunk
  /// runs meanwhile (but not where the job is in order).
  void OnRan(const model::JobKey& job, int64_t sequence, absl::Time now);

  /// The chunk is over: committed, or never to run again.
  void OnDone(const model::JobKey& job, int64_t sequence, absl::Time now);

  /// The chunk was not committed and must be handed out again: not before `ready`, and then before any later one. Others
  /// go on meanwhile, but not where the job is in order.
  void OnReturned(const model::JobKey& job, int64_t sequence, absl::Time ready, absl::Time now);

  /// Why the job (or its chunk `sequence`, when that is not 0) does or does not run at `now`, by the rules that Next
  /// follows. `job` and `committed` are what the store knows; the former is used where the scheduler does not know the
  /// job, which is so when it has ended. Of a chunk that is through or skipped the numbers of its job are left out: they
  /// do not concern it any more. Looks at every job.
  Standing Explain(const model::JobPtr& job, int64_t sequence, bool committed, absl::Time now) const;

  /// Chunks that run now.
  int32_t running(const model::JobKey& job) const;
  int32_t running() const { return running_; }

  /// Chunks handed out and not over yet, running or waiting to be committed.
  int64_t in_flight() const { return in_flight_; }
  int64_t in_flight(const model::JobKey& job) const;

  /// True from the first snapshot of a job that has not ended to the one of its end, or to the end of the last chunk that was
  /// handed out, where that is later: until then there may be, or come, a chunk in flight.
  bool knows(const model::JobKey& job) const { return Find(job) != nullptr; }

 private:
  struct Tenant : FairQueue::Flow {
    std::string name;
    int64_t jobs = 0;
    /// Jobs that may start a chunk, by priority. A level without jobs that wait is kept: it remembers its virtual time.
    std::map<int32_t, FairQueue, std::greater<>> levels;
    /// Of all levels.
    int64_t waiting = 0;
  };
  struct Entry : FairQueue::Flow {
    JobDispatch dispatch;
    Tenant* tenant = nullptr;
    /// Jobs in the order in which they came: decides where everything else is equal.
    int64_t number = 0;
    /// The level that the entry belongs to.
    int32_t priority = 0;
    /// How long a chunk of the job runs, in nanoseconds; 0 before the first one did.
    int64_t expected_nanos = 0;
    /// The moment under which the job stands among the alarms; InfiniteFuture: nowhere.
    absl::Time alarm = absl::InfiniteFuture();
  };

  Entry& Admit(const model::JobKey& key, const model::JobPtr& job);
  Entry* Find(const model::JobKey& key) const;
  void Update(Entry& entry, absl::Time now);
  void SetPlace(Entry& entry, bool waits);
  void SetAlarm(Entry& entry, absl::Time moment);
  void WakeDue(absl::Time now);
  Entry* Front() const;
  /// Fills in the place of a job in the line of its tenant.
  static void SetPosition(const Entry& entry, Standing& standing);
  int64_t Expected(const Entry& entry) const;
  void FreeWorker(Entry& entry, Flight& flight, absl::Time now);
  void TakeBack(Entry& entry, absl::flat_hash_map<int64_t, Flight>::iterator flight, absl::Time now);
  static void Unpark(JobDispatch& dispatch, int64_t sequence);
  void ForgetIfOver(const model::JobKey& key);

  const model::WorkerLabels worker_labels_;
  absl::flat_hash_map<model::JobKey, std::unique_ptr<Entry>> entries_;
  absl::flat_hash_map<std::string, std::unique_ptr<Tenant>> tenants_;
  /// How often each job is kept back; they need not have an entry.
  absl::flat_hash_map<model::JobKey, int32_t> kept_back_;
  /// Tenants with a job that may start a chunk.
  FairQueue waiting_tenants_;
  /// The moments at which a job that waits for nothing else may go on.
  std::map<std::pair<absl::Time, int64_t>, Entry*> alarms_;
  /// How long a chunk of any job runs.
  int64_t expected_nanos_ = 0;
  int64_t jobs_seen_ = 0;
  int32_t running_ = 0;
  int64_t in_flight_ = 0;
};

}  // namespace millrace::core
