// Records as the server keeps them, as rows of a CSV file of rejects.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/records/json_text.h"

namespace millrace::cli {

/// Makes header and rows: first give it all records for their columns, then ask for each as a row. Not thread-safe.
class CsvRejects {
 public:
  /// What RejectWriter::Write takes.
  struct Row {
    std::string original;
    /// Not empty: the row of a CSV file that was no record, and why not, for which the server kept it in a JSON array.
    std::string problem;
  };

  /// Takes the fields of a record as columns, behind those of the records before. Anything else has none.
  void AddColumns(std::string_view record);

  bool has_columns() const { return !columns_.empty(); }

  /// Of one column at least.
  std::string Header() const;

  /// A cell for each column: a string as its text, null and a field that is not there as an empty cell, anything else as JSON. A
  /// row that could not be read is what it was. INVALID_ARGUMENT for any other record that is no JSON object, and for one with a
  /// field that is no column.
  absl::StatusOr<Row> RowOf(std::string_view record);

 private:
  std::vector<std::string> columns_;
  std::unordered_map<std::string, size_t> index_;
  records::JsonObjectScanner scanner_;
  simdjson::dom::parser parser_;
};

}  // namespace millrace::cli
