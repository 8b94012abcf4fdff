#include "server/handlers/export_rows.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "storage/records/csv_row.h"
#include "storage/records/json_text.h"

namespace millrace::handlers {
namespace {

std::string StateOf(const v1::Record& record) {
  return std::string(absl::StripPrefix(v1::RecordState_Name(record.state()), "RECORD_STATE_"));
}

/// Appends `,"name":value`; `value` is JSON.
void AppendField(std::string_view name, std::string_view value, std::string& object) {
  if (object.back() != '{') object.push_back(',');
  records::AppendJsonString(object, name);
  object.push_back(':');
  object.append(value);
}

void AppendText(std::string_view name, std::string_view text, std::string& object) {
  AppendField(name, records::JsonString(text), object);
}

class JsonLinesRows final : public ExportRows {
 public:
  std::string Header() const override { return ""; }

  void Append(const v1::Record& record, std::string& file) override {
    std::string row = "{";
    AppendText("id", absl::StrCat(record.sequence(), "-", record.index()), row);
    AppendText("chunk", record.chunk_id(), row);
    AppendText("state", StateOf(record), row);
    if (!record.outputs().empty()) AppendField("outputs", record.outputs(), row);
    if (!record.code().empty()) {
      std::string error = "{";
      AppendText("exception", record.exception_id(), error);
      AppendText("node", record.node(), error);
      AppendText("code", record.code(), error);
      AppendText("message", record.message(), error);
      AppendField("error", error + "}", row);
    }
    if (!record.input().empty()) {
      const bool is_object = scanner_.Scan(record.input());
      AppendField("input", is_object ? record.input() : records::JsonString(record.input()), row);
    }
    file.append(row).append("}\n");
  }

 private:
  records::JsonObjectScanner scanner_;
};

/// The cells of the fields of an object, and what has no cell of its own behind them.
class ObjectCells {
 public:
  explicit ObjectCells(const std::vector<std::string>& names) : cells_(names.size() + 1) {
    for (size_t i = 0; i < names.size(); ++i) index_.emplace(names[i], i);
  }

  const std::vector<std::string>& Read(std::string_view json) {
    for (std::string& cell : cells_) cell.clear();
    std::string& others = cells_.back();
    if (json.empty()) return cells_;
    if (!scanner_.Scan(json)) {
      others = records::ToUtf8(json);
      return cells_;
    }
    std::string rest = "{";
    for (const records::JsonField& field : scanner_.fields()) {
      const auto column = index_.find(std::string(field.key));
      if (column == index_.end()) {
        AppendField(field.key, field.raw, rest);
        continue;
      }
      std::string_view text;
      if (field.value.get_string().get(text) != simdjson::SUCCESS && !field.value.is_null()) text = field.raw;
      cells_[column->second] = text;
    }
    if (rest.size() > 1) others = rest + "}";
    return cells_;
  }

 private:
  std::unordered_map<std::string, size_t> index_;
  std::vector<std::string> cells_;
  records::JsonObjectScanner scanner_;
};

/// A name that is taken gets the first number behind it that makes it another one.
class ColumnNames {
 public:
  void Add(const std::string& name) {
    std::string unique = name;
    for (int n = 2; !taken_.insert(unique).second; ++n) unique = absl::StrCat(name, "_", n);
    names_.push_back(std::move(unique));
  }
  void AddAll(const std::vector<std::string>& names) {
    for (const std::string& name : names) Add(name);
  }
  std::vector<std::string> Take() { return std::move(names_); }

 private:
  std::unordered_set<std::string> taken_;
  std::vector<std::string> names_;
};

std::vector<std::string> HeaderOf(const CsvColumns& columns) {
  ColumnNames header;
  if (columns.with_place) header.AddAll({"sequence", "index"});
  if (columns.with_input) header.AddAll(columns.input);
  if (columns.with_input) header.Add("other_input");
  header.AddAll(columns.outputs);
  header.AddAll({"other_outputs", "state", "error_node", "error_code", "error_message"});
  return header.Take();
}

class CsvRows final : public ExportRows {
 public:
  explicit CsvRows(const CsvColumns& columns)
      : with_place_(columns.with_place),
        with_input_(columns.with_input),
        header_(HeaderOf(columns)),
        input_(columns.input),
        outputs_(columns.outputs) {}

  std::string Header() const override {
    std::string file;
    AppendRow(header_, file);
    return file;
  }

  void Append(const v1::Record& record, std::string& file) override {
    std::vector<std::string> row;
    row.reserve(header_.size());
    if (with_place_) {
      row.push_back(absl::StrCat(record.sequence()));
      row.push_back(absl::StrCat(record.index()));
    }
    if (with_input_) std::ranges::copy(input_.Read(record.input()), std::back_inserter(row));
    std::ranges::copy(outputs_.Read(record.outputs()), std::back_inserter(row));
    row.push_back(StateOf(record));
    for (const std::string* text : {&record.node(), &record.code(), &record.message()}) {
      row.push_back(records::ToUtf8(*text));
    }
    AppendRow(row, file);
  }

 private:
  static void AppendRow(const std::vector<std::string>& cells, std::string& file) {
    for (size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) file.push_back(',');
      records::AppendCsvCell(file, cells[i]);
    }
    file.push_back('\n');
  }

  const bool with_place_;
  const bool with_input_;
  const std::vector<std::string> header_;
  ObjectCells input_;
  ObjectCells outputs_;
};

}  // namespace

std::unique_ptr<ExportRows> MakeJsonLinesRows() { return std::make_unique<JsonLinesRows>(); }

std::unique_ptr<ExportRows> MakeCsvRows(const CsvColumns& columns) { return std::make_unique<CsvRows>(columns); }

std::vector<std::string> FieldNames(std::string_view json) {
  records::JsonObjectScanner scanner;
  std::vector<std::string> names;
  if (!scanner.Scan(json)) return names;
  for (const records::JsonField& field : scanner.fields()) {
    std::string name(field.key);
    if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

}  // namespace millrace::handlers
