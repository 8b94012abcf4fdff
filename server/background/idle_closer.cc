#include "server/background/idle_closer.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "server/core/log.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"

namespace millrace::background {

IdleRun IdleCloser::RunOnce(size_t limit) {
  IdleRun run;
  const std::vector<model::JobKey> unused = activity_.TakeUnused(limit);
  for (const model::JobKey& key : unused) {
    ++run.unused;
    const absl::StatusOr<model::JobPtr> seen = store_.GetJob(key);
    if (seen.ok() && !model::WaitsForClient(**seen, leases_.in_flight(key))) continue;
    const absl::StatusOr<model::JobPtr> job = seen.ok() ? store_.CloseIdleJob(*seen) : seen;
    if (!job.ok()) {
      // A job that is gone needs no closing.
      if (model::HasReason(job.status(), model::Reason::kPipelineNotFound)) continue;
      ++run.failed;
      core::Log(spdlog::level::warn,
                absl::StrCat("the job cannot be closed though it is idle: ", job.status().message()),
                {{"job_id", key.job_id}});
    } else if (*job != *seen && !model::TakesInput(**job)) {
      ++run.closed;
      core::Log(spdlog::level::info, absl::StrCat((*job)->state_reason, ", so its input is closed"),
                {{"job_id", key.job_id}});
    }
  }
  return run;
}

}  // namespace millrace::background
