// How long jobs that have ended are kept, and what goes when that is over: pure functions, as job_rules.h.
#pragma once

#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "storage/model/exception.h"
#include "storage/model/job.h"
#include "storage/model/job_event.h"

namespace millrace::model {

/// A job whose retention ends at a time.
struct Expiry {
  absl::Time time = absl::InfinitePast();
  JobKey job;

  friend bool operator==(const Expiry&, const Expiry&) = default;
  friend bool operator<(const Expiry& a, const Expiry& b) { return std::tie(a.time, a.job) < std::tie(b.time, b.job); }
};

/// When the retention of a job ends, as the job is now. InfiniteFuture where it does not: the job has not ended, is kept for
/// ever, has unresolved exceptions that keep it, or was dropped already.
absl::Time ExpireTime(const Job& job);

/// What becomes of a job.
enum class Expiration {
  /// It stays as it is.
  kKept,
  /// It goes, with all that it has.
  kDeleted,
  /// It has unresolved exceptions. They go, and all else that it held; the job and its events stay, and name them.
  kDropped,
};

/// What becomes of a job by its retention at `now`.
Expiration ExpirationOf(const Job& job, absl::Time now);

/// True when `reader`, which has not ended, reads what `job` has: the retention of `job` waits for it.
bool Reads(const Job& reader, const Job& job);

/// Marks a job whose exceptions, results and inputs are deleted. Counters stay as they were.
void ApplyDrop(Job& job, absl::Time now);

/// The events that name each group with unresolved exceptions: some groups an event.
std::vector<JobEvent> DropEvents(const std::vector<ExceptionGroup>& groups, absl::Time now);

/// JOB_EXPIRED where the job was dropped, and so cannot be at work again.
absl::Status CheckNotDropped(const Job& job);

}  // namespace millrace::model
