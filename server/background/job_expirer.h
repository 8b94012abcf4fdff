// Deletes jobs whose retention is over.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "server/core/lease_hub.h"
#include "storage/model/clock.h"
#include "storage/model/retention_rules.h"
#include "storage/store/job_store.h"

namespace millrace::background {

/// What one run of the work did.
struct ExpirerRun {
  /// Jobs whose retention is over.
  int64_t looked_at = 0;
  int64_t deleted = 0;
  /// Of which only the job and its events were left: they had unresolved exceptions.
  int64_t dropped = 0;
  /// That stay for now: an unfinished job reads what they have, a chunk of them still runs, or a schedule has not seen their end.
  int64_t kept = 0;
  /// That stay because the store failed; a later run tries again.
  int64_t failed = 0;
};

/// For one thread, without a thread of its own: see Ticker. A run costs what is due, however many jobs there are.
class JobExpirer {
 public:
  /// All must outlive the object.
  JobExpirer(store::JobStore& store, const core::LeaseHub& leases, const model::Clock& clock)
      : store_(store), leases_(leases), clock_(clock) {}

  /// Looks at the next jobs that are due, at most `jobs_max`. A run that looked at fewer has come to the end, and the next one
  /// begins anew. Waits for the store.
  ExpirerRun RunOnce(int32_t jobs_max);

 private:
  void Expire(const model::JobKey& key, ExpirerRun& run);
  /// Whether somebody still needs the job; what the store cannot tell as cheaply as this, beside the commit lane.
  absl::StatusOr<bool> IsNeeded(const model::Job& job);
  /// Whether a schedule has yet to see how the job of its run ended, or even that there is one. A run that is over once is over
  /// for good.
  absl::StatusOr<bool> IsOfOpenRun(const model::Job& job);

  store::JobStore& store_;
  const core::LeaseHub& leases_;
  const model::Clock& clock_;
  /// Request ids of the runs that were open when this RunOnce had listed what is due; absent before they were asked for.
  std::optional<std::set<std::string>> open_runs_;
  /// The last one that was looked at.
  model::Expiry behind_;
};

}  // namespace millrace::background
