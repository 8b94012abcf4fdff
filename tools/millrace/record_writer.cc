#include "tools/millrace/record_writer.h"

#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/records/csv_row.h"

namespace millrace::cli {
namespace {

class JsonLinesWriter final : public OutputWriter {
 public:
  explicit JsonLinesWriter(std::unique_ptr<OutputFile> file) : file_(std::move(file)) {}

  absl::Status Write(std::string_view json) override {
    if (auto status = file_->Append(json); !status.ok()) return status;
    return file_->Append("\n");
  }

  absl::Status Commit() override { return file_->Commit(); }

 private:
  const std::unique_ptr<OutputFile> file_;
};

class CsvWriter final : public OutputWriter {
 public:
  CsvWriter(std::unique_ptr<OutputFile> file, std::vector<std::string> columns)
      : file_(std::move(file)), columns_(std::move(columns)), cells_(columns_.size()) {
    for (size_t i = 0; i < columns_.size(); ++i) index_.emplace(columns_[i], i);
  }

  absl::Status WriteHeader() {
    cells_ = columns_;
    return WriteCells();
  }

  absl::Status Write(std::string_view json) override;

  absl::Status Commit() override { return file_->Commit(); }

 private:
  absl::Status WriteCells();

  const std::unique_ptr<OutputFile> file_;
  const std::vector<std::string> columns_;
  std::unordered_map<std::string, size_t> index_;
  records::JsonObjectScanner scanner_;
  std::vector<std::string> cells_;
};

absl::Status CsvWriter::Write(std::string_view json) {
  for (std::string& cell : cells_) cell.clear();
  if (json != "null") {
    if (!scanner_.Scan(json)) {
      return absl::InternalError(absl::StrCat("an output is not a JSON object: ", std::string(json)));
    }
    for (const records::JsonField& field : scanner_.fields()) {
      const auto column = index_.find(std::string(field.key));
      if (column == index_.end()) {
        return absl::InvalidArgumentError(absl::StrCat("a record has the output `", std::string(field.key),
                                                       "`, which is no column of the CSV file; write .jsonl instead"));
      }
      std::string_view text;
      if (field.value.get_string().get(text) != simdjson::SUCCESS && !field.value.is_null()) text = field.raw;
      cells_[column->second] = text;
    }
  }
  return WriteCells();
}

absl::Status CsvWriter::WriteCells() {
  std::string line;
  for (size_t i = 0; i < cells_.size(); ++i) {
    if (i > 0) line.push_back(',');
    records::AppendCsvCell(line, cells_[i]);
  }
  // One empty cell alone would be a blank line, which readers skip.
  if (line.empty()) line = "\"\"";
  line.push_back('\n');
  return file_->Append(line);
}

class CsvRejectWriter final : public RejectWriter {
 public:
  explicit CsvRejectWriter(std::unique_ptr<OutputFile> file) : file_(std::move(file)) {}

  absl::Status WriteHeader(std::string_view header) {
    return file_->Append(absl::StrCat(std::string(header), ",_reject_code,_reject_node,_reject_message\n"));
  }

  absl::Status Write(std::string_view original, const records::RejectReason& reason) override {
    std::string line(original);
    for (const std::string* text : {&reason.code, &reason.node, &reason.message}) {
      line.push_back(',');
      records::AppendCsvCell(line, records::ToUtf8(*text));
    }
    line.push_back('\n');
    return file_->Append(line);
  }

  absl::Status Commit() override { return file_->Commit(); }

 private:
  const std::unique_ptr<OutputFile> file_;
};

class JsonLinesRejectWriter final : public RejectWriter {
 public:
  explicit JsonLinesRejectWriter(std::unique_ptr<OutputFile> file) : file_(std::move(file)) {}

  absl::Status Write(std::string_view original, const records::RejectReason& reason) override {
    return file_->Append(fields_.Add(original, reason).append("\n"));
  }

  absl::Status Commit() override { return file_->Commit(); }

 private:
  const std::unique_ptr<OutputFile> file_;
  records::RejectFields fields_;
};

}  // namespace

std::unique_ptr<OutputWriter> MakeJsonLinesWriter(std::unique_ptr<OutputFile> file) {
  return std::make_unique<JsonLinesWriter>(std::move(file));
}

absl::StatusOr<std::unique_ptr<OutputWriter>> MakeCsvWriter(std::unique_ptr<OutputFile> file,
                                                            std::vector<std::string> columns) {
  auto writer = std::make_unique<CsvWriter>(std::move(file), std::move(columns));
  if (auto status = writer->WriteHeader(); !status.ok()) return status;
  return writer;
}

absl::StatusOr<std::unique_ptr<RejectWriter>> MakeRejectWriter(std::unique_ptr<OutputFile> file,
                                                               records::FileFormat format, std::string_view header) {
  if (format == records::FileFormat::kJsonLines) return std::make_unique<JsonLinesRejectWriter>(std::move(file));
  auto writer = std::make_unique<CsvRejectWriter>(std::move(file));
  if (auto status = writer->WriteHeader(header); !status.ok()) return status;
  return writer;
}

}  // namespace millrace::cli
