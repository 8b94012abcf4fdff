#include "server/handlers/schedule_run.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "millrace/v1/job_service.pb.h"
#include "server/handlers/source.h"
#include "server/handlers/submitted_job.h"
#include "storage/model/errors.h"
#include "storage/model/schedule_rules.h"

namespace millrace::handlers {

absl::StatusOr<model::JobPtr> SubmitRun(const model::Schedule& schedule, const model::ScheduleRun& run,
                                        const Deps& deps) {
  // Before anything is looked at: when a submission is repeated, what it needed may be gone or changed.
  const std::string request_id = model::RunRequestId({schedule.uid, run.number});
  absl::StatusOr<model::JobPtr> earlier = deps.store.FindRequest(schedule.tenant, request_id);
  if (!earlier.ok() || *earlier != nullptr) return earlier;

  v1::SubmitJobRequest request;
  if (!request.ParseFromString(schedule.definition.job_template)) {
    return model::MakeError(model::Reason::kStorageCorrupt, "the job of the schedule cannot be read");
  }
  v1::JobMetadata& metadata = *request.mutable_metadata();
  if (metadata.name().empty()) metadata.set_name(schedule.id);
  if (metadata.correlation_id().empty()) metadata.set_correlation_id(absl::StrCat(schedule.id, "/", run.number));
  const Call call{.principal = {.tenant = schedule.tenant, .user = schedule.created_by},
                  .request_time = deps.clock.Now()};
  absl::StatusOr<model::Job> job = ReadSubmittedJob(request, call, deps);
  if (!job.ok()) return job.status();
  if (absl::Status looked = LookAtSource(*job, deps); !looked.ok()) return looked;
  // No caller can use this id, so that whatever is there under it is this job.
  job->request_id = request_id;
  job->request_hash = request_id;
  return deps.store.CreateJob(*std::move(job));
}

}  // namespace millrace::handlers
