#include "server/background/source_records.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/background/job_records.h"
#include "server/background/query_records.h"
#include "storage/model/job_rules.h"
#include "storage/model/limits.h"
#include "storage/records/json_text.h"
#include "storage/records/record_reader.h"

namespace millrace::background {
namespace {

using model::JobSource;
using model::SourcePosition;

/// Records that stand in the job itself.
class InlineRecords final : public SourceRecords {
 public:
  InlineRecords(const JobSource& source, const SourcePosition& position) : SourceRecords(position), source_(source) {}

  absl::StatusOr<Found> Next(std::string& line) override {
    const std::string_view text = source_.json_lines;
    const auto begin = static_cast<size_t>(position_.offset);
    if (begin >= text.size() || IsSampleOver(source_.sample)) return Found::kEnd;
    const size_t end = text.find('\n', begin);
    line = text.substr(begin, end - begin);
    position_.offset = static_cast<int64_t>(end) + 1;
    return Count(source_.sample);
  }

 private:
  const JobSource& source_;
};

/// Numbers. What the sample leaves out is passed over at once.
class RangeRecords final : public SourceRecords {
 public:
  RangeRecords(const JobSource& source, const SourcePosition& position) : SourceRecords(position), source_(source) {
    records::AppendJsonString(prefix_, source.field);
    prefix_.push_back(':');
  }

  absl::StatusOr<Found> Next(std::string& line) override {
    const int64_t index = model::NextTaken(source_.sample, position_.offset, position_.rest);
    if (index >= source_.count) return Found::kEnd;
    line = absl::StrCat(prefix_, source_.first + index, "}");
    position_.offset = position_.records = index + 1;
    return Found::kRecord;
  }

 private:
  const JobSource& source_;
  std::string prefix_ = "{";
};

class FileRecords final : public SourceRecords {
 public:
  FileRecords(const JobSource& source, const SourcePosition& position, core::SourceFile file)
      : SourceRecords(position), source_(source), file_(std::move(file)) {}

  absl::Status Open() {
    if (absl::Status same = CheckUnchanged(); !same.ok()) return same;
    const int fd = file_.Duplicate();
    if (fd < 0) return absl::ResourceExhaustedError("the server has no file descriptor to spare");
    const records::FileFormat format =
        source_.format == model::SourceFormat::kCsv ? records::FileFormat::kCsv : records::FileFormat::kJsonLines;
    absl::StatusOr<std::unique_ptr<records::RecordReader>> reader =
        records::MakeRecordReader(source_.path, format, records::SourceOfFile(source_.path, fd));
    if (!reader.ok()) return reader.status();
    reader_ = *std::move(reader);
    return position_.offset == 0 ? absl::OkStatus() : reader_->GoTo(position_.offset, position_.line);
  }

  absl::StatusOr<Found> Next(std::string& line) override {
    if (IsSampleOver(source_.sample)) return Found::kEnd;
    const absl::StatusOr<bool> read = reader_->Next(row_);
    if (!read.ok()) return read.status();
    position_.offset = reader_->offset();
    position_.line = reader_->lines();
    if (!*read) return Found::kEnd;
    const Found found = Count(source_.sample);
    if (found == Found::kLeftOut) return found;
    if (row_.bad_code.empty()) {
      if (!IsRecord()) ++position_.read_errors;
      line = std::move(row_.json);
    } else {
      ++position_.read_errors;
      line = BadRecord(absl::StrCat(row_.bad_code, " in line ", row_.line, ": ", row_.bad_message), row_.original);
    }
    return found;
  }

  absl::Status CheckUnchanged() override { return file_.CheckUnchanged(source_); }

 private:
  /// Whether the row is a record. Cells of CSV always make one; a line of JSON may be anything, and is stored as it is.
  bool IsRecord() {
    if (source_.format == model::SourceFormat::kCsv) return true;
    return row_.json.size() <= model::kRecordBytesMax && scanner_.IsObject(row_.json);
  }

  const JobSource& source_;
  core::SourceFile file_;
  std::unique_ptr<records::RecordReader> reader_;
  records::JsonObjectScanner scanner_;
  records::InputRow row_;
};

absl::StatusOr<std::unique_ptr<SourceRecords>> OpenFile(const model::Job& job, const core::SourceFolders& folders) {
  absl::StatusOr<core::SourceFile> file = folders.Open(job.source.path);
  if (!file.ok()) return file.status();
  auto records = std::make_unique<FileRecords>(job.source, job.source_position, *std::move(file));
  if (absl::Status opened = records->Open(); !opened.ok()) return opened;
  return records;
}

}  // namespace

std::string BadRecord(std::string_view problem, std::string_view row) {
  std::string line = "[";
  records::AppendJsonString(line, problem);
  line.push_back(',');
  records::AppendJsonString(line, row);
  line.push_back(']');
  return line;
}

absl::StatusOr<std::unique_ptr<SourceRecords>> OpenSourceRecords(const model::Job& job, const store::JobStore& store,
                                                                 const SourcePlaces& places, std::stop_token stop) {
  const JobSource& source = job.source;
  switch (source.kind) {
    case model::SourceKind::kQuery:
      return OpenQueryRecords(job, places.connections, places.clock, std::move(stop));
    case model::SourceKind::kResults:
    case model::SourceKind::kExceptions:
      return OpenJobRecords(job, store);
    case model::SourceKind::kRange:
      return std::make_unique<RangeRecords>(source, job.source_position);
    case model::SourceKind::kFile:
      return OpenFile(job, places.folders);
    case model::SourceKind::kInline:
    case model::SourceKind::kIds:
    case model::SourceKind::kNone:
    case model::SourceKind::kSourceOf:
      break;
  }
  return std::make_unique<InlineRecords>(source, job.source_position);
}

bool MayPass(const absl::Status& status) { return absl::IsResourceExhausted(status) || absl::IsUnavailable(status); }

}  // namespace millrace::background
