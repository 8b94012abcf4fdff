#include <utility>
#include <vector>

#include "server/core/convert.h"
#include "server/handlers/pipeline_handlers.h"
#include "server/handlers/validate.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/model/limits.h"

namespace millrace::handlers {

absl::StatusOr<absl::Duration> PullWait(const v1::PullRequest& request) {
  absl::StatusOr<absl::Duration> wait = core::FromProto(request.wait());
  if (!wait.ok() || *wait < absl::ZeroDuration() || *wait > model::kPullWaitMax) {
    return model::FieldError("wait", "expected 0s to 60s");
  }
  return wait;
}

bool ShouldWait(const v1::PullResponse& response) { return response.results().empty() && !response.drained(); }

absl::StatusOr<v1::PullResponse> Pull(const v1::PullRequest& request, const Call& call, const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("pipeline_id", request.pipeline_id()); !status.ok()) return status;
  const auto max_chunks =
      InRange("max_chunks", request.max_chunks(), 1, model::kPullChunksMax, model::kPullChunksDefault);
  if (!max_chunks.ok()) return max_chunks.status();
  if (!v1::ResultEncoding_IsValid(request.encoding())) {
    return model::FieldError("encoding", "expected RESULT_ENCODING_JSON_LINES or RESULT_ENCODING_STRUCT");
  }

  const absl::StatusOr<absl::Duration> wait = PullWait(request);
  if (!wait.ok()) return wait.status();

  const model::JobKey key = call.job(request.pipeline_id());
  if (deps.activity != nullptr) deps.activity->OnUse(key, *wait);
  absl::StatusOr<model::JobPtr> job =
      request.has_after() ? deps.store.Acknowledge(key, request.after(), "after") : deps.store.GetJob(key);
  if (!job.ok()) return job.status();

  v1::PullResponse response;
  response.set_cursor(request.has_after() ? request.after() : (*job)->acknowledged_result);
  absl::StatusOr<std::vector<model::ChunkResult>> results =
      deps.store.ReadResults(key, response.cursor(), static_cast<int32_t>(*max_chunks), model::kReplyBytesTarget);
  if (!results.ok()) return results.status();
  for (model::ChunkResult& result : *results) {
    response.set_cursor(result.number);
    absl::StatusOr<v1::ChunkResult> proto = core::ToProto(std::move(result), request.encoding());
    if (!proto.ok()) return proto.status();
    *response.add_results() = *std::move(proto);
  }
  if (request.auto_acknowledge() && response.results_size() > 0) {
    job = deps.store.Acknowledge(key, response.cursor(), "cursor");
  } else {
    // Read again: results that were committed since the first look may be among those just read.
    job = deps.store.GetJob(key);
  }
  if (!job.ok()) return job.status();
  response.set_drained(model::IsDrained(**job, response.cursor(), deps.leases.in_flight(key)));
  *response.mutable_status() =
      core::ToStatusProto(**job, deps.leases.running(key), call.request_time, deps.clock.Now());
  return response;
}

}  // namespace millrace::handlers
