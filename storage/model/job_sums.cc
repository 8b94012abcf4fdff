#include "storage/model/job_sums.h"

#include "storage/model/job_rules.h"

namespace millrace::model {
namespace {

/// A count of none is left out, so that equal sums have equal maps.
template <typename Key>
void AddCount(std::map<Key, int64_t>& counts, Key key, int64_t count) {
  if ((counts[key] += count) == 0) counts.erase(key);
}

void Add(JobSums& sums, const Job& job, int64_t sign) {
  AddCount(sums.states, job.state, sign);
  if (const Outcome outcome = OutcomeOf(job); outcome != Outcome::kNone) AddCount(sums.outcomes, outcome, sign);
  sums.records_submitted += sign * job.counters.records_submitted;
  sums.records_pending += sign * RecordsPending(job);
  sums.records_completed += sign * job.counters.records_completed;
  sums.records_failed += sign * job.counters.records_failed;
  sums.records_discarded += sign * job.counters.records_discarded;
  sums.records_skipped += sign * RecordsSkipped(job);
}

}  // namespace

void AddJob(JobSums& sums, const Job& job) { Add(sums, job, 1); }

void TakeJob(JobSums& sums, const Job& job) { Add(sums, job, -1); }

void AddSums(JobSums& sums, const JobSums& more) {
  for (const auto& [state, count] : more.states) AddCount(sums.states, state, count);
  for (const auto& [outcome, count] : more.outcomes) AddCount(sums.outcomes, outcome, count);
  sums.records_submitted += more.records_submitted;
  sums.records_pending += more.records_pending;
  sums.records_completed += more.records_completed;
  sums.records_failed += more.records_failed;
  sums.records_discarded += more.records_discarded;
  sums.records_skipped += more.records_skipped;
}

int64_t JobCount(const JobSums& sums) {
  int64_t count = 0;
  for (const auto& [state, jobs] : sums.states) count += jobs;
  return count;
}

int64_t ActiveJobCount(const JobSums& sums) {
  int64_t count = 0;
  for (const auto& [state, jobs] : sums.states) count += IsFinal(state) ? 0 : jobs;
  return count;
}

}  // namespace millrace::model
