#include "server/handlers/cut_inputs.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/handlers/validate.h"
#include "storage/model/chunk_sizing.h"
#include "storage/model/errors.h"
#include "storage/model/limits.h"

namespace millrace::handlers {
namespace {

model::NewChunk ChunkOf(core::RecordLines part) {
  model::NewChunk chunk;
  chunk.record_count = static_cast<int32_t>(part.count);
  chunk.json_lines = std::move(part.bytes);
  return chunk;
}

/// Cuts the parts that hold more bytes than a chunk of the server's own choice shall.
std::vector<core::RecordLines> WithinBytes(std::vector<core::RecordLines> parts) {
  std::vector<core::RecordLines> within;
  for (core::RecordLines& part : parts) {
    if (static_cast<int64_t>(part.bytes.size()) <= model::kSizedChunkBytesMax) {
      within.push_back(std::move(part));
      continue;
    }
    std::vector<core::RecordLines> pieces = core::CutBounded(part, part.count, model::kSizedChunkBytesMax);
    std::move(pieces.begin(), pieces.end(), std::back_inserter(within));
  }
  return within;
}

/// The value of a variable of an error as a number; 0 where it has none.
int64_t NumberIn(const model::ErrorDetails& details, const std::string& name) {
  int64_t number = 0;
  for (const auto& [key, value] : details.metadata) {
    if (key == name && !absl::SimpleAtoi(value, &number)) return 0;
  }
  return number;
}

}  // namespace

absl::StatusOr<CutInputs> CutRecords(v1::PushRequest& request, const model::Job& job) {
  const auto given = InRange("chunk_size", request.chunk_size(), 1, model::kChunkRecordsMax, 0);
  if (!given.ok()) return given.status();
  absl::StatusOr<core::RecordLines> lines = TakeRecords("inputs", *request.mutable_inputs());
  if (!lines.ok()) return lines.status();
  if (*given > 0 && lines->count > model::kChunksPerPushMax * *given) {
    return model::FieldError("inputs", absl::StrCat("expected at most ", model::kChunksPerPushMax, " chunks of ",
                                                    *given, " records in one push, got ", lines->count,
                                                    " records; push in parts or raise chunk_size"));
  }
  CutInputs cut;
  if (*given == 0 && !request.request_id().empty()) cut.uncut = *lines;
  const int64_t size = *given > 0 ? *given : model::RecordsPerChunk(job, lines->count);
  std::vector<core::RecordLines> parts = core::CutEvenly(*std::move(lines), size);
  if (*given == 0) parts = WithinBytes(std::move(parts));
  for (core::RecordLines& part : parts) {
    if (absl::Status status = CheckChunkSize("inputs", part); !status.ok()) return status;
    cut.chunks.push_back(ChunkOf(std::move(part)));
  }
  return cut;
}

std::vector<model::NewChunk> CutAsStored(const core::RecordLines& uncut, const absl::Status& taken,
                                         const std::string& request_id, const model::JobKey& job, const Deps& deps) {
  const model::ErrorDetails details = model::DetailsOf(taken);
  const int64_t sequence = NumberIn(details, "sequence");
  std::string id;
  for (const auto& [key, value] : details.metadata) {
    if (key == "chunk_id") id = value;
  }
  int64_t number = 0;
  if (sequence == 0 || id.size() <= request_id.size() || !absl::SimpleAtoi(id.substr(request_id.size() + 1), &number)) {
    return {};
  }
  if (sequence < number) return {};  // A chunk that was named so by hand.
  std::vector<int64_t> counts;
  int64_t left = uncut.count;
  for (int64_t next = 1; left > 0; ++next) {
    const absl::StatusOr<model::Chunk> stored = deps.store.FindChunk(job, sequence - number + next);
    if (!stored.ok() || stored->id != absl::StrCat(request_id, "-", next)) return {};
    counts.push_back(stored->record_count);
    left -= stored->record_count;
  }
  std::vector<model::NewChunk> chunks;
  std::vector<core::RecordLines> parts = core::CutByCounts(uncut, counts);
  chunks.reserve(parts.size());
  for (core::RecordLines& part : parts) chunks.push_back(ChunkOf(std::move(part)));
  return chunks;
}

}  // namespace millrace::handlers
