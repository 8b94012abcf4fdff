#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/handlers/in_flight.h"
#include "server/handlers/job_handlers.h"
#include "server/handlers/validate.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/store/store_errors.h"

namespace millrace::handlers {
namespace {

/// A job of a cancelled bulk run that was set to work again meanwhile is nobody else's to cancel any more.
absl::Status CancelChild(const absl::Status& refused, const model::JobKey& bulk, const Call& call, const Deps& deps) {
  const auto metadata = model::DetailsOf(refused).metadata;
  const auto child = std::ranges::find(metadata, "child_job_id", &std::pair<std::string, std::string>::first);
  if (child == metadata.end()) return refused;
  const absl::Status cancelled =
      deps.store
          .CancelJob(call.job(child->second), absl::StrCat("bulk run ", bulk.job_id, " is deleted"),
                     /*force=*/false, call.principal.user)
          .status();
  return cancelled.ok() ? refused : cancelled;
}

}  // namespace

absl::StatusOr<v1::DeleteJobResponse> DeleteJob(const v1::DeleteJobRequest& request, const Call& call,
                                                const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("job_id", request.job_id()); !status.ok()) return status;
  const model::JobKey key = call.job(request.job_id());
  absl::StatusOr<model::JobPtr> job = deps.store.GetJob(key);
  if (job.ok() && !model::IsFinal((*job)->state)) {
    if (!request.force()) return store::JobNotFinished(**job);
    job = deps.store.CancelJob(key, absl::StrCat("deleted by ", call.principal.user), /*force=*/true,
                               call.principal.user);
  }
  if (!job.ok()) return job.status();
  // An outcome that came after the deletion would be taken for one of the next job with this id.
  if (absl::Status over = CheckNothingInFlight(key, deps); !over.ok()) return over;
  if (absl::Status status = deps.store.DeleteJob(key); !status.ok()) {
    return request.force() ? CancelChild(status, key, call, deps) : status;
  }
  return v1::DeleteJobResponse();
}

}  // namespace millrace::handlers
