#include "absl/strings/str_cat.h"
#include "server/core/convert.h"
#include "server/core/explain.h"
#include "server/handlers/children.h"
#include "server/handlers/job_handlers.h"
#include "server/handlers/validate.h"
#include "storage/model/built_in.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"

namespace millrace::handlers {
namespace {

/// Whether the outcome of a chunk is stored. Only between watermark and newest commit must the store be asked.
bool IsCommitted(const store::JobStore& store, const model::Job& job, int64_t sequence) {
  if (sequence <= job.watermark) return true;
  if (sequence > job.highest_committed) return false;
  const absl::StatusOr<model::Chunk> chunk = store.FindChunk(job.key(), sequence);
  return chunk.ok() && chunk->state == model::ChunkState::kCommitted;
}

}  // namespace

absl::StatusOr<v1::ExplainJobResponse> ExplainJob(const v1::ExplainJobRequest& request, const Call& call,
                                                  const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("job_id", request.job_id()); !status.ok()) return status;
  const absl::StatusOr<model::JobPtr> job = deps.store.GetJob(call.job(request.job_id()));
  if (!job.ok()) return job.status();
  const int64_t sequence = request.sequence();
  if (sequence < 0 || sequence > (*job)->last_sequence) {
    return model::FieldError("sequence", absl::StrCat("expected 0 or the sequence of a chunk, 1 to ",
                                                      (*job)->last_sequence, ", got ", sequence));
  }
  const core::Standing standing =
      deps.leases.Explain(*job, sequence, sequence != 0 && IsCommitted(deps.store, **job, sequence));
  const core::Verdict& verdict = standing.verdict;
  const absl::Time now = deps.clock.Now();
  const int32_t workers = deps.server.workers;
  const bool is_bulk = model::IsBulkRun(**job);

  v1::ExplainJobResponse response;
  response.set_job_id((*job)->id);
  response.set_sequence(sequence);
  response.set_state(static_cast<v1::JobState>(standing.job->state));
  response.set_reason(static_cast<v1::ExplainReason>(verdict.hold));
  response.set_explanation(core::Sentence(standing, sequence, workers, now));
  if (is_bulk) {
    const absl::StatusOr<std::vector<model::JobPtr>> running = RunningChildren(**job, sequence, deps);
    if (!running.ok()) return running.status();
    if (absl::Status added = AddChildren(*running, now, deps, response); !added.ok()) return added;
  }
  response.set_chunks_running(standing.running);
  response.set_chunks_committing(standing.committing);
  response.set_chunks_ahead(standing.chunks_ahead);
  response.set_records_ahead(core::RecordsIn(*standing.job, standing.chunks_ahead));
  response.set_queue_position(standing.position);
  response.set_jobs_sharing(standing.jobs_sharing);
  response.set_workers(workers);
  response.set_workers_busy(standing.workers_busy);
  if (standing.wait != absl::InfiniteDuration()) *response.mutable_next_time() = core::ToProto(now + standing.wait);
  response.set_attempt(standing.attempt);
  if (verdict.hold == core::Hold::kEarlierChunks || verdict.hold == core::Hold::kOrderingKeyHeld) {
    response.set_blocking_sequence(verdict.sequence);
  }
  // Of a job: all that is not committed yet. Of a chunk: what goes before it, what runs, and itself.
  const int64_t chunks = sequence == 0 ? model::ChunksPending(*standing.job)
                                       : standing.chunks_ahead + standing.running + (standing.attempt > 0 ? 0 : 1);
  const std::optional<core::Eta> eta = core::EstimateEnd(standing, core::RecordsIn(*standing.job, chunks), chunks,
                                                         is_bulk ? (*job)->options.max_workers : workers, now);
  if (eta.has_value()) {
    *response.mutable_eta_earliest() = core::ToProto(eta->earliest);
    *response.mutable_eta_latest() = core::ToProto(eta->latest);
  }
  *response.mutable_response_time() = core::ToProto(now);
  return response;
}

}  // namespace millrace::handlers
