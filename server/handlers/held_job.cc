#include "server/handlers/held_job.h"

#include "storage/model/retention_rules.h"

namespace millrace::handlers {

absl::Status CheckStillHeld(const model::JobKey& job, const Deps& deps) {
  const absl::StatusOr<model::JobPtr> found = deps.store.GetJob(job);
  return found.ok() ? model::CheckNotDropped(**found) : found.status();
}

}  // namespace millrace::handlers
