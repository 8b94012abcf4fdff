// Cuts an input file into chunks, the same ones each time it is read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "millrace/v1/pipeline_service.pb.h"
#include "storage/records/record_reader.h"
#include "tools/millrace/chunk_ledger.h"

namespace millrace::cli {

/// How chunks are cut. Whoever resumes a run must cut as the first time.
struct CutOptions {
  /// The most records in a chunk, 1 to 100,000.
  int32_t max_records = 300;
  /// The most bytes of records in a chunk; a larger record gets a chunk to itself.
  size_t max_bytes = 8 * 1024 * 1024;
  /// What is before the number in chunk ids.
  std::string id_prefix;
  /// Keep the rows as they came, for rejects.
  bool keep_originals = false;
  /// Leave out rows that cannot be made a record, instead of ending with an error.
  bool skip_bad_rows = false;
  /// What the user can do about such a row.
  std::string bad_row_hint;
  /// Asked for with each chunk.
  v1::Summary summary;
};

/// Reads rows and makes chunks of them. Not thread-safe.
class ChunkCutter {
 public:
  struct Cut {
    v1::Chunk chunk;
    ChunkRows rows;
  };

  /// `reader` must outlive the cutter; `name` stands for its file in errors.
  ChunkCutter(records::RecordReader* reader, std::string name, CutOptions options);

  /// The next chunk, or nothing at the end. A row that cannot be made a record ends the cutting with an error that
  /// names its line; the chunk it would have been in is not made.
  absl::StatusOr<std::optional<Cut>> Next();

  /// True when the chunk that Next returned is the last one.
  bool at_end() const { return at_end_; }

  /// Rows that were left out of an input that has no record at all.
  std::vector<SkippedRow> TakeTail() { return std::move(tail_); }

  /// Rows that were left out so far.
  int64_t skipped_rows() const { return skipped_rows_; }

 private:
  /// Reads the next row into `row_`, unless one waits there. False at the end.
  absl::StatusOr<bool> ReadRow();

  records::RecordReader* const reader_;
  const std::string name_;
  const CutOptions options_;
  records::InputRow row_;
  bool row_waits_ = false;
  absl::Status error_;
  bool at_end_ = false;
  int64_t position_ = 0;
  int64_t skipped_rows_ = 0;
  int64_t end_offset_ = 0;
  std::vector<SkippedRow> tail_;
};

}  // namespace millrace::cli
