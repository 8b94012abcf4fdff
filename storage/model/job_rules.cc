#include "storage/model/job_rules.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "storage/model/error_budget.h"
#include "storage/model/errors.h"
#include "storage/model/retention_rules.h"
#include "storage/model/tuning_rules.h"

namespace millrace::model {
namespace {

constexpr absl::Duration kInputBufferRetry = absl::Milliseconds(200);

bool AllCommitted(const Job& job) { return job.counters.chunks_completed == job.last_sequence; }

// Only a cancel without force lets go on what runs.
bool RevokesLeases(const Job& job) { return IsFinal(job.state) && job.cancel_mode != CancelMode::kDrain; }

absl::Status CancelledError(const Job& job) {
  return MakeError(Reason::kPipelineCancelled, absl::StrCat("pipeline ", job.id, " was cancelled"),
                   {{"pipeline_id", job.id}});
}

absl::Status InputGoneError(const Job& job) {
  const int64_t chunks = ChunksSkipped(job);
  const int64_t records = RecordsSkipped(job);
  return MakeError(
      Reason::kPipelineCancelled,
      absl::StrCat("job ", job.id, " was cancelled by force: the input of its ", chunks,
                   " chunks that did not run, with ", records,
                   " records, is discarded and cannot come back; submit them as a new job"),
      {{"pipeline_id", job.id}, {"chunk_count", absl::StrCat(chunks)}, {"record_count", absl::StrCat(records)}});
}

absl::Status ClosedError(const Job& job) {
  const std::string state(JobStateName(job.state));
  std::string message = absl::StrCat("pipeline ", job.id, " is closed: its state is ", state);
  if (job.state_reason.empty()) {
    return MakeError(Reason::kPipelineClosed, message, {{"pipeline_id", job.id}, {"state", state}});
  }
  absl::StrAppend(&message, " (", job.state_reason, ")");
  return MakeError(Reason::kPipelineClosed, message,
                   {{"pipeline_id", job.id}, {"state", state}, {"state_reason", job.state_reason}});
}

absl::Status CheckReader(const Job& job, const PushSize& size, const std::optional<SourcePosition>& position) {
  if (!position.has_value()) {
    return MakeError(
        Reason::kPipelineHasSource,
        absl::StrCat("pipeline ", job.id, " takes no pushes: its job reads its records from a source (see Job.source)"),
        {{"pipeline_id", job.id}});
  }
  const SourcePosition& reached = job.source_position;
  if (HasSource(job) && position->chunks == reached.chunks + size.chunks && position->rest == reached.rest) {
    return absl::OkStatus();
  }
  return MakeError(Reason::kInternalError,
                   absl::StrCat("the source of job ", job.id, " was read up to chunk ", reached.chunks,
                                reached.rest ? " of what its sample left out" : "", ", and not up to chunk ",
                                position->chunks - size.chunks));
}

absl::Status CheckLease(const Job& job, const Chunk& chunk, int64_t lease_epoch, int64_t store_epoch) {
  std::string why;
  if (lease_epoch != store_epoch) {
    why = absl::StrCat("it was given in epoch ", lease_epoch, " and this is epoch ", store_epoch);
  } else if (chunk.state == ChunkState::kCommitted) {
    why = "the chunk is committed already";
  } else if (RevokesLeases(job)) {
    why = absl::StrCat("the job ended as ", std::string(JobStateName(job.state)), " and revoked its leases");
  } else {
    return absl::OkStatus();
  }
  return MakeError(Reason::kLeaseStale,
                   absl::StrCat("the lease of chunk ", chunk.sequence, " of job ", job.id, " is stale: ", why),
                   {{"pipeline_id", job.id}, {"sequence", absl::StrCat(chunk.sequence)}});
}

// The results of such a job are numbered in push order. The pool hands outcomes in in order; where one could not be stored,
// those behind it must wait for it to come again.
absl::Status CheckOrder(const Job& job, const Chunk& chunk) {
  // What a cancel skips leaves a gap, which is filled first when the job is taken up.
  const bool cancelled = job.state == JobState::kCancelled;
  const int64_t before = cancelled ? job.highest_committed : job.watermark;
  const bool in_order = cancelled ? chunk.sequence > before : chunk.sequence == before + 1;
  if (!job.options.order_results || in_order) return absl::OkStatus();
  const std::string what = absl::StrCat("chunk ", chunk.sequence, " of job ", job.id, " comes behind chunk ", before,
                                        ", and the results of the job are in push order");
  if (!cancelled) return MakeError(Reason::kInternalError, what);
  return MakeError(Reason::kLeaseStale, what, {{"pipeline_id", job.id}, {"sequence", absl::StrCat(chunk.sequence)}});
}

// A worker that gets here with another number of records has lost or invented some: a defect, never bad input.
absl::Status CheckOutcome(const Chunk& chunk, const ChunkOutcome& outcome) {
  const auto failures = static_cast<int64_t>(outcome.failures.size());
  if (outcome.record_count == chunk.record_count && failures <= chunk.record_count) return absl::OkStatus();
  return MakeError(
      Reason::kInternalError,
      absl::StrCat("the outcome of chunk ", chunk.sequence, " speaks of ", outcome.record_count, " records and ",
                   failures, " failures, but the chunk holds ", chunk.record_count, " records"));
}

absl::Status CheckRoom(const Job& job, int64_t bytes) {
  const int64_t allocated = job.options.input_buffer_bytes;
  if (bytes > allocated) {
    return MakeError(Reason::kPushExceedsInputBuffer,
                     absl::StrCat("the push holds ", bytes, " bytes, but the whole input buffer of pipeline ", job.id,
                                  " holds ", allocated, "; push less at once"),
                     {{"needed_bytes", absl::StrCat(bytes)}, {"allocated_bytes", absl::StrCat(allocated)}});
  }
  const int64_t remaining = std::max<int64_t>(allocated - job.input_buffer_used_bytes, 0);
  if (bytes <= remaining) return absl::OkStatus();
  return WithRetryAfter(
      MakeError(Reason::kInputBufferFull,
                absl::StrCat("the input buffer of pipeline ", job.id, " is full: the push needs ", bytes, " bytes, ",
                             remaining, " of ", allocated, " are left; push again when chunks are done"),
                {{"remaining_bytes", absl::StrCat(remaining)},
                 {"needed_bytes", absl::StrCat(bytes)},
                 {"allocated_bytes", absl::StrCat(allocated)}}),
      kInputBufferRetry);
}

// A pause outlasts every change of state but the end of the job.
void MoveTo(Job& job, JobState state) {
  if (job.state == JobState::kPaused && !IsFinal(state)) {
    job.resume_state = state;
    return;
  }
  job.state = state;
  EndPause(job);
}

void CompleteIfDone(Job& job, absl::Time now) {
  if (!AllCommitted(job)) return;
  const JobState state = StateUnderPause(job);
  if (state == JobState::kClosed) {
    MoveTo(job, JobState::kCompleted);
  } else if (state == JobState::kClosedByTimeout) {
    MoveTo(job, JobState::kCompletedByTimeout);
  } else {
    return;
  }
  job.complete_time = now;
}

void TakeIn(Job& job, const PushSize& size, absl::Time now) {
  if (StateUnderPause(job) == JobState::kCreated) MoveTo(job, JobState::kInProgress);
  if (job.start_time == absl::InfinitePast()) job.start_time = now;
  job.last_sequence += size.chunks;
  job.counters.records_submitted += size.records;
  job.counters.input_bytes += size.bytes;
  job.input_buffer_used_bytes += size.bytes;
}

// What the records of a chunk stand for is counted by its new outcome, and no longer by the one it had.
void TakeReplaced(JobCounters& counters, const Chunk& chunk, const Discards& discards) {
  counters.records_rerun += chunk.record_count;
  if (!chunk.repeats.empty()) {
    counters.records_completed -= chunk.record_count;
    counters.records_repeated += chunk.record_count;
    return;
  }
  counters.records_failed -= chunk.record_count - discards.count;
  counters.records_held -= chunk.replaces_held - discards.held;
  counters.records_discarded -= discards.count;
}

void CloseInput(Job& job, absl::Time now) {
  MoveTo(job, JobState::kClosed);
  job.input_close_time = now;
  job.update_time = now;
  CompleteIfDone(job, now);
}

// Decided here and not by the reader, who may not have heard yet that the sample is continued.
void EndReading(Job& job, absl::Time now) {
  const SourceSample& sample = job.source.sample;
  if (sample.continued && !job.source_position.rest) {
    BeginRest(sample, job.source_position);
  } else {
    CloseInput(job, now);
  }
}

}  // namespace

void ApplyCreate(Job& job, int64_t store_epoch, absl::Time now) {
  job.state = JobState::kCreated;
  job.cancel_mode = CancelMode::kNone;
  job.state_reason.clear();
  EndPause(job);
  job.ramps = 0;
  job.source_position = {};
  job.counters = {};
  job.last_event = 1;
  job.last_sequence = 0;
  job.watermark = 0;
  job.highest_committed = 0;
  job.input_buffer_used_bytes = 0;
  job.last_result = 0;
  job.acknowledged_result = 0;
  job.output_buffer_used_bytes = 0;
  job.unacknowledged_records = 0;
  job.create_time = now;
  job.update_time = now;
  job.start_time = absl::InfinitePast();
  job.first_commit_time = absl::InfinitePast();
  job.input_close_time = absl::InfinitePast();
  job.complete_time = absl::InfinitePast();
  job.owner_epoch = store_epoch;
}

absl::StatusOr<bool> ApplyPush(Job& job, const PushSize& size, absl::Time now,
                               const std::optional<SourcePosition>& position) {
  if (HasSource(job) || position.has_value()) {
    if (absl::Status checked = CheckReader(job, size, position); !checked.ok()) return checked;
  }
  const bool moves = position.has_value() && *position != job.source_position;
  const bool ends = position.has_value() && position->exhausted && TakesInput(job);
  if (size.chunks == 0 && !moves && !ends) return false;
  if (job.state == JobState::kCancelled) return CancelledError(job);
  if (!TakesInput(job)) return ClosedError(job);

  if (absl::Status fits = CheckRoom(job, size.bytes); !fits.ok()) return fits;

  if (moves) job.source_position = *position;
  job.update_time = now;
  if (size.chunks > 0) TakeIn(job, size, now);
  if (ends) EndReading(job, now);
  return true;
}

absl::Status ApplyCommit(Job& job, Chunk& chunk, const ChunkCommit& commit, int64_t store_epoch, absl::Time now,
                         const Discards& discards) {
  if (absl::Status lease = CheckLease(job, chunk, commit.epoch, store_epoch); !lease.ok()) return lease;
  if (absl::Status in_order = CheckOrder(job, chunk); !in_order.ok()) return in_order;
  const ChunkOutcome& outcome = commit.outcome;
  if (absl::Status checked = CheckOutcome(chunk, outcome); !checked.ok()) return checked;

  const auto failed = static_cast<int64_t>(outcome.failures.size());
  const auto output_bytes = static_cast<int64_t>(outcome.json_lines.size());
  chunk.state = ChunkState::kCommitted;
  chunk.commit_time = now;
  chunk.attempts = commit.attempt;
  chunk.config_hash = commit.config_hash;
  chunk.result_number = ++job.last_result;

  JobCounters& counters = job.counters;
  counters.chunks_completed += 1;
  if (failed == chunk.record_count) counters.chunks_failed += 1;
  counters.records_completed += chunk.record_count - failed;
  counters.records_failed += failed;
  counters.records_held += HeldIn(outcome);
  if (IsRerun(chunk)) TakeReplaced(counters, chunk, discards);
  counters.output_bytes += output_bytes;
  counters.compute_nanos += outcome.compute_nanos;
  counters.records_retried += outcome.records_retried;
  if (outcome.records_retried > 0) counters.chunks_retried += 1;

  job.highest_committed = std::max(job.highest_committed, chunk.sequence);
  job.input_buffer_used_bytes -= chunk.input_bytes;
  job.output_buffer_used_bytes += output_bytes;
  job.unacknowledged_records += chunk.record_count;
  if (job.first_commit_time == absl::InfinitePast()) job.first_commit_time = now;
  job.update_time = now;
  const std::string why_failed = WhyJobFails(job, chunk, outcome);
  if (why_failed.empty() || !ApplyFail(job, why_failed, now)) CompleteIfDone(job, now);
  return absl::OkStatus();
}

absl::Status ApplyRerun(Job& job, int64_t bytes, absl::Time now) {
  if (job.state == JobState::kCancelled) return CancelledError(job);
  if (job.state == JobState::kFailed) return ClosedError(job);
  if (absl::Status fits = CheckRoom(job, bytes); !fits.ok()) return fits;
  if (IsFinal(job.state)) {
    job.state = job.state == JobState::kCompleted ? JobState::kClosed : JobState::kClosedByTimeout;
    job.complete_time = absl::InfinitePast();
  }
  job.last_sequence += 1;
  job.input_buffer_used_bytes += bytes;
  job.update_time = now;
  return absl::OkStatus();
}

absl::StatusOr<bool> ApplyTakeUp(Job& job, absl::Time now) {
  if (!EndedEarly(job)) return false;
  if (absl::Status kept = CheckNotDropped(job); !kept.ok()) return kept;
  if (job.cancel_mode == CancelMode::kForce) return InputGoneError(job);
  // A caller who closed the input before wanted no more of the source.
  const bool was_open = job.input_close_time == job.complete_time;
  const bool reads_on = HasSource(job) && was_open && !job.source_position.exhausted;
  if (reads_on) {
    job.state = job.last_sequence > 0 ? JobState::kInProgress : JobState::kCreated;
    job.input_close_time = absl::InfinitePast();
  } else {
    job.state = JobState::kClosed;
  }
  job.cancel_mode = CancelMode::kNone;
  job.state_reason.clear();
  job.complete_time = absl::InfinitePast();
  job.update_time = now;
  CompleteIfDone(job, now);
  return true;
}

void ApplyDiscard(Job& job, bool held, absl::Time now) {
  job.counters.records_failed -= 1;
  if (held) job.counters.records_held -= 1;
  job.counters.records_discarded += 1;
  job.update_time = now;
}

void AdvanceWatermark(Job& job, std::set<int64_t>& ahead, int64_t committed) {
  ahead.insert(committed);
  while (!ahead.empty() && *ahead.begin() <= job.watermark + 1) {
    job.watermark = std::max(job.watermark, *ahead.begin());
    ahead.erase(ahead.begin());
  }
}

absl::StatusOr<bool> ApplyClose(Job& job, absl::Time now) {
  if (job.state == JobState::kCancelled) return CancelledError(job);
  if (job.state == JobState::kFailed) return ClosedError(job);
  if (!TakesInput(job)) return false;
  CloseInput(job, now);
  return true;
}

bool ApplyFail(Job& job, std::string_view reason, absl::Time now) {
  if (IsFinal(job.state)) return false;
  MoveTo(job, JobState::kFailed);
  job.state_reason = std::string(reason);
  if (job.input_close_time == absl::InfinitePast()) job.input_close_time = now;
  job.complete_time = now;
  job.update_time = now;
  return true;
}

bool WaitsForClient(const Job& job, int64_t running_chunks) {
  // A paused job waits for whoever paused it.
  if (job.state == JobState::kPaused || !TakesInput(job) || running_chunks > 0) return false;
  if (HasSource(job)) return false;
  return AllCommitted(job) || job.output_buffer_used_bytes >= job.options.output_buffer_bytes;
}

bool ApplyIdle(Job& job, absl::Time now) {
  if (job.options.idle_timeout <= absl::ZeroDuration() || !WaitsForClient(job, 0)) return false;
  MoveTo(job, JobState::kClosedByTimeout);
  job.state_reason = absl::StrCat("nothing was pushed or pulled for ", absl::FormatDuration(job.options.idle_timeout));
  job.input_close_time = now;
  job.update_time = now;
  CompleteIfDone(job, now);
  return true;
}

absl::StatusOr<bool> ApplyCancel(Job& job, std::string_view reason, bool force, absl::Time now) {
  const bool cancelled = job.state == JobState::kCancelled;
  if (IsFinal(job.state) && !cancelled) return ClosedError(job);
  if (cancelled && (!force || job.cancel_mode == CancelMode::kForce)) return false;

  MoveTo(job, JobState::kCancelled);
  job.cancel_mode = force ? CancelMode::kForce : CancelMode::kDrain;
  if (!reason.empty()) job.state_reason = std::string(reason);
  if (job.input_close_time == absl::InfinitePast()) job.input_close_time = now;
  if (job.complete_time == absl::InfinitePast()) job.complete_time = now;
  job.update_time = now;
  if (force) {
    job.input_buffer_used_bytes = 0;
    job.output_buffer_used_bytes = 0;
    job.unacknowledged_records = 0;
  }
  return true;
}

absl::Status CheckCursor(const Job& job, int64_t cursor, std::string_view cursor_field) {
  if (cursor < 0) {
    return FieldError(cursor_field, absl::StrCat("is ", cursor, ", expected 0 or the number of a result"));
  }
  if (cursor <= job.last_result) return absl::OkStatus();
  const std::string message = absl::StrCat(std::string(cursor_field), ": is ", cursor,
                                           ", but the newest result of pipeline ", job.id, " is ", job.last_result);
  return WithField(MakeError(Reason::kCursorInFuture, message, {{"newest", absl::StrCat(job.last_result)}}),
                   cursor_field);
}

bool ApplyAcknowledge(Job& job, int64_t cursor, int64_t output_bytes, int64_t records, absl::Time now) {
  if (!WouldAcknowledge(job, cursor)) return false;
  job.acknowledged_result = cursor;
  job.output_buffer_used_bytes -= output_bytes;
  job.unacknowledged_records -= records;
  job.update_time = now;
  return true;
}

}  // namespace millrace::model
