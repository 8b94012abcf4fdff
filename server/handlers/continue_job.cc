#include <string>

#include "absl/strings/str_cat.h"
#include "server/core/convert.h"
#include "server/handlers/job_handlers.h"
#include "server/handlers/source_parts.h"
#include "server/handlers/validate.h"
#include "storage/model/errors.h"

namespace millrace::handlers {
namespace {

/// A source that is not what it was would fail the job, which may be complete: that is said before anything is changed.
absl::Status CheckReadable(const model::Job& job, const Deps& deps) {
  if (job.source.sample.continued) return absl::OkStatus();
  const absl::Status same = CheckSourceUnchanged(job, deps);
  if (same.ok()) return same;
  return model::FieldError("job_id", absl::StrCat("its source cannot be read on: ", same.message()));
}

}  // namespace

absl::StatusOr<v1::Job> ContinueJob(const v1::ContinueJobRequest& request, const Call& call, const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("job_id", request.job_id()); !status.ok()) return status;
  const model::JobKey key = call.job(request.job_id());
  absl::StatusOr<model::JobPtr> job = deps.store.GetJob(key);
  if (!job.ok()) return job.status();
  if (absl::Status readable = CheckReadable(**job, deps); !readable.ok()) return readable;
  job = deps.store.ContinueJob(key, call.principal.user);
  if (!job.ok()) return job.status();
  return core::ToProto(**job, deps.clock.Now());
}

}  // namespace millrace::handlers
