// The files that `run` writes: outputs and rejects. `exceptions export` writes the latter, too.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/records/record_reader.h"
#include "storage/records/reject_fields.h"
#include "tools/millrace/output_file.h"

namespace millrace::cli {

/// Writes the outputs of records, in the order of the calls. Not thread-safe.
class OutputWriter {
 public:
  virtual ~OutputWriter() = default;

  /// Writes one record. `json` is a JSON object, or `null` for a record that failed.
  virtual absl::Status Write(std::string_view json) = 0;

  /// Gives the file its name.
  virtual absl::Status Commit() = 0;
};

/// One line a record, just as the server sent it.
std::unique_ptr<OutputWriter> MakeJsonLinesWriter(std::unique_ptr<OutputFile> file);

/// CSV with a header of `columns`. A string is written as its text, null as an empty cell, a number as it was sent,
/// an object or array as JSON. A record with a field that is no column is refused: nothing is lost unseen.
absl::StatusOr<std::unique_ptr<OutputWriter>> MakeCsvWriter(std::unique_ptr<OutputFile> file,
                                                            std::vector<std::string> columns);

/// Writes rejected rows with the reason, in the order of the calls, so that the mended file can be pushed as is.
class RejectWriter {
 public:
  virtual ~RejectWriter() = default;

  /// `original` is InputRow::original.
  virtual absl::Status Write(std::string_view original, const records::RejectReason& reason) = 0;

  virtual absl::Status Commit() = 0;
};

/// A writer of rejects. CSV: the columns of the input, which `header` is, then `_reject_code`, `_reject_node` and
/// `_reject_message`. JSON Lines, which have no header: see RejectFields.
absl::StatusOr<std::unique_ptr<RejectWriter>> MakeRejectWriter(std::unique_ptr<OutputFile> file,
                                                               records::FileFormat format, std::string_view header);

}  // namespace millrace::cli
