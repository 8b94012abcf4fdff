// Every change a job can go through, as pure functions of (job, event, now). The store reads, asks these rules, and
// writes what they leave behind; nothing else changes a Job. docs/STATE_MACHINE.md draws the states.
//
// Each rule either returns an error and leaves the job as it was, or changes it and returns OK.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/model/chunk.h"
#include "storage/model/job.h"

namespace millrace::model {

/// True for the states in which a job has ended: COMPLETED, COMPLETED_BY_TIMEOUT, FAILED, CANCELLED. None of them is left
/// unless a person says so: see ApplyRerun, ApplyTakeUp and ApplyContinue.
bool IsFinal(JobState state);

/// True for a job that ended before all its chunks were through, or may have: FAILED and CANCELLED.
bool EndedEarly(const Job& job);

/// True where `now` is the job `seen`, which has ended, and nothing happened to it since but what its events do not tell (an
/// acknowledgement). A later end is another one, also in the same state at the same moment; so is that of a later job with
/// its id. May be false although it is the same end: an event that came after it does that.
bool IsSameEnd(const Job& seen, const Job& now);

/// The state of the job but for a pause: where resuming leads back to, and `state` where the job is not paused.
JobState StateUnderPause(const Job& job);

/// True while pushes are welcome: CREATED and IN_PROGRESS, paused or not.
bool TakesInput(const Job& job);

/// True when the server reads the records of the job from a source, and callers may not push any.
bool HasSource(const Job& job);

/// True when the source of a job is to be read, or was read and the input is to be closed.
bool NeedsReading(const Job& job);

/// How many records the job will have read in all, where that is known: its source says so or is exhausted.
std::optional<int64_t> TotalRecords(const Job& job);

/// True while waiting chunks may be started: IN_PROGRESS, CLOSED, CLOSED_BY_TIMEOUT.
bool MayDispatch(JobState state);

/// UPPER_SNAKE name of a state without prefix (`IN_PROGRESS`), for messages.
std::string_view JobStateName(JobState state);

/// How a completed job ended; kNone for any other.
Outcome OutcomeOf(const Job& job);

/// Chunks and records of a cancelled or failed job that never ran; 0 for any other.
int64_t ChunksSkipped(const Job& job);
int64_t RecordsSkipped(const Job& job);

/// Records that ran, each once however often it ran: those with an output, failed or discarded.
int64_t RecordsThrough(const Job& job);

/// Records in the results of a job, all results taken together: what was run again counts again.
int64_t RecordsInResults(const Job& job);

/// Chunks that are neither committed nor skipped, and records that wait for their first run. Records that wait to be run
/// again are counted with their chunks only.
int64_t ChunksPending(const Job& job);
int64_t RecordsPending(const Job& job);

/// Results that are neither acknowledged nor discarded.
int64_t ResultsAvailable(const Job& job);

/// True when no result will ever follow `cursor`. `running_chunks` is how many chunks are leased at this moment, which
/// the job does not know; it matters only to a job that was cancelled without force, whose leased chunks still commit.
bool IsDrained(const Job& job, int64_t cursor, int64_t running_chunks = 0);

/// Makes a new job of what the creator chose: state CREATED, its times set, and nothing counted yet, whatever `job`
/// held. Identity, service, metadata, options, parameters, request id and owner stay.
void ApplyCreate(Job& job, int64_t store_epoch, absl::Time now);

/// What a push brings, in numbers.
struct PushSize {
  int64_t chunks = 0;
  int64_t records = 0;
  int64_t bytes = 0;
};

/// Takes new chunks in. Duplicates are not part of `size`. A push that brings nothing new changes nothing and is
/// welcome in any state.
///   PIPELINE_CLOSED, PIPELINE_CANCELLED  by state
///   PUSH_EXCEEDS_INPUT_BUFFER            larger than the whole buffer
///   INPUT_BUFFER_FULL                    with remaining, needed and allocated bytes, and a delay of 200 ms
///
/// A job with a source takes chunks from its reader alone, who says with `position` how far it came; this is a change
/// also without a chunk.
///   PIPELINE_HAS_SOURCE                  the job has a source, and there is no `position`
///   INTERNAL_ERROR                       the reader did not begin where the reading of the job had come to, or the job
///                                        has no source
/// The end of the source closes the input, and completes a job that has nothing left to do; where a sample is continued, the
/// reading goes on with its rest instead.
///
/// Returns false when it changed nothing.
absl::StatusOr<bool> ApplyPush(Job& job, const PushSize& size, absl::Time now,
                               const std::optional<SourcePosition>& position = std::nullopt);

/// Commits the outcome of a chunk: counters, buffers, result number, and the final state when it was the last. A job
/// whose error budget is spent by it becomes FAILED instead (see WhyJobFails); the commit itself stands.
/// Fills in what the commit sets on `chunk`. The watermark is the store's to move: see AdvanceWatermark.
///   LEASE_STALE     the chunk is committed already, the epoch is not `store_epoch`, or the job is in a final state
///                   (but chunks that run while a job is cancelled without force still commit; it stays CANCELLED)
///   INTERNAL_ERROR  the outcome does not speak of each record of the chunk once; or results are ordered, and a chunk
///                   before this one is not committed (once the job is cancelled: LEASE_STALE where a later one is)
///
/// `discards` are the exceptions among those that the chunk replaces which were discarded while it waited: their records have
/// an outcome after all, which is the latest and counts.
absl::Status ApplyCommit(Job& job, Chunk& chunk, const ChunkCommit& commit, int64_t store_epoch, absl::Time now,
                         const Discards& discards = {});

/// Moves the watermark of `job` after the commit of chunk `committed`. `ahead` holds the sequences that are committed
/// beyond the watermark, before and after the call: what the watermark reaches is taken out. The store keeps it in
/// memory for each unfinished job and rebuilds it at start from the rows between `watermark` and `highest_committed`,
/// a window that dispatch keeps small.
void AdvanceWatermark(Job& job, std::set<int64_t>& ahead, int64_t committed);

/// Takes in one chunk whose records stand for earlier ones (IsRerun). A job that was completed goes back to CLOSED or
/// CLOSED_BY_TIMEOUT, until they are committed. Counts no records: those they stand for are counted by the outcome that they
/// have until the commit brings another.
///   PIPELINE_CLOSED, PIPELINE_CANCELLED            the job failed, or was cancelled
///   PUSH_EXCEEDS_INPUT_BUFFER, INPUT_BUFFER_FULL   as ApplyPush
absl::Status ApplyRerun(Job& job, int64_t bytes, absl::Time now);

/// Takes up a job that failed or was cancelled with all that it left: chunks that were skipped wait again, and so does what was
/// not read of its source, so the job is CREATED or IN_PROGRESS; without either it is CLOSED, and COMPLETED where every chunk
/// is committed. No chunk of it may run at that moment. Returns false, and changes nothing, in any other state.
///   PIPELINE_CANCELLED  it was cancelled by force, and its input is discarded (metadata: chunk_count, record_count)
absl::StatusOr<bool> ApplyTakeUp(Job& job, absl::Time now);

/// Takes one failed record, `held` or not, for discarded: no result of it is wanted any more. In any state.
void ApplyDiscard(Job& job, bool held, absl::Time now);

/// Closes the input; completes a job that has nothing left to do. Returns false when it was closed already.
///   PIPELINE_CANCELLED  the job is cancelled (or failed: PIPELINE_CLOSED)
absl::StatusOr<bool> ApplyClose(Job& job, absl::Time now);

/// Ends a job that broke, as FAILED with this reason: what is left becomes skipped, results stay pullable, chunks that run
/// are refused. Returns false, and changes nothing, when the job is in a final state already.
bool ApplyFail(Job& job, std::string_view reason, absl::Time now);

/// True when nothing will happen to the job unless a client does something: its input is open and it is not paused,
/// nothing runs (`running_chunks`, as in IsDrained), and what waits, if anything, waits for room in the output buffer.
/// Never of a job with a source: the end of the source closes it.
bool WaitsForClient(const Job& job, int64_t running_chunks);

/// Closes the input because nothing happened for JobOptions::idle_timeout; completes a job that has nothing left to
/// do. When that time is over is the caller's to know, who hears of pulls. Returns false, and changes nothing, where
/// the job has no idle timeout, or its input is closed or held by a pause.
bool ApplyIdle(Job& job, absl::Time now);

/// Cancels. Returns false when nothing changed. A second call may turn a drained cancel into a forced one, and its
/// reason, if it gives one, replaces the first. A forced cancel empties both buffers; the store discards the bytes:
/// all input, and the results behind `acknowledged_result`.
///   PIPELINE_CLOSED  the job ended otherwise
absl::StatusOr<bool> ApplyCancel(Job& job, std::string_view reason, bool force, absl::Time now);

/// OK when `cursor` is a result that exists or existed, or 0.
///   FIELD_INVALID     negative (field `cursor_field`)
///   CURSOR_IN_FUTURE  behind the newest result
absl::Status CheckCursor(const Job& job, int64_t cursor, std::string_view cursor_field);

/// True when acknowledging `cursor` would change something: it lies behind the acknowledged result, and the results
/// between are not discarded by a forced cancel.
bool WouldAcknowledge(const Job& job, int64_t cursor);

/// Acknowledges all results up to `cursor`, which CheckCursor let pass. `output_bytes` and `records` are the
/// sums over the results that are acknowledged by it and were not before. Returns WouldAcknowledge; changes nothing
/// where that is false.
bool ApplyAcknowledge(Job& job, int64_t cursor, int64_t output_bytes, int64_t records, absl::Time now);

}  // namespace millrace::model
