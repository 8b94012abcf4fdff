// Chunks as callers send them: what Push and PushStream share.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "millrace/v1/pipeline_service.pb.h"
#include "storage/model/chunk.h"

namespace millrace::handlers {

/// Takes the content of a chunk out of the message; the id stays empty. Errors name fields under `field`:
/// FIELD_INVALID, CHUNK_EMPTY, CHUNK_TOO_LARGE.
absl::StatusOr<model::NewChunk> TakeChunkData(std::string_view field, v1::ChunkData& data);

/// The same for a chunk with its id, which may be missing.
absl::StatusOr<model::NewChunk> TakeChunk(std::string_view field, v1::Chunk& chunk);

v1::PushedChunk ToProto(model::PushedChunk chunk);

}  // namespace millrace::handlers
