// Where the cells of a CSV row are.
//
// Debian's CSV libraries do not fit: libcsv hands out decoded cells without their place in the file, from which
// rejected rows could not be written back byte for byte nor errors name a line; fast-cpp-csv-parser wants the number of
// columns at compile time and knows no line ends within quotes. What is needed is small enough to write.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::records {

/// A cell within the bytes of its row, quotes included.
struct CsvCell {
  size_t begin = 0;
  size_t end = 0;
  bool quoted = false;
};

/// What was found of a row.
struct CsvRowScan {
  enum class Kind {
    kComplete,
    /// The bytes end within the row and more may follow.
    kIncomplete,
    /// The file ends within a quoted cell.
    kUnclosedQuote,
  };
  Kind kind = Kind::kIncomplete;
  /// Length of the row without its line end, and with it.
  size_t length = 0;
  size_t consumed = 0;
  /// The cell, counted from 1, that has text behind its closing quote. 0: none.
  size_t misplaced_quote_cell = 0;
};

/// Finds the row at the beginning of `bytes`, which must not be empty, and puts its cells into `cells`. `at_end`: the
/// file ends with `bytes`. A quote within a cell that does not begin with one is an ordinary character.
CsvRowScan ScanCsvRow(std::string_view bytes, bool at_end, std::vector<CsvCell>& cells);

/// The text of a cell: without its quotes, doubled quotes made single.
std::string CsvCellText(std::string_view row, const CsvCell& cell);

/// Appends `text` as a cell, quoted where RFC 4180 asks for it.
void AppendCsvCell(std::string& out, std::string_view text);

}  // namespace millrace::records
