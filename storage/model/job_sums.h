// Sums over jobs: what statistics over all jobs of a tenant show.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "storage/model/job.h"

namespace millrace::model {

/// Sums over some jobs. Equal where the jobs add up to the same.
struct JobSums {
  /// Only what occurs. A job that is not completed has no outcome and is in none of `outcomes`.
  std::map<JobState, int64_t> states;
  std::map<Outcome, int64_t> outcomes;

  // Of their records; the first is the sum of the others.

  int64_t records_submitted = 0;
  int64_t records_pending = 0;
  int64_t records_completed = 0;
  /// Have an exception that is unresolved, or waits to be run again.
  int64_t records_failed = 0;
  int64_t records_discarded = 0;
  int64_t records_skipped = 0;

  friend bool operator==(const JobSums&, const JobSums&) = default;
};

/// By service.
using ServiceSums = std::map<std::string, JobSums>;

/// Adds a job as it is.
void AddJob(JobSums& sums, const Job& job);

/// Takes away what AddJob has added for the same job as it was then.
void TakeJob(JobSums& sums, const Job& job);

void AddSums(JobSums& sums, const JobSums& more);

int64_t JobCount(const JobSums& sums);

/// Jobs whose state is not final.
int64_t ActiveJobCount(const JobSums& sums);

}  // namespace millrace::model
