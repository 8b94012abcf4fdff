// What follows from the counters of a job and its state.
#include "storage/model/job_rules.h"

namespace millrace::model {

bool EndedEarly(const Job& job) { return job.state == JobState::kFailed || job.state == JobState::kCancelled; }

bool IsSameEnd(const Job& seen, const Job& now) {
  // Each end is an event, and so is what leads out of it.
  return seen.create_time == now.create_time && seen.last_event == now.last_event;
}

Outcome OutcomeOf(const Job& job) {
  if (job.state != JobState::kCompleted && job.state != JobState::kCompletedByTimeout) return Outcome::kNone;
  // Whoever discards a record knows that its result is missing; the outcome says so.
  if (job.counters.records_failed + job.counters.records_discarded == 0) return Outcome::kSucceeded;
  return job.counters.records_completed == 0 ? Outcome::kFailedAll : Outcome::kPartial;
}

int64_t ChunksSkipped(const Job& job) {
  return EndedEarly(job) ? job.last_sequence - job.counters.chunks_completed : 0;
}

int64_t RecordsSkipped(const Job& job) {
  return EndedEarly(job) ? job.counters.records_submitted - RecordsThrough(job) : 0;
}

int64_t RecordsPending(const Job& job) {
  return EndedEarly(job) ? 0 : job.counters.records_submitted - RecordsThrough(job);
}

int64_t RecordsThrough(const Job& job) {
  return job.counters.records_completed + job.counters.records_failed + job.counters.records_discarded;
}

int64_t RecordsInResults(const Job& job) { return RecordsThrough(job) + job.counters.records_rerun; }

int64_t ChunksPending(const Job& job) {
  return EndedEarly(job) ? 0 : job.last_sequence - job.counters.chunks_completed;
}

int64_t ResultsAvailable(const Job& job) {
  return job.cancel_mode == CancelMode::kForce ? 0 : job.last_result - job.acknowledged_result;
}

bool WouldAcknowledge(const Job& job, int64_t cursor) {
  return cursor > job.acknowledged_result && job.cancel_mode != CancelMode::kForce;
}

bool IsDrained(const Job& job, int64_t cursor, int64_t running_chunks) {
  if (!IsFinal(job.state)) return false;
  if (job.cancel_mode == CancelMode::kForce) return cursor >= job.acknowledged_result;
  if (job.cancel_mode == CancelMode::kDrain && running_chunks > 0) return false;
  return cursor >= job.last_result;
}

}  // namespace millrace::model
