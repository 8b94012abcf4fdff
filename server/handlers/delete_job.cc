#include "absl/strings/str_cat.h"
#include "server/handlers/job_handlers.h"
#include "server/handlers/validate.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"

namespace millrace::handlers {
namespace {

/// What a chunk usually takes to come to its end.
constexpr absl::Duration kRunningChunksRetry = absl::Milliseconds(200);

}  // namespace

absl::StatusOr<v1::DeleteJobResponse> DeleteJob(const v1::DeleteJobRequest& request, const Call& call,
                                                const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("job_id", request.job_id()); !status.ok()) return status;
  const model::JobKey key = call.job(request.job_id());
  if (request.force()) {
    absl::StatusOr<model::JobPtr> job = deps.store.GetJob(key);
    if (job.ok() && !model::IsFinal((*job)->state)) {
      job = deps.store.CancelJob(key, absl::StrCat("deleted by ", call.principal.user), /*force=*/true,
                                 call.principal.user);
    }
    if (!job.ok()) return job.status();
  }
  // An outcome that came after the deletion would be taken for one of the next job with this id.
  if (const int64_t running = deps.leases.in_flight(key); running > 0) {
    return model::WithRetryAfter(
        model::MakeError(model::Reason::kJobNotFinished,
                         absl::StrCat("job ", request.job_id(), " still has ", running, " chunks running"),
                         {{"pipeline_id", request.job_id()}, {"running_chunks", absl::StrCat(running)}}),
        kRunningChunksRetry);
  }
  if (absl::Status status = deps.store.DeleteJob(key); !status.ok()) return status;
  return v1::DeleteJobResponse();
}

}  // namespace millrace::handlers
