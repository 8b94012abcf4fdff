#include <memory>

#include "absl/strings/str_cat.h"
#include "server/core/json_struct.h"
#include "tests/fuzz/fuzz_targets.h"
#include "tools/millrace/input_window.h"
#include "tools/millrace/record_reader.h"

namespace millrace::fuzz {
namespace {

std::string ReadAll(absl::StatusOr<std::unique_ptr<cli::RecordReader>> reader, bool rows_are_json) {
  if (!reader.ok()) return "";
  int64_t offset = (*reader)->offset();
  int64_t line = 0;
  cli::InputRow row;
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
  return ReadAll(cli::OpenCsvReader("fuzz.csv", cli::SourceOf(std::string(bytes))), true);
}

std::string JsonLines(std::string_view bytes) {
  return ReadAll(cli::OpenJsonLinesReader("fuzz.jsonl", cli::SourceOf(std::string(bytes))), false);
}

}  // namespace millrace::fuzz
