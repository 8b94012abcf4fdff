// Reads where the records of a new job come from.
#pragma once

#include "absl/status/statusor.h"
#include "millrace/v1/job_service.pb.h"
#include "server/handlers/call.h"
#include "storage/model/source.h"

namespace millrace::handlers {

/// Checks source, sample and what belongs to them, and takes the records out of the request that stand in it. A file is
/// looked at, and a query described by its database, so that what is wrong is told to the caller and not later to whoever
/// looks at the job.
///   FIELD_INVALID, CHUNK_EMPTY, SOURCE_FILES_NOT_ENABLED, SOURCE_CONNECTIONS_NOT_ENABLED, SOURCE_CONNECTION_NOT_FOUND,
///   SOURCE_CONNECTION_FAILED
absl::StatusOr<model::JobSource> TakeSource(v1::SubmitJobRequest& request, const Deps& deps);

/// Reads `sample` of a request. FIELD_INVALID.
absl::StatusOr<model::SourceSample> ReadSample(const v1::Sample& request);

}  // namespace millrace::handlers
