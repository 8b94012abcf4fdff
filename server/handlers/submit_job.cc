#include <string>
#include <utility>

#include "server/core/convert.h"
#include "server/handlers/job_handlers.h"
#include "server/handlers/new_job.h"
#include "server/handlers/source.h"
#include "server/handlers/submitted_job.h"

namespace millrace::handlers {
namespace {

std::string HashOf(v1::SubmitJobRequest request, const model::Job& job) {
  request.clear_parameters();
  if (request.source().has_inline_()) request.mutable_source()->mutable_inline_()->clear_records();
  return RequestHash("submit-job", request, job);
}

}  // namespace

absl::StatusOr<model::Job> ReadSubmittedJob(v1::SubmitJobRequest& request, const Call& call, const Deps& deps) {
  absl::StatusOr<model::Job> job = ReadNewJob({.service = request.service(),
                                               .request_id = request.request_id(),
                                               .id_field = "job_id",
                                               .id = request.job_id(),
                                               .parameters = request.has_parameters() ? &request.parameters() : nullptr,
                                               .selected_outputs = request.selected_outputs(),
                                               .options = request.options(),
                                               .metadata = request.metadata()},
                                              call, deps);
  if (!job.ok()) return job;
  absl::StatusOr<model::JobSource> source = TakeSource(request, deps);
  if (!source.ok()) return source.status();
  job->source = *std::move(source);
  return job;
}

absl::StatusOr<v1::Job> SubmitJob(v1::SubmitJobRequest& request, const Call& call, const Deps& deps) {
  absl::StatusOr<model::Job> job = ReadSubmittedJob(request, call, deps);
  if (!job.ok()) return job.status();
  if (!job->request_id.empty()) {
    job->request_hash = HashOf(request, *job);
    // Before the source is looked at: it may be gone when a call is repeated whose reply was lost.
    const absl::StatusOr<model::JobPtr> earlier = deps.store.FindRequest(job->tenant, job->request_id);
    if (!earlier.ok()) return earlier.status();
    // Where it was another request, creating the job says so.
    if (*earlier != nullptr && (*earlier)->request_hash == job->request_hash) {
      return core::ToProto(**earlier, deps.clock.Now());
    }
  }
  if (absl::Status looked = LookAtSource(*job, deps); !looked.ok()) return looked;
  const absl::StatusOr<model::JobPtr> created = deps.store.CreateJob(*std::move(job));
  if (!created.ok()) return created.status();
  return core::ToProto(**created, deps.clock.Now());
}

}  // namespace millrace::handlers
