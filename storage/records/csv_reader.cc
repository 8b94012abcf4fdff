#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/model/limits.h"
#include "storage/records/csv_row.h"
#include "storage/records/json_text.h"
#include "storage/records/record_reader.h"

namespace millrace::records {
namespace {

class CsvReader final : public RecordReader {
 public:
  CsvReader(std::string name, std::unique_ptr<ByteSource> source)
      : name_(std::move(name)), window_(std::move(source)) {}

  absl::Status ReadHeader();

  absl::StatusOr<bool> Next(InputRow& row) override;

  FileFormat format() const override { return FileFormat::kCsv; }
  const std::vector<std::string>& columns() const override { return columns_; }
  std::string_view header() const override { return header_; }
  int64_t offset() const override { return window_.offset(); }
  int64_t lines() const override { return next_line_ - 1; }
  absl::Status GoTo(int64_t offset, int64_t lines) override {
    next_line_ = lines + 1;
    return window_.SeekTo(offset);
  }
  std::optional<int64_t> Size() const override { return window_.Size(); }

 private:
  absl::Status ErrorAt(int64_t line, std::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat(name_, ":", line, ": ", std::string(what)));
  }

  /// Reads the next row that is not blank into `bytes_` and `cells_`. False at the end.
  absl::StatusOr<bool> ReadRow();

  /// The row without the columns of an earlier rejects file.
  std::string WithoutRejectCells(std::string_view row) const;

  void SetBad(InputRow& row, std::string_view code, std::string message) const;

  const std::string name_;
  InputWindow window_;
  std::vector<std::string> columns_;
  /// For each column of the file: what stands before its cell in the JSON of a record; empty for a dropped column.
  std::vector<std::string> json_prefixes_;
  bool has_dropped_columns_ = false;
  std::string header_;

  // The row that was read last.
  std::string bytes_;
  std::vector<CsvCell> cells_;
  size_t misplaced_quote_cell_ = 0;
  int64_t line_ = 0;
  int64_t next_line_ = 1;
};

absl::StatusOr<bool> CsvReader::ReadRow() {
  for (;;) {
    CsvRowScan scan;
    if (!window_.bytes().empty()) scan = ScanCsvRow(window_.bytes(), window_.at_end(), cells_);
    if (scan.kind == CsvRowScan::Kind::kUnclosedQuote) {
      return ErrorAt(next_line_, "a quote is opened in the row that begins here and never closed");
    }
    if (scan.kind == CsvRowScan::Kind::kIncomplete) {
      if (window_.bytes().size() > model::kRecordBytesMax) {
        return ErrorAt(next_line_, absl::StrCat("the row that begins here is larger than ", model::kRecordBytesMax,
                                                " bytes, the limit of a record; is a quote never closed?"));
      }
      if (window_.at_end()) return false;
      if (const auto more = window_.Extend(); !more.ok()) return more.status();
      continue;
    }
    line_ = next_line_;
    const std::string_view consumed = window_.bytes().substr(0, scan.consumed);
    next_line_ += std::count(consumed.begin(), consumed.end(), '\n');
    bytes_ = consumed.substr(0, scan.length);
    misplaced_quote_cell_ = scan.misplaced_quote_cell;
    window_.Consume(scan.consumed);
    if (!bytes_.empty()) return true;
  }
}

absl::Status CsvReader::ReadHeader() {
  if (auto status = window_.SkipByteOrderMark(); !status.ok()) return status;
  absl::StatusOr<bool> read = ReadRow();
  if (!read.ok()) return read.status();
  if (!*read) return ErrorAt(1, "the file is empty; expected a header row that names the columns");
  if (!IsUtf8(bytes_)) return ErrorAt(line_, "the header is not UTF-8; convert the file to UTF-8 first");
  if (misplaced_quote_cell_ != 0) {
    return ErrorAt(line_, absl::StrCat("column ", misplaced_quote_cell_, " of the header has text behind its quotes"));
  }
  std::set<std::string> seen;
  for (size_t i = 0; i < cells_.size(); ++i) {
    std::string column = CsvCellText(bytes_, cells_[i]);
    if (column.empty()) return ErrorAt(line_, absl::StrCat("column ", i + 1, " of the header has no name"));
    if (!seen.insert(column).second) {
      return ErrorAt(line_, absl::StrCat("column ", i + 1, " of the header, `", column, "`, was named before"));
    }
    if (column.starts_with(kRejectPrefix)) {
      has_dropped_columns_ = true;
      json_prefixes_.emplace_back();
      continue;
    }
    std::string prefix = columns_.empty() ? "{" : ",";
    AppendJsonString(prefix, column);
    json_prefixes_.push_back(prefix + ":");
    columns_.push_back(std::move(column));
  }
  if (columns_.empty()) {
    return ErrorAt(line_,
                   absl::StrCat("the header names no column but those that begin with ", std::string(kRejectPrefix)));
  }
  header_ = WithoutRejectCells(bytes_);
  return absl::OkStatus();
}

absl::StatusOr<bool> CsvReader::Next(InputRow& row) {
  absl::StatusOr<bool> read = ReadRow();
  if (!read.ok() || !*read) return read;
  row = InputRow{.line = line_};
  if (misplaced_quote_cell_ != 0) {
    SetBad(row, "CSV_QUOTE_MISPLACED",
           absl::StrCat("cell ", misplaced_quote_cell_,
                        " has text behind its closing quote; a quote within quotes must be doubled"));
  } else if (cells_.size() != json_prefixes_.size()) {
    SetBad(row, "CSV_ROW_RAGGED",
           absl::StrCat("expected ", json_prefixes_.size(), " cells as in the header, found ", cells_.size()));
  } else if (!IsUtf8(bytes_)) {
    SetBad(row, "CSV_NOT_UTF8", "the row is not UTF-8");
  } else {
    row.original = WithoutRejectCells(bytes_);
    row.json.reserve(bytes_.size() * 2);
    for (size_t i = 0; i < cells_.size(); ++i) {
      if (json_prefixes_[i].empty()) continue;
      row.json.append(json_prefixes_[i]);
      const CsvCell& cell = cells_[i];
      if (cell.quoted) {
        AppendJsonString(row.json, CsvCellText(bytes_, cell));
      } else {
        AppendJsonString(row.json, std::string_view(bytes_).substr(cell.begin, cell.end - cell.begin));
      }
    }
    row.json.push_back('}');
  }
  return true;
}

void CsvReader::SetBad(InputRow& row, std::string_view code, std::string message) const {
  row.bad_code = code;
  row.bad_message = std::move(message);
  // Nobody can tell which cells of a ragged row are whose, so all are kept; it stays ragged until it is mended.
  row.original = cells_.size() == json_prefixes_.size() ? WithoutRejectCells(bytes_) : bytes_;
}

std::string CsvReader::WithoutRejectCells(std::string_view row) const {
  if (!has_dropped_columns_) return std::string(row);
  std::string kept;
  bool first = true;
  for (size_t i = 0; i < cells_.size(); ++i) {
    if (json_prefixes_[i].empty()) continue;
    if (!first) kept.push_back(',');
    first = false;
    kept.append(row.substr(cells_[i].begin, cells_[i].end - cells_[i].begin));
  }
  return kept;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RecordReader>> OpenCsvReader(std::string name, std::unique_ptr<ByteSource> source) {
  auto reader = std::make_unique<CsvReader>(std::move(name), std::move(source));
  if (auto status = reader->ReadHeader(); !status.ok()) return status;
  return reader;
}

}  // namespace millrace::records
