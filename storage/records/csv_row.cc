#include "storage/records/csv_row.h"

namespace millrace::records {
namespace {

/// The next comma or line end at or behind `at`, or the end of the bytes.
size_t FindSeparator(std::string_view bytes, size_t at) {
  while (at < bytes.size() && bytes[at] != ',' && bytes[at] != '\n') ++at;
  return at;
}

/// The end of the quoted cell that begins at `at`, behind its closing quote; npos when the bytes end before it.
size_t FindQuotedEnd(std::string_view bytes, size_t at) {
  for (++at;;) {
    const size_t quote = bytes.find('"', at);
    if (quote == std::string_view::npos) return quote;
    if (quote + 1 == bytes.size() || bytes[quote + 1] != '"') return quote + 1;
    at = quote + 2;
  }
}

}  // namespace

CsvRowScan ScanCsvRow(std::string_view bytes, bool at_end, std::vector<CsvCell>& cells) {
  cells.clear();
  CsvRowScan scan;
  for (size_t at = 0;;) {
    CsvCell cell{.begin = at, .end = at, .quoted = at < bytes.size() && bytes[at] == '"'};
    if (cell.quoted) {
      cell.end = FindQuotedEnd(bytes, at);
      if (cell.end == std::string_view::npos) {
        scan.kind = at_end ? CsvRowScan::Kind::kUnclosedQuote : CsvRowScan::Kind::kIncomplete;
        return scan;
      }
    }
    const size_t stop = FindSeparator(bytes, cell.end);
    // The last byte decides nothing alone: a quote may be doubled and a line end may follow.
    if (stop == bytes.size() && !at_end) return scan;
    const bool ends_row = stop == bytes.size() || bytes[stop] == '\n';
    const size_t text_end = ends_row && stop > cell.end && bytes[stop - 1] == '\r' ? stop - 1 : stop;
    if (cell.quoted && text_end != cell.end && scan.misplaced_quote_cell == 0) {
      scan.misplaced_quote_cell = cells.size() + 1;
    }
    cell.end = text_end;
    cells.push_back(cell);
    if (ends_row) {
      scan.kind = CsvRowScan::Kind::kComplete;
      scan.length = text_end;
      scan.consumed = stop == bytes.size() ? stop : stop + 1;
      return scan;
    }
    at = stop + 1;
  }
}

std::string CsvCellText(std::string_view row, const CsvCell& cell) {
  if (!cell.quoted) return std::string(row.substr(cell.begin, cell.end - cell.begin));
  std::string_view inner = row.substr(cell.begin + 1, cell.end - cell.begin - 2);
  std::string text;
  text.reserve(inner.size());
  for (size_t quote; (quote = inner.find('"')) != std::string_view::npos;) {
    text.append(inner.substr(0, quote + 1));
    inner.remove_prefix(quote + 2);
  }
  text.append(inner);
  return text;
}

void AppendCsvCell(std::string& out, std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out.append(text);
    return;
  }
  out.push_back('"');
  for (const char c : text) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  out.push_back('"');
}

}  // namespace millrace::records
