// What each state of a job means.
#include "storage/model/job_rules.h"

namespace millrace::model {

bool IsFinal(JobState state) {
  switch (state) {
    case JobState::kCompleted:
    case JobState::kCompletedByTimeout:
    case JobState::kFailed:
    case JobState::kCancelled:
      return true;
    case JobState::kCreated:
    case JobState::kInProgress:
    case JobState::kPaused:
    case JobState::kClosed:
    case JobState::kClosedByTimeout:
      return false;
  }
  return false;
}

JobState StateUnderPause(const Job& job) {
  if (job.state != JobState::kPaused) return job.state;
  return job.resume_state == JobState{} ? JobState::kInProgress : job.resume_state;
}

bool TakesInput(const Job& job) {
  const JobState state = StateUnderPause(job);
  return state == JobState::kCreated || state == JobState::kInProgress;
}

bool HasSource(const Job& job) { return job.source.kind != SourceKind::kNone; }

bool NeedsReading(const Job& job) { return HasSource(job) && TakesInput(job); }

std::optional<int64_t> TotalRecords(const Job& job) {
  if (!HasSource(job)) return std::nullopt;
  if (job.source_position.exhausted) return job.counters.records_submitted;
  if (job.source.count == 0) return std::nullopt;
  return SampledCount(job.source.sample, job.source.count);
}

bool MayDispatch(JobState state) {
  return state == JobState::kInProgress || state == JobState::kClosed || state == JobState::kClosedByTimeout;
}

std::string_view JobStateName(JobState state) {
  switch (state) {
    case JobState::kCreated:
      return "CREATED";
    case JobState::kInProgress:
      return "IN_PROGRESS";
    case JobState::kPaused:
      return "PAUSED";
    case JobState::kClosed:
      return "CLOSED";
    case JobState::kClosedByTimeout:
      return "CLOSED_BY_TIMEOUT";
    case JobState::kCompleted:
      return "COMPLETED";
    case JobState::kCompletedByTimeout:
      return "COMPLETED_BY_TIMEOUT";
    case JobState::kFailed:
      return "FAILED";
    case JobState::kCancelled:
      return "CANCELLED";
  }
  return "UNKNOWN";
}

}  // namespace millrace::model
