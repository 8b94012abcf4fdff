// Hands the outcomes of a job to the store in push order, for jobs with JobOptions::order_results. An outcome that is ready
// early waits here, in memory, for those before it; how many may wait is bounded by the scheduler, which starts no new
// chunk of a job while so many wait, but always lets a chunk that was handed back run again: the others may wait for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"
#include "storage/model/job.h"

namespace millrace::execution {

/// Thread-safe. For each lease of an ordered job: Begin, then Submit, Abandon or PassOver.
///
/// While the job goes on, an outcome is handed in when the outcomes of all chunks before it were. Once the job has ended there
/// may be gaps, for chunks that will never run: an outcome is handed in when no chunk before it runs.
class CommitSequencer {
 public:
  /// Hands an outcome to the store where `is_due`, and may return before it is stored; otherwise it is to be let go. Called
  /// once, for one chunk of a job after the other, by whichever thread made it possible, without a lock.
  using HandIn = absl::AnyInvocable<void(bool is_due)>;

  /// A chunk begins to run. `watermark` is the job's, as it was when the chunk was leased.
  void Begin(const model::JobKey& job, int64_t sequence, int64_t watermark);

  /// Its outcome is ready.
  void Submit(const model::JobKey& job, int64_t sequence, HandIn hand_in);

  /// It will have no outcome under this lease.
  void Abandon(const model::JobKey& job, int64_t sequence);

  /// It was committed before its lease. Those behind it wait for it no more, also where a chunk before it comes again.
  void PassOver(const model::JobKey& job, int64_t sequence);

  /// The job has ended. Safe to call again, also for a job that was never here.
  void End(const model::JobKey& job);

  /// Lets go of all that waits, for the server ends: what it waits for will not run any more. REQUIRES: nothing runs.
  void GiveUp();

  /// Jobs that something is kept of.
  size_t size() const;

 private:
  struct Entry {
    /// The chunk to be handed in next.
    int64_t next = 0;
    std::set<int64_t> running;
    std::map<int64_t, HandIn> held;
    std::set<int64_t> passed_over;
    bool ended = false;
    /// Some thread hands in, and will come back to look for more.
    bool busy = false;
  };

  /// Hands in what is due.
  void Release(const model::JobKey& job);
  static bool IsDue(const Entry& entry);
  /// Moves `next` behind what was passed over.
  static void SkipPassedOver(Entry& entry);

  mutable absl::Mutex mutex_;
  std::map<model::JobKey, Entry> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace millrace::execution
