#include "server/handlers/job_exporter.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "server/core/page_token.h"
#include "server/core/record_lines.h"
#include "server/core/service_definition.h"
#include "server/handlers/job_outputs.h"
#include "server/handlers/validate.h"
#include "storage/model/errors.h"
#include "storage/model/limits.h"
#include "storage/model/retention_rules.h"

namespace millrace::handlers {
namespace {

/// The fields of the first record; none where the job does not keep its input.
absl::StatusOr<std::vector<std::string>> FirstRecordFields(const model::JobKey& key, const Deps& deps) {
  const absl::StatusOr<model::ChunkInput> input = deps.store.ReadChunk(key, 1);
  if (model::HasReason(input.status(), model::Reason::kPipelineNotFound)) return std::vector<std::string>();
  if (!input.ok()) return input.status();
  const std::string_view lines = input->json_lines;
  return FieldNames(lines.substr(0, lines.find('\n')));
}

/// The fields of the first outputs in the first result.
absl::StatusOr<std::vector<std::string>> FirstOutputsFields(const model::JobKey& key, const Deps& deps) {
  const auto results = deps.store.ReadResults(key, 0, 1, std::numeric_limits<int64_t>::max());
  if (!results.ok()) return results.status();
  if (results->empty()) return std::vector<std::string>();
  for (const std::string_view line : core::LinesOf(results->front().json_lines)) {
    if (std::vector<std::string> names = FieldNames(line); !names.empty()) return names;
  }
  return std::vector<std::string>();
}

absl::StatusOr<CsvColumns> ColumnsOf(const v1::ExportJobRequest& request, const model::Job& job, const Deps& deps) {
  CsvColumns columns{
      .with_place = request.with_place(), .with_input = request.with_input(), .input = {}, .outputs = {}};
  const absl::StatusOr<std::vector<std::string>> fields = FirstRecordFields(job.key(), deps);
  if (!fields.ok()) return fields.status();
  absl::StatusOr<std::vector<std::string>> outputs = OutputsOf(job, deps);
  if (absl::IsNotFound(outputs.status())) outputs = FirstOutputsFields(job.key(), deps);
  if (!outputs.ok()) return outputs.status();
  const auto add = [&](const std::string& name) {
    if (std::ranges::find(columns.outputs, name) == columns.outputs.end()) columns.outputs.push_back(name);
  };
  for (const std::string& output : *outputs) {
    if (output == core::kAllFields) {
      for (const std::string& field : *fields) add(field);
    } else {
      add(output);
    }
  }
  if (request.with_input()) columns.input = *fields;
  return columns;
}

}  // namespace

absl::StatusOr<std::unique_ptr<JobExporter>> JobExporter::Begin(const v1::ExportJobRequest& request, const Call& call,
                                                                const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("job_id", request.job_id()); !status.ok()) return status;
  if (!v1::ExportFormat_IsValid(request.format())) {
    return model::FieldError("format", "expected EXPORT_FORMAT_JSON_LINES or EXPORT_FORMAT_CSV");
  }
  if (absl::Status status = CheckStates(request.states()); !status.ok()) return status;
  const absl::StatusOr<model::JobPtr> job = deps.store.GetJob(call.job(request.job_id()));
  if (!job.ok()) return job.status();

  auto exporter = std::unique_ptr<JobExporter>(new JobExporter(request, (*job)->key(), deps));
  if (absl::Status made = exporter->MakeRows(**job); !made.ok()) return made;
  exporter->position_.last_sequence = (*job)->last_sequence;
  exporter->position_.records_total = (*job)->counters.records_submitted;
  if (absl::Status found = exporter->Resume(request.resume_token()); !found.ok()) return found;
  return exporter;
}

absl::Status JobExporter::MakeRows(const model::Job& job) {
  if (request_.format() == v1::EXPORT_FORMAT_CSV) {
    const absl::StatusOr<CsvColumns> columns = ColumnsOf(request_, job, deps_);
    if (!columns.ok()) return columns.status();
    rows_ = MakeCsvRows(*columns);
  } else {
    rows_ = MakeJsonLinesRows();
  }
  // With other columns, because the job has another version by now, the rest of the file would not fit its beginning.
  file_ = absl::StrCat("ExportJob/", key_.tenant, "/", key_.job_id, "/", request_.format(), "/",
                       absl::StrJoin(request_.states(), ","), "/", request_.with_input(), "/", rows_->Header());
  return absl::OkStatus();
}

bool JobExporter::IsWithin(const Position& position, const Position& began) {
  return position.sequence >= 1 && position.sequence - 1 <= position.last_sequence && position.index >= 0 &&
         position.rows >= 0 && position.rows <= position.records && position.records <= position.records_total &&
         position.last_sequence <= began.last_sequence && position.records_total <= began.records_total;
}

absl::Status JobExporter::Resume(const std::string& token) {
  if (token.empty()) return absl::OkStatus();
  const Position began = position_;
  const absl::StatusOr<std::string> opened = core::OpenPageToken(file_, token);
  const std::vector<std::string> numbers = absl::StrSplit(opened.value_or(""), '/');
  const std::array<int64_t*, 6> fields = {&position_.sequence, &position_.index,         &position_.records,
                                          &position_.rows,     &position_.last_sequence, &position_.records_total};
  bool read = opened.ok() && numbers.size() == fields.size();
  for (size_t i = 0; read && i < fields.size(); ++i) read = absl::SimpleAtoi(numbers[i], fields[i]);
  began_ = true;
  // A token is sealed against mistakes, not against whoever makes one up.
  if (read && IsWithin(position_, began)) return absl::OkStatus();
  return model::WithField(
      model::MakeError(model::Reason::kPageTokenInvalid,
                       "resume_token: expected that of a piece of the same file, whose columns are still those of the "
                       "job; begin again without it"),
      "resume_token");
}

absl::StatusOr<v1::ExportJobResponse> JobExporter::Next() {
  // As the job is now: it may have been cancelled since the last piece. What is left of a chunk that was read for that piece is
  // no part of a file any more once the others are deleted.
  absl::StatusOr<model::JobPtr> job = deps_.store.GetJob(key_);
  if (!job.ok()) return job.status();
  if (absl::Status held = model::CheckNotDropped(**job); !held.ok()) return held;
  RecordLister lister(*std::move(job), deps_);
  std::string data = std::exchange(began_, true) ? "" : rows_->Header();
  // Few records may be wanted: a piece ends all the same, and says how far the export is.
  for (int64_t chunks = 0; position_.sequence <= position_.last_sequence; ++chunks) {
    if (data.size() >= model::kExportPieceBytesTarget || chunks == model::kListedChunksMax) break;
    if (!has_chunk_) {
      if (absl::Status read = ReadChunk(lister); !read.ok()) return read;
    }
    AppendRows(data);
  }
  v1::ExportJobResponse piece;
  piece.set_data(std::move(data));
  piece.set_rows(position_.rows);
  piece.set_records_passed(position_.records);
  piece.set_records_total(position_.records_total);
  piece.set_resume_token(
      core::SealPageToken(file_, absl::StrJoin({position_.sequence, position_.index, position_.records, position_.rows,
                                                position_.last_sequence, position_.records_total},
                                               "/")));
  piece.set_ended(position_.sequence > position_.last_sequence);
  return piece;
}

absl::Status JobExporter::ReadChunk(RecordLister& lister) {
  const absl::StatusOr<model::Chunk> chunk = deps_.store.FindChunk(key_, position_.sequence);
  if (!chunk.ok()) return chunk.status();
  absl::StatusOr<std::vector<RecordLister::Listed>> records = lister.ReadChunk(*chunk);
  if (!records.ok()) return records.status();
  chunk_ = *std::move(records);
  has_chunk_ = true;
  return request_.with_input() ? lister.FillInputs(position_.sequence, chunk_) : absl::OkStatus();
}

void JobExporter::AppendRows(std::string& data) {
  const auto size = static_cast<int64_t>(chunk_.size());
  for (; position_.index < size && data.size() < model::kExportPieceBytesTarget; ++position_.index) {
    const v1::Record& record = chunk_[static_cast<size_t>(position_.index)].record;
    ++position_.records;
    if (!IsWanted(request_.states(), record.state())) continue;
    rows_->Append(record, data);
    ++position_.rows;
  }
  if (position_.index < size) return;
  chunk_.clear();
  has_chunk_ = false;
  ++position_.sequence;
  position_.index = 0;
}

}  // namespace millrace::handlers
