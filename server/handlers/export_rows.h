// Records as the rows of a file: the formats of an export.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/v1/job_service.pb.h"

namespace millrace::handlers {

/// Used by one thread.
class ExportRows {
 public:
  virtual ~ExportRows() = default;

  /// What the file begins with; empty: nothing.
  virtual std::string Header() const = 0;
  /// Appends the row of a record, with its line end.
  virtual void Append(const v1::Record& record, std::string& file) = 0;
};

/// See EXPORT_FORMAT_JSON_LINES.
std::unique_ptr<ExportRows> MakeJsonLinesRows();

/// The columns of CSV that are not always there.
struct CsvColumns {
  bool with_place = false;
  bool with_input = false;
  /// Fields of records and of outputs that have a column, each once.
  std::vector<std::string> input;
  std::vector<std::string> outputs;
};

/// See EXPORT_FORMAT_CSV.
std::unique_ptr<ExportRows> MakeCsvRows(const CsvColumns& columns);

/// The names of the fields of a JSON object, each once, in their order; none where it is no object.
std::vector<std::string> FieldNames(std::string_view json);

}  // namespace millrace::handlers
