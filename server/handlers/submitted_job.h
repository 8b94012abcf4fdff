// The job of a SubmitJobRequest, whoever submits it.
#pragma once

#include "absl/status/statusor.h"
#include "millrace/v1/job_service.pb.h"
#include "server/handlers/call.h"
#include "storage/model/job.h"

namespace millrace::handlers {

/// The job that is to be stored, without `request_hash`, by what stands in the request, whose records it takes out of
/// it. The source is not looked at yet: see LookAtSource. Errors as those of ReadNewJob and TakeSource.
absl::StatusOr<model::Job> ReadSubmittedJob(v1::SubmitJobRequest& request, const Call& call, const Deps& deps);

}  // namespace millrace::handlers
