#include "tools/millrace/chunk_cutter.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/millrace/failure.h"

namespace millrace::cli {

ChunkCutter::ChunkCutter(records::RecordReader* reader, std::string name, CutOptions options)
    : reader_(reader), name_(std::move(name)), options_(std::move(options)) {}

absl::StatusOr<bool> ChunkCutter::ReadRow() {
  if (!error_.ok()) return error_;
  if (row_waits_) return true;
  const auto read = reader_->Next(row_);
  if (!read.ok()) return read.status();
  if (*read && !row_.bad_code.empty() && !options_.skip_bad_rows) {
    return WithHint(absl::InvalidArgumentError(absl::StrCat(name_, ":", row_.line, ": ", row_.bad_message)),
                    options_.bad_row_hint);
  }
  return *read;
}

absl::StatusOr<std::optional<ChunkCutter::Cut>> ChunkCutter::Next() {
  Cut cut;
  std::string lines;
  const auto is_full = [&] { return cut.rows.record_count == options_.max_records; };
  for (;;) {
    const auto read = ReadRow();
    if (!read.ok()) {
      error_ = read.status();
      // A chunk that was whole before the error was met is not concerned by it.
      if (!is_full()) return error_;
      break;
    }
    at_end_ = !*read;
    if (at_end_) break;
    if (!row_.bad_code.empty()) {
      ++skipped_rows_;
      cut.rows.held_bytes += row_.original.size();
      cut.rows.skipped.push_back({.before_record = static_cast<size_t>(cut.rows.record_count),
                                  .original = std::move(row_.original),
                                  .reason = {row_.bad_code, "", row_.bad_message}});
      continue;
    }
    row_waits_ = is_full() || (!lines.empty() && lines.size() + row_.json.size() > options_.max_bytes);
    if (row_waits_) break;
    lines.append(row_.json).push_back('\n');
    ++cut.rows.record_count;
    end_offset_ = reader_->offset();
    if (options_.keep_originals) {
      cut.rows.held_bytes += row_.original.size();
      cut.rows.originals.push_back(std::move(row_.original));
    }
  }
  if (cut.rows.record_count == 0) {
    tail_ = std::move(cut.rows.skipped);
    return std::optional<Cut>();
  }
  cut.rows.position = ++position_;
  cut.rows.end_offset = end_offset_;
  cut.chunk.set_id(options_.id_prefix + ChunkId(position_));
  cut.chunk.mutable_data()->mutable_inputs()->set_json_lines(std::move(lines));
  if (!options_.summary.aggregations().empty()) *cut.chunk.mutable_data()->mutable_summary() = options_.summary;
  return std::optional<Cut>(std::move(cut));
}

}  // namespace millrace::cli
