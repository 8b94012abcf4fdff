// What is read of a source at a time, cut into chunks.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "server/background/source_records.h"
#include "storage/model/chunk.h"
#include "storage/model/job.h"

namespace millrace::background {

/// Bytes that the input buffer of `job` has left.
int64_t RoomOf(const model::Job& job);

/// Some chunks of a source with the position behind them. Chunks are called `source-1` and so on. Where the source is cut into
/// parts, each chunk holds records of one part. Of `every_N` the chunks of all parts are begun at once, and all are ended
/// with the piece: so nothing that was read is ever in front of the position and not in a chunk. The piece then has more chunks than
/// kSourcePieceChunksMax, by the number of parts at most. Not thread-safe.
class SourcePiece {
 public:
  /// An empty piece at the position of `job`, whose options, costs and room bound it.
  explicit SourcePiece(const model::Job& job);

  /// Reads until the piece is full or the source at its end. Returns 0, or the bytes of a record that has no place in
  /// the input buffer and is the first one, so that the piece is empty. Errors are those of SourceRecords.
  absl::StatusOr<int64_t> Fill(SourceRecords& records);

  /// Behind what was taken; exhausted at the end of the source.
  const model::SourcePosition& position() const { return position_; }
  int64_t records() const { return records_; }
  std::vector<model::NewChunk> TakeChunks() { return std::move(chunks_); }

 private:
  bool is_full() const;
  bool HasPlaceFor(int64_t bytes) const;
  /// REQUIRES: HasPlaceFor the line. False, and adds nothing, where the piece became full.
  bool Add(std::string_view line, const model::SourcePosition& behind);
  void EndChunk(model::NewChunk& chunk);
  void EndChunks();
  /// Ends the chunks that are begun, and the piece at `reached`: what lies between was left out.
  void EndAt(const model::SourcePosition& reached);
  void MoveTo(const model::SourcePosition& reached);

  /// Rule kNone: no parts.
  const model::Partitioning partitioning_;
  const int64_t records_max_;
  const int64_t chunk_bytes_max_;
  const int64_t room_;
  /// The offset behind which a file or query is not scanned in this piece.
  const int64_t scan_limit_;

  /// Behind the last record that is in `chunks_` with all before it, or where EndAt said.
  model::SourcePosition position_;
  std::vector<model::NewChunk> chunks_;
  /// Begun: of `every_N` one for each part, otherwise one; and behind their last record.
  std::vector<model::NewChunk> begun_;
  int64_t records_begun_ = 0;
  model::SourcePosition reached_;
  int64_t bytes_ = 0;
  int64_t records_ = 0;
};

}  // namespace millrace::background
