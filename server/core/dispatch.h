// Whether the next chunk of a job may start, and if not, why. One function decides; the scheduler acts on its answer and
// ExplainJob shows it, so that the two cannot differ.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "server/core/fair_queue.h"
#include "server/core/key_order.h"
#include "storage/model/job.h"
#include "storage/model/worker_labels.h"

namespace millrace::core {

/// What holds a job or a chunk. The numbers are millrace.v1.ExplainReason's.
enum class Hold : int32_t {
  /// Nothing but that every worker is busy.
  kWaitingForWorker = 1,
  /// Every chunk that waited is running, or ran and is being committed.
  kRunning = 2,
  kCommitting = 3,
  kWaitingForPush = 4,
  kPaused = 5,
  kOutputBufferFull = 6,
  kMaxWorkersReached = 7,
  kRamping = 8,
  kThrottled = 9,
  kBackingOff = 10,
  kOrderingKeyHeld = 11,
  kNoMatchingWorker = 12,
  kEarlierChunks = 13,
  kCommitsWaiting = 14,
  kComplete = 15,
  kCancelled = 16,
  kFailed = 17,
  kSkipped = 18,
  kDone = 19,
  kStorageRefuses = 20,
};

/// A chunk that was handed out and is not over yet.
struct Flight {
  int32_t attempt = 1;
  absl::Time start;
  /// It is through the worker, and waits to be committed.
  bool ran = false;
  /// What JobDispatch::next_start was before this chunk.
  absl::Time next_start_before = absl::InfinitePast();
  /// Unknown until the worker has read the chunk.
  int64_t records = 0;
  bool sized = false;
  FairQueue::Charge job_charge;
  FairQueue::Charge tenant_charge;
};

/// What the scheduler knows of a job.
struct JobDispatch {
  model::JobPtr job;
  /// The newest sequence handed out.
  int64_t cursor = 0;
  /// Of `flights`: those that occupy a worker, and those whose size is not known.
  int32_t running = 0;
  int32_t unsized = 0;
  absl::flat_hash_map<int64_t, Flight> flights;
  /// Handed back and ready to run again: sequence and the attempt it had.
  std::map<int64_t, int32_t> returned;
  /// Handed back and not ready yet, by the moment at which they are.
  std::map<std::pair<absl::Time, int64_t>, int32_t> backing_off;
  /// For a job with an ordering key: the unfinished chunks that were read, by their keys; those among them that were handed
  /// back because an earlier one holds a key of theirs, with the attempt they are in; and the chunk that was handed out
  /// and whose keys are not known yet (0: none).
  KeyOrder order;
  std::map<int64_t, int32_t> parked;
  int64_t unread = 0;
  /// InfiniteFuture before it.
  absl::Time first_grant = absl::InfiniteFuture();
  /// The throttle lets no chunk start before this.
  absl::Time next_start = absl::InfinitePast();
  /// Chunks are being stored that are to start together: see LeaseHub::KeptBack.
  bool kept_back = false;
};

/// Takes a newer snapshot of the job in. A throttle that changed counts from `now`; a job that was resumed gradually begins
/// its ramp anew; and where its chunks may run side by side from now on, one that runs without its keys being known is
/// waited for.
void TakeSnapshot(JobDispatch& dispatch, model::JobPtr job, absl::Time now);

struct Verdict {
  /// kWaitingForWorker: the chunk may start.
  Hold hold = Hold::kWaitingForWorker;
  /// The chunk that would be next; for kBackingOff, kEarlierChunks and kOrderingKeyHeld the one that is waited for; else
  /// 0.
  int64_t sequence = 0;
  /// When the answer may change by itself. InfiniteFuture: only through an event.
  absl::Time until = absl::InfiniteFuture();
  /// With kOrderingKeyHeld: which keys the chunk `sequence` holds is not known yet.
  bool unread = false;

  bool may_start() const { return hold == Hold::kWaitingForWorker; }
};

/// Decides about the next chunk of a job at `now`, where all workers have `worker_labels`.
Verdict Decide(const JobDispatch& dispatch, const model::WorkerLabels& worker_labels, absl::Time now);

/// Decides about one chunk: what became of it, or why it does not start at `now`. The chunk must have been pushed. What
/// only the store knows is told: `committed`, that the outcome of the chunk is stored.
Verdict DecideAbout(const JobDispatch& dispatch, const model::WorkerLabels& worker_labels, int64_t sequence,
                    bool committed, absl::Time now);

/// Chunks that are to start before `sequence`, or before any new one when it is 0.
int64_t ChunksAhead(const JobDispatch& dispatch, int64_t sequence);

/// What is known about why a job, or one of its chunks, does or does not run.
struct Standing {
  model::JobPtr job;
  Verdict verdict;
  /// Until `verdict.until`; InfiniteDuration where only an event can change something.
  absl::Duration wait = absl::InfiniteDuration();
  /// Chunks of the job in the hands of a worker, and on their way into the store.
  int32_t running = 0;
  int64_t committing = 0;
  int64_t chunks_ahead = 0;
  /// How many attempts the chunk has behind it, or is in.
  int32_t attempt = 0;
  /// Among the jobs of its tenant that wait for a worker, 1: the next. 0: the job waits for something else.
  int64_t position = 0;
  /// Of the jobs before it in that line, those of a higher priority.
  int64_t of_higher_priority = 0;
  /// Jobs of all tenants that run or wait for a worker, this one included where it does.
  int64_t jobs_sharing = 0;
  /// Workers that run a chunk of any job.
  int32_t workers_busy = 0;
  /// The labels of every worker. Only where they are what holds the job.
  model::WorkerLabels worker_labels;
};

/// How many chunks of a job run at once when its ramp begins: `initial_workers`, or one where a job that was created without
/// a ramp is resumed gradually.
int32_t RampStart(const model::Job& job);

/// How many chunks of a job may run at `now`: RampStart, doubled for each whole second since the first grant, up
/// to `max_workers`.
int32_t WorkersAllowed(const JobDispatch& dispatch, absl::Time now);

/// Chunks run side by side, and the keys of their records must be known for that.
bool HasKeyOrder(const model::JobOptions& options);

/// Of a job with an ordering key no new chunk is read while so many wait for a key, or the unfinished ones hold so many
/// keys: bounds reading ahead, and memory to 40 bytes for each key of these chunks and one more.
inline constexpr size_t kParkedChunksMax = 64;
inline constexpr int64_t kOrderedKeysMax = 65'536;

/// Outcomes of one job that may wait for the commit lane: enough to fill a group commit, few enough to bound memory.
inline constexpr int32_t kCommitsWaitingMax = 64;

}  // namespace millrace::core
