// Which chunk runs next. Deterministic and free of threads and clocks: the same calls give the same answers, so a
// simulation can drive it. LeaseHub makes it safe for threads and tells it the time.
//
// Times are moments of one steady clock that never goes back; what they count from does not matter.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "storage/model/job.h"

namespace millrace::core {

/// A chunk that may run.
struct Grant {
  model::JobPtr job;
  int64_t sequence = 0;
  /// 1 the first time, one more each time the chunk was handed back.
  int32_t attempt = 1;
};

/// FIFO within a job, round robin between jobs.
///
/// A job's chunks are handed out in sequence from its watermark. A job takes part in the round while it may dispatch,
/// has a chunk to run, has a worker left (JobOptions::max_workers) and its output buffer is not full. A job that
/// cannot run costs nothing per grant.
class Scheduler {
 public:
  /// A job appeared or changed. Snapshots of one job come in order.
  void OnJobChanged(const model::JobPtr& job);

  /// The next chunk, which then counts as running; nothing when no job can run at `now`.
  std::optional<Grant> Next(absl::Time now);

  /// When to ask Next again if nothing else happens before: a chunk waits for that moment. InfiniteFuture: none does.
  absl::Time NextWake() const;

  /// The chunk is through the worker; its outcome waits to be committed. Frees the worker, so that the next chunk
  /// runs meanwhile (but not where the job is in order).
  void OnRan(const model::JobKey& job, int64_t sequence);

  /// The chunk is over: committed, or never to run again.
  void OnDone(const model::JobKey& job, int64_t sequence);

  /// The chunk was not committed and must be handed out again: not before `ready`, and then before any later one. Others
  /// go on meanwhile, but not where the job is in order.
  void OnReturned(const model::JobKey& job, int64_t sequence, absl::Time ready);

  /// Chunks that run now.
  int32_t running(const model::JobKey& job) const;
  int32_t running() const { return running_; }

  /// Chunks handed out and not over yet, running or waiting to be committed.
  int64_t in_flight() const { return in_flight_; }
  int64_t in_flight(const model::JobKey& job) const;

 private:
  struct Flight {
    int32_t attempt = 1;
    bool ran = false;
  };
  struct Entry {
    model::JobPtr job;
    /// The newest sequence handed out.
    int64_t cursor = 0;
    int32_t running = 0;
    absl::flat_hash_map<int64_t, Flight> flights;
    /// Handed back and ready to run again: sequence and the attempt it had.
    std::map<int64_t, int32_t> returned;
    /// Handed back and not ready yet, by the moment at which they are.
    std::map<std::pair<absl::Time, int64_t>, int32_t> backing_off;
    /// Where the job stands in the round; `in_round` false: nowhere.
    std::list<Entry*>::iterator place;
    bool in_round = false;
    /// The moment under which the job stands among the alarms; InfiniteFuture: nowhere.
    absl::Time alarm = absl::InfiniteFuture();
  };

  static bool CanRun(const Entry& entry);
  void EndBackoffs(absl::Time now);
  void SetAlarm(Entry& entry);
  void UpdateRound(Entry& entry);
  void Land(Entry& entry, int64_t sequence);
  void ForgetIfOver(const model::JobKey& key);

  absl::flat_hash_map<model::JobKey, std::unique_ptr<Entry>> entries_;
  std::list<Entry*> round_;
  /// The moments at which the first chunk of a job has waited long enough.
  std::set<std::pair<absl::Time, model::JobKey>> alarms_;
  int32_t running_ = 0;
  int64_t in_flight_ = 0;
};

}  // namespace millrace::core
