#include "tools/millrace/csv_rejects.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/records/csv_row.h"
#include "storage/records/record_reader.h"

namespace millrace::cli {
namespace {

std::string RowOfCells(const std::vector<std::string>& cells) {
  std::string row;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) row.push_back(',');
    records::AppendCsvCell(row, cells[i]);
  }
  return row;
}

/// Each byte as the character with its number, so that bytes which are not UTF-8 can be parsed as JSON.
std::string BytesAsCharacters(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      text.push_back(c);
    } else {
      text.push_back(static_cast<char>(0xC0 | byte >> 6));
      text.push_back(static_cast<char>(0x80 | (byte & 0x3F)));
    }
  }
  return text;
}

/// What BytesAsCharacters was given.
std::string CharactersAsBytes(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const bool is_byte = (lead == 0xC2 || lead == 0xC3) && i + 1 < text.size();
    bytes.push_back(is_byte ? static_cast<char>(lead << 6 | (static_cast<unsigned char>(text[i + 1]) & 0x3F))
                            : text[i]);
    if (is_byte) ++i;
  }
  return bytes;
}

/// The row that the server keeps as `[problem, row]`, where the record is one.
std::optional<CsvRejects::Row> UnreadableRow(simdjson::dom::parser& parser, std::string_view record) {
  const bool is_utf8 = records::IsUtf8(record);
  const std::string text = is_utf8 ? std::string(record) : BytesAsCharacters(record);
  simdjson::dom::array array;
  std::string_view problem;
  std::string_view row;
  if (parser.parse(text).get_array().get(array) != simdjson::SUCCESS || array.size() != 2) return std::nullopt;
  if (array.at(0).get_string().get(problem) != simdjson::SUCCESS) return std::nullopt;
  if (array.at(1).get_string().get(row) != simdjson::SUCCESS || !problem.starts_with("CSV_")) return std::nullopt;
  return CsvRejects::Row{.original = is_utf8 ? std::string(row) : CharactersAsBytes(row),
                         .problem = std::string(problem)};
}

}  // namespace

void CsvRejects::AddColumns(std::string_view record) {
  if (!scanner_.Scan(record)) return;
  for (const records::JsonField& field : scanner_.fields()) {
    // A reader would drop it.
    if (field.key.starts_with(records::kRejectPrefix)) continue;
    if (index_.emplace(field.key, columns_.size()).second) columns_.emplace_back(field.key);
  }
}

std::string CsvRejects::Header() const { return RowOfCells(columns_); }

absl::StatusOr<CsvRejects::Row> CsvRejects::RowOf(std::string_view record) {
  if (!scanner_.Scan(record)) {
    std::optional<Row> row = UnreadableRow(parser_, record);
    if (row.has_value()) return *std::move(row);
    return absl::InvalidArgumentError("it is no JSON object and so no row of a CSV file; take --format jsonl");
  }
  std::vector<std::string> cells(columns_.size());
  for (const records::JsonField& field : scanner_.fields()) {
    if (field.key.starts_with(records::kRejectPrefix)) continue;
    const auto column = index_.find(std::string(field.key));
    if (column == index_.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("its field `", std::string(field.key), "` came while the file was written; repeat the command"));
    }
    std::string_view text;
    if (field.value.get_string().get(text) != simdjson::SUCCESS && !field.value.is_null()) text = field.raw;
    cells[column->second] = text;
  }
  return Row{.original = RowOfCells(cells), .problem = ""};
}

}  // namespace millrace::cli
