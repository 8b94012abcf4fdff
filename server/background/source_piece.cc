#include "server/background/source_piece.h"

#include <algorithm>
#include <limits>
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

}  // namespace

int64_t RoomOf(const model::Job& job) { return job.options.input_buffer_bytes - job.input_buffer_used_bytes; }

SourcePiece::SourcePiece(const model::Job& job)
    : records_max_(job.source.chunk_size > 0 ? job.source.chunk_size : model::RecordsPerChunk(job, 1)),
      chunk_bytes_max_(std::clamp<int64_t>(job.options.input_buffer_bytes / 4, 1, model::kSizedChunkBytesMax)),
      room_(RoomOf(job)),
      scan_limit_(ScanLimit(job)),
      position_(job.source_position) {}

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
      if (!HasPlaceFor(bytes)) {
        // Whole chunks are enough; the one that is begun is read again with the next piece.
        if (chunks_.empty()) EndChunk();
        return 0;
      }
      if (!Add(line, behind)) return 0;
    }
    if (behind.offset > scan_limit_) {
      EndAt(behind);
      return 0;
    }
  }
  return 0;
}

bool SourcePiece::Add(std::string_view line, const model::SourcePosition& behind) {
  const auto bytes = static_cast<int64_t>(line.size()) + 1;
  if (chunk_.record_count > 0 && static_cast<int64_t>(chunk_.json_lines.size()) + bytes > chunk_bytes_max_) {
    EndChunk();
    if (is_full()) return false;
  }
  chunk_.json_lines.append(line).push_back('\n');
  chunk_.record_count += 1;
  bytes_ += bytes;
  reached_ = behind;
  if (chunk_.record_count >= records_max_) EndChunk();
  return true;
}

void SourcePiece::EndChunk() {
  if (chunk_.record_count == 0) return;
  const int64_t number = position_.chunks + 1;
  position_ = reached_;
  position_.chunks = number;
  chunk_.id = absl::StrCat("source-", number);
  records_ += chunk_.record_count;
  chunks_.push_back(std::exchange(chunk_, {}));
}

void SourcePiece::EndAt(const model::SourcePosition& reached) {
  EndChunk();
  const int64_t chunks = position_.chunks;
  position_ = reached;
  position_.chunks = chunks;
}

}  // namespace millrace::background
