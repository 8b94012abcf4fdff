#include <memory>

#include "absl/strings/str_cat.h"
#include "server/core/json_struct.h"
#include "storage/records/input_window.h"
#include "storage/records/record_reader.h"
#include "tests/fuzz/fuzz_targets.h"

namespace millrace::fuzz {
namespace {

std::string ReadAll(absl::StatusOr<std::unique_ptr<records::RecordReader>> reader, bool rows_are_json) {
  if (!reader.ok()) return "";
  int64_t offset = (*reader)->offset();
  int64_t line = 0;
  records::InputRow row;
  for (;;) {
    const absl::StatusOr<bool> read = (*reader)->Next(row);
    if (!read.ok() || !*read) return "";
    if ((*reader)->offset() <= offset) return "a row was read and the offset stayed";
    offset = (*reader)->offset();
    if (row.line <= line) return absl::StrCat("line ", row.line, " comes after line ", line);
    line = row.line;
    if (!row.bad_code.empty()) continue;
    if (row.json.find('\n') != std::string::npos) return absl::StrCat("a record has two lines: ", row.json);
    if (rows_are_json && !core::ParseJsonObject(row.json).ok()) return absl::StrCat("a row became ", row.json);
  }
}

}  // namespace

std::string Csv(std::string_view bytes) {
  return ReadAll(records::OpenCsvReader("fuzz.csv", records::SourceOf(std::string(bytes))), true);
}

std::string JsonLines(std::string_view bytes) {
  return ReadAll(records::OpenJsonLinesReader("fuzz.jsonl", records::SourceOf(std::string(bytes))), false);
}

}  // namespace millrace::fuzz
