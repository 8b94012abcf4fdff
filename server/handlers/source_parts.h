// Several jobs over one source: which parts of it a job runs, and how it takes the source of another job.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "millrace/v1/job_service.pb.h"
#include "server/handlers/call.h"
#include "storage/model/job.h"
#include "storage/model/partitioning.h"

namespace millrace::handlers {

/// Reads `partitioning` and `parts` of a request, together with the fields that do not go with them. FIELD_INVALID.
absl::StatusOr<model::Partitioning> ReadPartitioning(const v1::SubmitJobRequest& request);

/// Gives a new job whose source is of kind kSourceOf the source of the job that it names, and sees to it that this can be read.
///   FIELD_INVALID, PIPELINE_NOT_FOUND
absl::Status TakeSourceOfJob(model::Job& job, const Deps& deps);

/// OK where the source of `job` is what it was when the job was submitted, as far as that can be told without reading it.
/// The message is for whoever asks for it.
absl::Status CheckSourceUnchanged(const model::Job& job, const Deps& deps);

}  // namespace millrace::handlers
