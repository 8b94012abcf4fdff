// The verbs of PipelineService; pipeline_service.proto is their contract.
#pragma once

#include "absl/status/statusor.h"
#include "millrace/v1/pipeline_service.pb.h"
#include "server/handlers/call.h"

namespace millrace::handlers {

absl::StatusOr<v1::Job> CreatePipeline(const v1::CreatePipelineRequest& request, const Call& call, const Deps& deps);

/// Consumes the records of the request.
absl::StatusOr<v1::PushResponse> Push(v1::PushRequest& request, const Call& call, const Deps& deps);

/// Does not wait: `wait` is the business of who calls, with ShouldWait.
absl::StatusOr<v1::PullResponse> Pull(const v1::PullRequest& request, const Call& call, const Deps& deps);

/// How long Pull may wait for a result; FIELD_INVALID where `wait` is out of range.
absl::StatusOr<absl::Duration> PullWait(const v1::PullRequest& request);

/// True when a Pull that gave `response` would give the same again until the job changes.
bool ShouldWait(const v1::PullResponse& response);

absl::StatusOr<v1::AcknowledgeResponse> Acknowledge(const v1::AcknowledgeRequest& request, const Call& call,
                                                    const Deps& deps);
absl::StatusOr<v1::Job> ClosePipeline(const v1::ClosePipelineRequest& request, const Call& call, const Deps& deps);
absl::StatusOr<v1::Job> CancelPipeline(const v1::CancelPipelineRequest& request, const Call& call, const Deps& deps);
absl::StatusOr<v1::PipelineStatus> GetPipelineStatus(const v1::GetPipelineStatusRequest& request, const Call& call,
                                                     const Deps& deps);
absl::StatusOr<v1::DescribePipelinesResponse> DescribePipelines(const v1::DescribePipelinesRequest& request,
                                                                const Call& call, const Deps& deps);

}  // namespace millrace::handlers
