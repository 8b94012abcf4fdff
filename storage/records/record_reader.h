// Records of an input file, one after the other, with what is needed to write the ones that fail back as they came.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/records/input_window.h"

namespace millrace::records {

/// The formats of record files.
enum class FileFormat { kCsv, kJsonLines };

/// What the columns and fields of a rejects file that are not the record begin with. Readers drop them.
inline constexpr std::string_view kRejectPrefix = "_reject_";

/// One row of an input file.
struct InputRow {
  /// Where it begins, counted from 1.
  int64_t line = 0;
  /// The record for the server: one line without its end.
  std::string json;
  /// The row as it stands in the file, without line end and without what an earlier rejects file added.
  std::string original;
  /// Not empty: the row cannot be made a record; `json` is empty, `bad_message` says why.
  std::string bad_code;
  std::string bad_message;
};

/// Reads rows. Not thread-safe.
class RecordReader {
 public:
  virtual ~RecordReader() = default;

  /// Reads the next row into `row`. False at the end. An error, which names file and line, ends the reading: what is
  /// behind it cannot be told apart.
  virtual absl::StatusOr<bool> Next(InputRow& row) = 0;

  virtual FileFormat format() const = 0;

  /// The columns of a CSV file without those of an earlier rejects file. Empty for JSON Lines.
  virtual const std::vector<std::string>& columns() const = 0;

  /// The header of a CSV file as it was written, without the columns of an earlier rejects file.
  virtual std::string_view header() const = 0;

  /// Bytes read so far, up to the end of the last row, and the line ends among them.
  virtual int64_t offset() const = 0;
  virtual int64_t lines() const = 0;

  /// Goes on where another reader of the same bytes came to: `offset` and `lines` are what it said. Before the first Next.
  virtual absl::Status GoTo(int64_t offset, int64_t lines) = 0;

  /// Size of the whole input in bytes, where that is known.
  virtual std::optional<int64_t> Size() const = 0;
};

/// Reads CSV by RFC 4180: quoted cells may hold commas, line ends and doubled quotes; lines end with "\n" or "\r\n"; a
/// UTF-8 byte order mark and blank lines are skipped. Each cell becomes a JSON string, so that nothing is lost;
/// services turn strings into numbers where their inputs say so. The first row names the columns.
///
/// Bad rows: CSV_ROW_RAGGED (more or fewer cells than the header), CSV_QUOTE_MISPLACED (text behind a closing quote),
/// CSV_NOT_UTF8. Errors: no header, a column without name or named twice, a quote that is never closed, a row larger
/// than a record may be.
///
/// `name` stands for the file in errors.
absl::StatusOr<std::unique_ptr<RecordReader>> OpenCsvReader(std::string name, std::unique_ptr<ByteSource> source);

/// Reads JSON Lines: one record a line, blank lines and a UTF-8 byte order mark are skipped. Lines are not looked into
/// but for the fields of an earlier rejects file: the server judges them, and keeps a bad one as an exception.
/// The error is a line larger than a chunk may be.
absl::StatusOr<std::unique_ptr<RecordReader>> OpenJsonLinesReader(std::string name, std::unique_ptr<ByteSource> source);

/// Reads in a format. See OpenCsvReader and OpenJsonLinesReader.
absl::StatusOr<std::unique_ptr<RecordReader>> MakeRecordReader(std::string name, FileFormat format,
                                                               std::unique_ptr<ByteSource> source);

/// Opens a file in a format. See OpenInput.
absl::StatusOr<std::unique_ptr<RecordReader>> OpenRecordReader(const std::string& path, FileFormat format,
                                                               std::stop_token stop = {});

/// The format that the extension of a path stands for: `.csv`; `.jsonl`, `.ndjson` or `.json`.
std::optional<FileFormat> FormatOfPath(std::string_view path);

}  // namespace millrace::records
