// Records as JSON Lines bytes: counting and cutting, without looking into them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::core {

/// Some records in normal form: `count` lines, none blank, each ended by "\n".
struct RecordLines {
  std::string bytes;
  int64_t count = 0;
};

/// The lines of a text, without what ends them.
std::vector<std::string_view> LinesOf(std::string_view text);

/// Brings JSON Lines into normal form: blank lines (nothing but spaces, tabs and "\r") are dropped, the last line is
/// ended. Bytes that are in normal form already are moved, not copied.
RecordLines NormaliseLines(std::string json_lines);

/// Cuts records into as few parts of at most `chunk_size` records as possible, evenly: sizes differ by at most one,
/// the larger ones first. 1,000 records by 300 are 4 x 250. `chunk_size` must be positive.
std::vector<RecordLines> CutEvenly(RecordLines lines, int64_t chunk_size);

/// Cuts records into parts of at most `records_max` records and at most `bytes_max` bytes (but at least one record),
/// each as full as it can be. Both must be positive.
std::vector<RecordLines> CutBounded(const RecordLines& lines, int64_t records_max, int64_t bytes_max);

/// Cuts records into parts of `counts` records, in order. Nothing where that is not all of them.
std::vector<RecordLines> CutByCounts(const RecordLines& lines, const std::vector<int64_t>& counts);

}  // namespace millrace::core
