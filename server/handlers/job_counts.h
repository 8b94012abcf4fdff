// Sums over jobs in answers.
#pragma once

#include "millrace/v1/job_service.pb.h"
#include "storage/model/job_sums.h"

namespace millrace::handlers {

inline v1::RecordCounts ToProto(const model::JobSums& sums) {
  v1::RecordCounts counts;
  counts.set_submitted(sums.records_submitted);
  counts.set_pending(sums.records_pending);
  counts.set_completed(sums.records_completed);
  counts.set_failed(sums.records_failed);
  counts.set_discarded(sums.records_discarded);
  counts.set_skipped(sums.records_skipped);
  return counts;
}

/// Adds how many jobs there are by state and outcome.
template <typename Answer>
void AddJobCounts(const model::JobSums& sums, Answer& answer) {
  for (const auto& [state, jobs] : sums.states) {
    v1::JobStateCount& count = *answer.add_states();
    count.set_state(static_cast<v1::JobState>(state));
    count.set_jobs(jobs);
  }
  for (const auto& [outcome, jobs] : sums.outcomes) {
    v1::OutcomeCount& count = *answer.add_outcomes();
    count.set_outcome(static_cast<v1::Outcome>(outcome));
    count.set_jobs(jobs);
  }
}

}  // namespace millrace::handlers
