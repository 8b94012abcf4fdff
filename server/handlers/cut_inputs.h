// How the records of a push in the form `inputs` become chunks.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "millrace/v1/pipeline_service.pb.h"
#include "server/core/record_lines.h"
#include "server/handlers/call.h"
#include "storage/model/chunk.h"

namespace millrace::handlers {

/// Chunks without ids.
struct CutInputs {
  std::vector<model::NewChunk> chunks;
  /// The records before the cut, where the server chose it and a repeated push must be cut as the first one was.
  std::optional<core::RecordLines> uncut;
};

/// Takes the records out of `request` and cuts them: evenly by `chunk_size`, or where that is 0 by what the records of
/// `job` cost (model::RecordsPerChunk), each chunk within model::kSizedChunkBytesMax.
///   CHUNK_EMPTY, CHUNK_TOO_LARGE, FIELD_INVALID
absl::StatusOr<CutInputs> CutRecords(v1::PushRequest& request, const model::Job& job);

/// Cuts again, just as the first push under `request_id` did: its chunks are stored, one behind the other, and `taken`
/// (CHUNK_ID_TAKEN) names one of them. What the records cost may have been known better, or not at all, by then. Nothing
/// where these chunks do not hold as many records.
std::vector<model::NewChunk> CutAsStored(const core::RecordLines& uncut, const absl::Status& taken,
                                         const std::string& request_id, const model::JobKey& job, const Deps& deps);

}  // namespace millrace::handlers
