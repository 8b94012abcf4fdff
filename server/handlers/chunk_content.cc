#include "server/handlers/chunk_content.h"

#include <string>
#include <utility>

#include "server/core/record_lines.h"
#include "server/handlers/validate.h"
#include "storage/model/ids.h"

namespace millrace::handlers {

absl::StatusOr<model::NewChunk> TakeChunkData(std::string_view field, v1::ChunkData& data) {
  const std::string path(field);
  absl::StatusOr<core::RecordLines> lines = TakeRecords(path + ".inputs", *data.mutable_inputs());
  if (!lines.ok()) return lines.status();
  if (absl::Status status = CheckChunkSize(path + ".inputs", *lines); !status.ok()) return status;
  absl::StatusOr<std::string> parameters =
      ReadParameters(path + ".parameters", data.has_parameters(), data.parameters());
  if (!parameters.ok()) return parameters.status();
  absl::StatusOr<model::SummarySpec> summary = ReadSummary(path + ".summary", data.summary());
  if (!summary.ok()) return summary.status();
  model::NewChunk chunk;
  chunk.record_count = static_cast<int32_t>(lines->count);
  chunk.json_lines = std::move(lines->bytes);
  chunk.parameters_json = *std::move(parameters);
  chunk.summary = *std::move(summary);
  return chunk;
}

absl::StatusOr<model::NewChunk> TakeChunk(std::string_view field, v1::Chunk& chunk) {
  const std::string path(field);
  if (!chunk.id().empty()) {
    if (absl::Status status = model::ValidateId(path + ".id", chunk.id()); !status.ok()) return status;
  }
  absl::StatusOr<model::NewChunk> taken = TakeChunkData(path + ".data", *chunk.mutable_data());
  if (taken.ok()) taken->id = chunk.id();
  return taken;
}

v1::PushedChunk ToProto(model::PushedChunk chunk) {
  v1::PushedChunk proto;
  proto.set_id(std::move(chunk.id));
  proto.set_sequence(chunk.sequence);
  proto.set_record_count(chunk.record_count);
  proto.set_duplicate(chunk.duplicate);
  return proto;
}

}  // namespace millrace::handlers
