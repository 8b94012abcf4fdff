#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/core/convert.h"
#include "server/handlers/exception_group.h"
#include "server/handlers/in_flight.h"
#include "server/handlers/job_handlers.h"
#include "server/handlers/rerun.h"
#include "server/handlers/rerun_chunks.h"
#include "server/handlers/validate.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/model/limits.h"
#include "storage/model/retention_rules.h"

namespace millrace::handlers {
namespace {

absl::Status CheckSelection(const v1::RetryJobRequest& request) {
  switch (request.selection_case()) {
    case v1::RetryJobRequest::kIds:
      return absl::OkStatus();
    case v1::RetryJobRequest::kFingerprint:
      if (!request.fingerprint().empty()) return absl::OkStatus();
      return model::FieldError("fingerprint", "expected the fingerprint of a group");
    case v1::RetryJobRequest::kFailed:
      if (request.failed()) return absl::OkStatus();
      return model::FieldError("failed", "expected true");
    case v1::RetryJobRequest::kConfigHash:
      return ValidateConfigHash("config_hash", request.config_hash());
    case v1::RetryJobRequest::kOtherCodeThanJob:
      if (request.other_code_than_job()) return absl::OkStatus();
      return model::FieldError("other_code_than_job", "expected true");
    case v1::RetryJobRequest::SELECTION_NOT_SET:
      break;
  }
  if (request.allow_cancelled()) return absl::OkStatus();
  return model::FieldError("selection",
                           "expected one of ids, fingerprint, failed, config_hash and other_code_than_job, or "
                           "allow_cancelled");
}

absl::Status CheckRequest(const v1::RetryJobRequest& request) {
  if (absl::Status status = ValidateRequiredId("job_id", request.job_id()); !status.ok()) return status;
  if (absl::Status status = CheckSelection(request); !status.ok()) return status;
  if (absl::Status status = ValidateText("note", request.note(), model::kMetadataBytesMax); !status.ok()) return status;
  if (absl::Status status = CheckPlace("up_to_sequence", request.up_to_sequence()); !status.ok()) return status;
  return CheckPlace("after_sequence", request.after_sequence());
}

absl::Status NotAllowed(const model::Job& job) {
  const bool cancelled = job.state == model::JobState::kCancelled;
  const std::string state(model::JobStateName(job.state));
  return model::MakeError(cancelled ? model::Reason::kPipelineCancelled : model::Reason::kPipelineClosed,
                          absl::StrCat("job ", job.id, cancelled ? " was cancelled" : " failed",
                                       ", and runs nothing unless allow_cancelled ", "is set: then its ",
                                       model::ChunksSkipped(job), " skipped chunks run, too"),
                          {{"pipeline_id", job.id}, {"state", state}});
}

/// Takes up a job that failed or was cancelled, however often it ends anew meanwhile; with `preview`, only finds out whether
/// that would be done. Returns the job with what it left, as it was when it was taken up.
absl::StatusOr<model::JobPtr> TakeUp(const v1::RetryJobRequest& request, const model::JobPtr& job, const Call& call,
                                     const Deps& deps) {
  if (!request.allow_cancelled()) return NotAllowed(*job);
  model::JobPtr ended = job;
  for (model::JobPtr now = job; model::EndedEarly(*now);) {
    ended = now;
    model::Job changed = *ended;
    if (absl::Status allowed = model::ApplyTakeUp(changed, call.request_time).status(); !allowed.ok()) return allowed;
    // What runs now would run twice: its lease is not worth anything any more, or ends in a moment.
    if (absl::Status over = CheckNothingInFlight(ended->key(), deps); !over.ok()) return over;
    if (request.preview()) break;
    absl::StatusOr<model::JobPtr> taken_up = deps.store.TakeUpJob(ended, call.principal.user);
    if (!taken_up.ok()) return taken_up.status();
    now = *std::move(taken_up);
  }
  return ended;
}

/// Runs what the request chooses, and fills in what that was.
absl::Status RunAgain(const v1::RetryJobRequest& request, const model::Job& job, const RerunOptions& options,
                      const Call& call, const Deps& deps, v1::RetryJobResponse& response) {
  Rerun failed(job, options, call, deps);
  store::ListChunksQuery which;
  which.config_hash = request.config_hash();
  if (request.other_code_than_job()) which.other_than_hash = job.config_hash;
  ChunkRerun chunks(job, std::move(which), options, call, deps, failed);

  absl::StatusOr<bool> all_taken = true;
  if (request.has_ids()) {
    all_taken = failed.AddIds(request.ids());
  } else if (request.has_config_hash() || request.has_other_code_than_job()) {
    all_taken = chunks.Run();
  } else {
    all_taken = failed.AddUnresolved(request.fingerprint());
  }
  const absl::StatusOr<bool> more = failed.Finish(std::move(all_taken), chunks.count());
  if (!more.ok()) return more.status();
  response.set_failed_record_count(failed.count());
  response.set_completed_record_count(chunks.count());
  response.set_passed_over_count(failed.passed_over() + chunks.passed_over());
  response.set_more(*more);
  response.set_after_sequence(chunks.done_up_to());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::RetryJobResponse> RetryJob(const v1::RetryJobRequest& request, const Call& call, const Deps& deps) {
  if (absl::Status checked = CheckRequest(request); !checked.ok()) return checked;
  const model::JobKey key = call.job(request.job_id());
  absl::StatusOr<model::JobPtr> job = deps.store.GetJob(key);
  if (!job.ok()) return job.status();
  if (absl::Status held = model::CheckNotDropped(**job); !held.ok()) return held;
  if (absl::Status known = CheckGroup("fingerprint", request.fingerprint(), key, deps); !known.ok()) return known;
  v1::RetryJobResponse response;
  const bool ended_early = model::EndedEarly(**job);
  if (ended_early) {
    job = TakeUp(request, *job, call, deps);
    if (!job.ok()) return job.status();
    response.set_taken_up_chunk_count(model::ChunksSkipped(**job));
    response.set_taken_up_record_count(model::RecordsSkipped(**job));
  }
  const RerunOptions options{
      .note = request.note(),
      .preview = request.preview(),
      .takes_up = ended_early,
      .after_sequence = request.after_sequence(),
      .up_to_sequence = request.up_to_sequence() > 0 ? request.up_to_sequence() : (*job)->last_sequence};
  if (request.selection_case() != v1::RetryJobRequest::SELECTION_NOT_SET) {
    if (absl::Status run = RunAgain(request, **job, options, call, deps, response); !run.ok()) return run;
  }
  job = deps.store.GetJob(key);
  if (!job.ok()) return job.status();
  *response.mutable_job() = core::ToProto(**job, call.request_time);
  response.set_up_to_sequence(options.up_to_sequence);
  return response;
}

}  // namespace millrace::handlers
