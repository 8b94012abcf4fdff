#include "server/background/source_piece.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/model/chunk_sizing.h"
#include "storage/model/limits.h"

namespace millrace::background {
namespace {

using Found = SourceRecords::Found;

// What a sample leaves out takes no room in a piece, but time: after so many bytes the position is stored all the same.
constexpr int64_t kScanBytesMax = 16 * model::kSourcePieceBytes;

int64_t ScanLimit(const model::Job& job) {
  const bool is_long = job.source.kind == model::SourceKind::kFile || job.source.kind == model::SourceKind::kQuery;
  return is_long ? job.source_position.offset + kScanBytesMax : std::numeric_limits<int64_t>::max();
}

/// A part of `size_N` is one chunk, where that may hold so much; the chunks of all other parts are as large as those of a
/// source without parts.
int64_t RecordsMax(const model::Job& job) {
  const model::Partitioning& partitioning = job.source.sample.partitioning;
  if (job.source.chunk_size > 0) return job.source.chunk_size;
  if (partitioning.rule != model::PartRule::kSize) return model::RecordsPerChunk(job, 1);
  return std::min<int64_t>(partitioning.n, model::kChunkRecordsMax);
}

}  // namespace

int64_t RoomOf(const model::Job& job) { return job.options.input_buffer_bytes - job.input_buffer_used_bytes; }

SourcePiece::SourcePiece(const model::Job& job)
    : partitioning_(job.source.sample.partitioning),
      records_max_(RecordsMax(job)),
      chunk_bytes_max_(std::clamp<int64_t>(job.options.input_buffer_bytes / 4, 1, model::kSizedChunkBytesMax)),
      room_(RoomOf(job)),
      scan_limit_(ScanLimit(job)),
      position_(job.source_position),
      begun_(partitioning_.rule == model::PartRule::kEvery ? static_cast<size_t>(partitioning_.n) : 1) {}

bool SourcePiece::is_full() const { return chunks_.size() >= model::kSourcePieceChunksMax; }

bool SourcePiece::HasPlaceFor(int64_t bytes) const {
  // A single record may be larger than a piece shall be.
  return bytes_ + bytes <= (bytes_ == 0 ? room_ : std::min(room_, model::kSourcePieceBytes));
}

absl::StatusOr<int64_t> SourcePiece::Fill(SourceRecords& records) {
  std::string line;
  while (!is_full()) {
    const absl::StatusOr<Found> next = records.Next(line);
    if (!next.ok()) return next.status();
    const model::SourcePosition& behind = records.position();
    if (*next == Found::kEnd) {
      EndAt(behind);
      position_.exhausted = true;
      return 0;
    }
    if (*next == Found::kRecord) {
      const auto bytes = static_cast<int64_t>(line.size()) + 1;
      if (bytes_ == 0 && !HasPlaceFor(bytes)) return bytes;
      if (!HasPlaceFor(bytes) || !Add(line, behind)) break;
    }
    if (behind.offset > scan_limit_) {
      EndAt(behind);
      return 0;
    }
  }
  // Whole chunks are enough; the one that is begun is read again with the next piece. One of each part is too much for that.
  if (chunks_.empty() || begun_.size() > 1) EndChunks();
  return 0;
}

bool SourcePiece::Add(std::string_view line, const model::SourcePosition& behind) {
  const auto bytes = static_cast<int64_t>(line.size()) + 1;
  std::optional<int64_t> part;
  if (partitioning_.rule != model::PartRule::kNone) part = model::PartOf(partitioning_, behind.records - 1);
  model::NewChunk& chunk = begun_[begun_.size() > 1 ? static_cast<size_t>(*part) : 0];
  const bool is_whole = static_cast<int64_t>(chunk.json_lines.size()) + bytes > chunk_bytes_max_;
  if (is_whole || chunk.part != part) EndChunk(chunk);
  if (is_full()) return false;
  chunk.part = part;
  chunk.json_lines.append(line).push_back('\n');
  chunk.record_count += 1;
  bytes_ += bytes;
  records_begun_ += 1;
  reached_ = behind;
  if (chunk.record_count >= records_max_) EndChunk(chunk);
  return true;
}

void SourcePiece::EndChunk(model::NewChunk& chunk) {
  if (chunk.record_count == 0) return;
  records_ += chunk.record_count;
  records_begun_ -= chunk.record_count;
  position_.chunks += 1;
  chunk.id = absl::StrCat("source-", position_.chunks);
  chunks_.push_back(std::exchange(chunk, {}));
  // Otherwise records in front of this place are in chunks that are begun.
  if (records_begun_ == 0) MoveTo(reached_);
}

void SourcePiece::EndChunks() {
  for (model::NewChunk& chunk : begun_) EndChunk(chunk);
}

void SourcePiece::EndAt(const model::SourcePosition& reached) {
  EndChunks();
  MoveTo(reached);
}

void SourcePiece::MoveTo(const model::SourcePosition& reached) {
  const int64_t chunks = position_.chunks;
  position_ = reached;
  position_.chunks = chunks;
}

}  // namespace millrace::background
