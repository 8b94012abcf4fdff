#include "server/core/record_lines.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace millrace::core {
namespace {

bool IsBlank(std::string_view line) { return line.find_first_not_of(" \t\r") == std::string_view::npos; }

/// Calls `see(line)` for each line, without its "\n".
template <typename See>
void ForEachLine(std::string_view text, See see) {
  while (!text.empty()) {
    const void* end = std::memchr(text.data(), '\n', text.size());
    const size_t length =
        end == nullptr ? text.size() : static_cast<size_t>(static_cast<const char*>(end) - text.data());
    see(text.substr(0, length));
    text.remove_prefix(std::min(text.size(), length + 1));
  }
}

}  // namespace

std::vector<std::string_view> LinesOf(std::string_view text) {
  std::vector<std::string_view> lines;
  ForEachLine(text, [&](std::string_view line) { lines.push_back(line); });
  return lines;
}

RecordLines NormaliseLines(std::string json_lines) {
  RecordLines lines;
  bool has_blank = false;
  ForEachLine(json_lines, [&](std::string_view line) {
    // A line that begins with something visible is not blank; that is nearly every line.
    const bool blank = (line.empty() || static_cast<unsigned char>(line[0]) <= ' ') && IsBlank(line);
    if (blank) {
      has_blank = true;
    } else {
      ++lines.count;
    }
  });
  if (!has_blank) {
    lines.bytes = std::move(json_lines);
    if (!lines.bytes.empty() && lines.bytes.back() != '\n') lines.bytes.push_back('\n');
    return lines;
  }
  lines.bytes.reserve(json_lines.size() + 1);
  ForEachLine(json_lines, [&](std::string_view line) {
    if (IsBlank(line)) return;
    lines.bytes.append(line).push_back('\n');
  });
  return lines;
}

std::vector<RecordLines> CutEvenly(RecordLines lines, int64_t chunk_size) {
  std::vector<RecordLines> parts;
  if (lines.count == 0) return parts;
  const int64_t part_count = (lines.count + chunk_size - 1) / chunk_size;
  if (part_count == 1) {
    parts.push_back(std::move(lines));
    return parts;
  }
  const int64_t small = lines.count / part_count;
  const int64_t larger_parts = lines.count % part_count;
  parts.reserve(static_cast<size_t>(part_count));
  size_t begin = 0;
  for (int64_t part = 0; part < part_count; ++part) {
    const int64_t count = small + (part < larger_parts ? 1 : 0);
    size_t end = begin;
    for (int64_t i = 0; i < count; ++i) end = lines.bytes.find('\n', end) + 1;
    parts.push_back({.bytes = lines.bytes.substr(begin, end - begin), .count = count});
    begin = end;
  }
  return parts;
}

std::vector<RecordLines> CutBounded(const RecordLines& lines, int64_t records_max, int64_t bytes_max) {
  std::vector<RecordLines> parts;
  RecordLines part;
  ForEachLine(lines.bytes, [&](std::string_view line) {
    const auto bytes = static_cast<int64_t>(part.bytes.size() + line.size() + 1);
    if (part.count > 0 && (part.count == records_max || bytes > bytes_max)) {
      parts.push_back(std::move(part));
      part = {};
    }
    part.bytes.append(line).push_back('\n');
    ++part.count;
  });
  if (part.count > 0) parts.push_back(std::move(part));
  return parts;
}

std::vector<RecordLines> CutByCounts(const RecordLines& lines, const std::vector<int64_t>& counts) {
  std::vector<RecordLines> parts;
  int64_t left = lines.count;
  size_t begin = 0;
  for (const int64_t count : counts) {
    left -= count;
    if (left < 0) return {};
    size_t end = begin;
    for (int64_t i = 0; i < count; ++i) end = lines.bytes.find('\n', end) + 1;
    parts.push_back({.bytes = lines.bytes.substr(begin, end - begin), .count = count});
    begin = end;
  }
  return left == 0 ? parts : std::vector<RecordLines>();
}

}  // namespace millrace::core
