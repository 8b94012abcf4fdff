// Reads where the records of a new job come from.
#pragma once

#include "absl/status/statusor.h"
#include "millrace/v1/job_service.pb.h"
#include "server/handlers/call.h"
#include "storage/model/job.h"
#include "storage/model/source.h"

namespace millrace::handlers {

/// Checks source, sample and what belongs to them by what stands in the request, and takes the records out of it.
///   FIELD_INVALID, CHUNK_EMPTY, SOURCE_FILES_NOT_ENABLED, SOURCE_CONNECTIONS_NOT_ENABLED, SOURCE_CONNECTION_NOT_FOUND
absl::StatusOr<model::JobSource> TakeSource(v1::SubmitJobRequest& request, const Deps& deps);

/// Looks at the file of the source of a new job, at the job that it is to read from, and has its query described by the
/// database, so that what is wrong is told to the caller and not later to whoever looks at the job. Waits for disk and database.
///   FIELD_INVALID, SOURCE_CONNECTION_FAILED, SERVER_BUSY, PIPELINE_NOT_FOUND, JOB_NOT_FINISHED
absl::Status LookAtSource(model::Job& job, const Deps& deps);

/// Reads `sample` of a request. FIELD_INVALID.
absl::StatusOr<model::SourceSample> ReadSample(const v1::Sample& request);

}  // namespace millrace::handlers
