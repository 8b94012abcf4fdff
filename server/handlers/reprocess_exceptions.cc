#include <utility>

#include "server/handlers/exception_group.h"
#include "server/handlers/job_handlers.h"
#include "server/handlers/rerun.h"
#include "server/handlers/validate.h"
#include "storage/model/errors.h"
#include "storage/model/limits.h"

namespace millrace::handlers {
namespace {

absl::Status CheckRequest(const v1::ReprocessExceptionsRequest& request) {
  if (absl::Status status = ValidateRequiredId("job_id", request.job_id()); !status.ok()) return status;
  if (absl::Status status = ValidateText("note", request.note(), model::kMetadataBytesMax); !status.ok()) return status;
  if (absl::Status status = CheckPlace("up_to_sequence", request.up_to_sequence()); !status.ok()) return status;
  switch (request.selection_case()) {
    case v1::ReprocessExceptionsRequest::kIds:
      return absl::OkStatus();
    case v1::ReprocessExceptionsRequest::kFingerprint:
      if (!request.fingerprint().empty()) return absl::OkStatus();
      return model::FieldError("fingerprint", "expected the fingerprint of a group");
    case v1::ReprocessExceptionsRequest::kAll:
      if (request.all()) return absl::OkStatus();
      return model::FieldError("all", "expected true");
    case v1::ReprocessExceptionsRequest::SELECTION_NOT_SET:
      break;
  }
  return model::FieldError("selection", "expected one of ids, fingerprint and all");
}

}  // namespace

absl::StatusOr<v1::ReprocessExceptionsResponse> ReprocessExceptions(const v1::ReprocessExceptionsRequest& request,
                                                                    const Call& call, const Deps& deps) {
  if (absl::Status checked = CheckRequest(request); !checked.ok()) return checked;
  const model::JobKey key = call.job(request.job_id());
  const absl::StatusOr<model::JobPtr> job = deps.store.GetJob(key);
  if (!job.ok()) return job.status();
  if (absl::Status known = CheckGroup("fingerprint", request.fingerprint(), key, deps); !known.ok()) return known;
  const RerunOptions options{
      .note = request.note(),
      .preview = request.preview(),
      .up_to_sequence = request.up_to_sequence() > 0 ? request.up_to_sequence() : (*job)->last_sequence};

  Rerun rerun(**job, options, call, deps);
  absl::StatusOr<bool> all_taken =
      request.has_ids() ? rerun.AddIds(request.ids()) : rerun.AddUnresolved(request.fingerprint());
  const absl::StatusOr<bool> more = rerun.Finish(std::move(all_taken), /*also_stored=*/0);
  if (!more.ok()) return more.status();
  v1::ReprocessExceptionsResponse response;
  response.set_record_count(rerun.count());
  response.set_skipped_count(rerun.passed_over());
  response.set_more(*more);
  response.set_up_to_sequence(options.up_to_sequence);
  return response;
}

}  // namespace millrace::handlers
