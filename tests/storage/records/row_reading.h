// Reads records from text, for tests of readers and of what readers read back.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/records/record_reader.h"

namespace millrace::records {

/// A CSV reader over text. The file is called `in.csv` in errors.
inline absl::StatusOr<std::unique_ptr<RecordReader>> CsvOver(std::string text) {
  return OpenCsvReader("in.csv", SourceOf(std::move(text)));
}

inline absl::StatusOr<std::unique_ptr<RecordReader>> JsonLinesOver(std::string text) {
  return OpenJsonLinesReader("in.jsonl", SourceOf(std::move(text)));
}

/// All rows, or the first error.
inline absl::StatusOr<std::vector<InputRow>> AllRows(absl::StatusOr<std::unique_ptr<RecordReader>> reader) {
  if (!reader.ok()) return reader.status();
  std::vector<InputRow> rows;
  for (InputRow row;;) {
    const auto read = (*reader)->Next(row);
    if (!read.ok()) return read.status();
    if (!*read) return rows;
    rows.push_back(row);
  }
}

/// The records of all rows; a bad row is given as its code.
inline std::vector<std::string> RecordsOf(absl::StatusOr<std::unique_ptr<RecordReader>> reader) {
  const auto rows = AllRows(std::move(reader));
  if (!rows.ok()) return {std::string(rows.status().message())};
  std::vector<std::string> records;
  for (const InputRow& row : *rows) records.push_back(row.bad_code.empty() ? row.json : row.bad_code);
  return records;
}

}  // namespace millrace::records
