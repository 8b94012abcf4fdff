#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/model/limits.h"
#include "storage/records/record_reader.h"
#include "storage/records/reject_fields.h"

namespace millrace::records {
namespace {

class JsonLinesReader final : public RecordReader {
 public:
  JsonLinesReader(std::string name, std::unique_ptr<ByteSource> source)
      : name_(std::move(name)), window_(std::move(source)) {}

  absl::Status Begin() { return window_.SkipByteOrderMark(); }

  absl::StatusOr<bool> Next(InputRow& row) override;

  FileFormat format() const override { return FileFormat::kJsonLines; }
  const std::vector<std::string>& columns() const override { return no_columns_; }
  std::string_view header() const override { return {}; }
  int64_t offset() const override { return window_.offset(); }
  int64_t lines() const override { return line_number_; }
  absl::Status GoTo(int64_t offset, int64_t lines) override {
    line_number_ = lines;
    return window_.SeekTo(offset);
  }
  std::optional<int64_t> Size() const override { return window_.Size(); }

 private:
  /// Reads the next line, blank or not, without its end. False at the end.
  absl::StatusOr<bool> ReadLine(std::string& line);

  const std::string name_;
  InputWindow window_;
  RejectFields reject_fields_;
  const std::vector<std::string> no_columns_;
  int64_t line_number_ = 0;
};

absl::StatusOr<bool> JsonLinesReader::ReadLine(std::string& line) {
  size_t searched = 0;
  for (;;) {
    const std::string_view bytes = window_.bytes();
    const size_t end = bytes.find('\n', searched);
    if (end != std::string_view::npos || (window_.at_end() && !bytes.empty())) {
      line = bytes.substr(0, end);
      window_.Consume(end == std::string_view::npos ? bytes.size() : end + 1);
      if (line.ends_with('\r')) line.pop_back();
      ++line_number_;
      return true;
    }
    if (window_.at_end()) return false;
    if (bytes.size() > model::kChunkBytesMax) {
      return absl::InvalidArgumentError(absl::StrCat(name_, ":", line_number_ + 1, ": the line is larger than ",
                                                     model::kChunkBytesMax, " bytes, the limit of a chunk"));
    }
    searched = bytes.size();
    if (const auto more = window_.Extend(); !more.ok()) return more.status();
  }
}

absl::StatusOr<bool> JsonLinesReader::Next(InputRow& row) {
  row = InputRow();
  for (;;) {
    absl::StatusOr<bool> read = ReadLine(row.original);
    if (!read.ok() || !*read) return read;
    row.original = reject_fields_.Cut(std::move(row.original));
    // The server counts lines of nothing but these as blank.
    if (row.original.find_first_not_of(" \t\r") != std::string::npos) break;
  }
  row.line = line_number_;
  row.json = row.original;
  return true;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RecordReader>> OpenJsonLinesReader(std::string name,
                                                                  std::unique_ptr<ByteSource> source) {
  auto reader = std::make_unique<JsonLinesReader>(std::move(name), std::move(source));
  if (auto status = reader->Begin(); !status.ok()) return status;
  return reader;
}

absl::StatusOr<std::unique_ptr<RecordReader>> MakeRecordReader(std::string name, FileFormat format,
                                                               std::unique_ptr<ByteSource> source) {
  return format == FileFormat::kCsv ? OpenCsvReader(std::move(name), std::move(source))
                                    : OpenJsonLinesReader(std::move(name), std::move(source));
}

absl::StatusOr<std::unique_ptr<RecordReader>> OpenRecordReader(const std::string& path, FileFormat format,
                                                               std::stop_token stop) {
  auto source = OpenInput(path, std::move(stop));
  if (!source.ok()) return source.status();
  std::string name = path == "-" ? "stdin" : path;
  return MakeRecordReader(std::move(name), format, *std::move(source));
}

std::optional<FileFormat> FormatOfPath(std::string_view path) {
  const std::string lower = absl::AsciiStrToLower(std::string(path));
  if (absl::EndsWith(lower, ".csv")) return FileFormat::kCsv;
  for (const char* extension : {".jsonl", ".ndjson", ".json"}) {
    if (absl::EndsWith(lower, extension)) return FileFormat::kJsonLines;
  }
  return std::nullopt;
}

}  // namespace millrace::records
