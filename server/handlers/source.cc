#include "server/handlers/source.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/core/json_struct.h"
#include "server/handlers/exception_group.h"
#include "server/handlers/source_parts.h"
#include "server/handlers/validate.h"
#include "server/queries/query_rows.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/model/limits.h"
#include "storage/model/retention_rules.h"

namespace millrace::handlers {
namespace {

using model::JobSource;
using model::SourceKind;

/// FIELD_INVALID where records that stand in the call are too large.
absl::Status CheckWrittenOut(std::string_view field, const std::string& json_lines) {
  if (json_lines.size() <= model::kSourceInlineBytesMax) return absl::OkStatus();
  return model::FieldError(field,
                           absl::StrCat("expected at most ", model::kSourceInlineBytesMax, " bytes as JSON Lines, got ",
                                        json_lines.size(), "; put them into a file, or push them into a pipeline"));
}

absl::StatusOr<std::string> ReadField(std::string_view path, const std::string& field, std::string_view fallback) {
  if (absl::Status status = ValidateText(path, field, model::kSourceFieldBytesMax); !status.ok()) return status;
  return field.empty() ? std::string(fallback) : field;
}

absl::StatusOr<JobSource> TakeInline(v1::InlineSource& request) {
  constexpr std::string_view kField = "source.inline.records";
  absl::StatusOr<core::RecordLines> lines = TakeRecords(kField, *request.mutable_records());
  if (!lines.ok()) return lines.status();
  if (absl::Status status = CheckWrittenOut(kField, lines->bytes); !status.ok()) return status;
  JobSource source{.kind = SourceKind::kInline};
  source.json_lines = std::move(lines->bytes);
  source.count = lines->count;
  return source;
}

absl::StatusOr<model::SourceFormat> ReadFormat(const v1::FileSource& request) {
  constexpr std::string_view kField = "source.file.format";
  if (request.format() == v1::FILE_FORMAT_JSONL) return model::SourceFormat::kJsonLines;
  if (request.format() == v1::FILE_FORMAT_CSV) return model::SourceFormat::kCsv;
  if (request.format() != v1::FILE_FORMAT_UNSPECIFIED) {
    return model::FieldError(kField, "expected FILE_FORMAT_JSONL or FILE_FORMAT_CSV");
  }
  const std::string path = absl::AsciiStrToLower(request.path());
  if (absl::EndsWith(path, ".csv")) return model::SourceFormat::kCsv;
  for (const char* extension : {".jsonl", ".ndjson", ".json"}) {
    if (absl::EndsWith(path, extension)) return model::SourceFormat::kJsonLines;
  }
  return model::FieldError(kField, absl::StrCat("the format of '", request.path(),
                                                "' cannot be told from its name (.csv, .jsonl, .ndjson, .json): give "
                                                "FILE_FORMAT_JSONL or FILE_FORMAT_CSV"));
}

absl::StatusOr<JobSource> ReadFile(const v1::FileSource& request, const Deps& deps) {
  if (deps.source_folders == nullptr || deps.source_folders->empty()) {
    return model::MakeError(model::Reason::kSourceFilesNotEnabled,
                            "this server reads no files: it was started without --source-dir, the folder in which jobs "
                            "may read files; start it with one, or push the records into a pipeline");
  }
  if (request.path().empty()) return model::FieldError("source.file.path", "is required");
  const absl::StatusOr<model::SourceFormat> format = ReadFormat(request);
  if (!format.ok()) return format.status();
  JobSource source{.kind = SourceKind::kFile};
  source.path = request.path();
  source.format = *format;
  return source;
}

absl::Status Busy(std::string_view why) {
  return model::WithRetryAfter(model::MakeError(model::Reason::kServerBusy, why), absl::Seconds(1));
}

absl::Status LookAtFile(JobSource& source, const Deps& deps) {
  const absl::StatusOr<core::SourceFile> file = deps.source_folders->Open(source.path);
  if (absl::IsResourceExhausted(file.status())) return Busy(std::string(file.status().message()));
  if (!file.ok()) return model::FieldError("source.file.path", std::string(file.status().message()));
  source.path = file->path();
  source.size_bytes = file->size_bytes();
  source.modify_time = file->modify_time();
  return absl::OkStatus();
}

absl::StatusOr<JobSource> ReadRange(const v1::RangeSource& request) {
  if (request.count() < 1 || request.count() > model::kSourceRangeCountMax) {
    return model::FieldError("source.range.count",
                             absl::StrCat("expected 1 to ", model::kSourceRangeCountMax, ", got ", request.count()));
  }
  if (request.first() < -model::kSourceNumberMax || request.first() > model::kSourceNumberMax - request.count() + 1) {
    return model::FieldError("source.range.first", absl::StrCat("expected numbers from -2^53 to 2^53, got ",
                                                                request.count(), " from ", request.first(), " on"));
  }
  absl::StatusOr<std::string> field = ReadField("source.range.field", request.field(), "n");
  if (!field.ok()) return field.status();
  JobSource source{.kind = SourceKind::kRange};
  source.first = request.first();
  source.count = request.count();
  source.field = *std::move(field);
  return source;
}

absl::StatusOr<JobSource> ReadIds(const v1::IdsSource& request) {
  if (request.ids().empty()) return model::FieldError("source.ids.ids", "expected at least one id, got none");
  absl::StatusOr<std::string> field = ReadField("source.ids.field", request.field(), "id");
  if (!field.ok()) return field.status();
  JobSource source{.kind = SourceKind::kIds};
  source.field = *std::move(field);
  source.count = request.ids_size();
  std::string prefix = "{";
  core::AppendJsonString(source.field, prefix);
  prefix.push_back(':');
  for (int i = 0; i < request.ids_size(); ++i) {
    const std::string& id = request.ids(i);
    if (id.empty() || id.size() > model::kSourceIdBytesMax) {
      return model::FieldError(absl::StrCat("source.ids.ids[", i, "]"),
                               absl::StrCat("expected 1 to ", model::kSourceIdBytesMax, " bytes, got ", id.size()));
    }
    source.json_lines.append(prefix);
    core::AppendJsonString(id, source.json_lines);
    source.json_lines.append("}\n");
  }
  if (absl::Status status = CheckWrittenOut("source.ids.ids", source.json_lines); !status.ok()) return status;
  return source;
}

/// The query as a job keeps it, looked at without a database.
absl::StatusOr<JobSource> ReadQueryFields(const v1::QuerySource& request) {
  if (request.query().empty() || request.query().size() > model::kSourceQueryBytesMax) {
    return model::FieldError("source.query.query", absl::StrCat("expected 1 to ", model::kSourceQueryBytesMax,
                                                                " bytes, got ", request.query().size()));
  }
  if (request.query().find('\0') != std::string::npos) {
    return model::FieldError("source.query.query", "holds a zero byte");
  }
  const auto count = static_cast<size_t>(request.key_columns_size());
  if (count < 1 || count > model::kSourceKeyColumnsMax) {
    return model::FieldError("source.query.key_columns",
                             absl::StrCat("expected 1 to ", model::kSourceKeyColumnsMax,
                                          " columns that together name each row, got ", count));
  }
  JobSource source{.kind = SourceKind::kQuery};
  source.connection = request.connection();
  source.query = request.query();
  source.key_columns.assign(request.key_columns().begin(), request.key_columns().end());
  return source;
}

absl::StatusOr<JobSource> ReadQuery(const v1::QuerySource& request, const Deps& deps) {
  if (deps.source_connections == nullptr || deps.source_connections->empty()) {
    return model::MakeError(model::Reason::kSourceConnectionsNotEnabled,
                            "this server queries no databases: it was started without --source-connections, the file "
                            "that names them; start it with one, or push the records into a pipeline");
  }
  const queries::Connection* connection = deps.source_connections->Find(request.connection());
  if (connection == nullptr) {
    return model::WithField(model::MakeError(model::Reason::kSourceConnectionNotFound,
                                             absl::StrCat("the server has no connection '", request.connection(),
                                                          "'; it has ", deps.source_connections->Names()),
                                             {{"connection", request.connection()}}),
                            "source.query.connection");
  }
  return ReadQueryFields(request);
}

absl::Status LookAtQuery(const JobSource& source, const Deps& deps) {
  const std::shared_ptr<void> place = deps.source_connections->TakePlace();
  if (place == nullptr) return Busy("too many calls wait for a database");
  const queries::Connection& connection = *deps.source_connections->Find(source.connection);
  absl::Status checked =
      queries::CheckQuery(connection, {.text = source.query, .key_columns = source.key_columns}, deps.clock);
  if (checked.ok()) return checked;
  const std::string why(checked.message());
  switch (checked.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
      return model::MakeError(model::Reason::kSourceConnectionFailed, why, {{"connection", source.connection}});
    case absl::StatusCode::kDataLoss:
      return model::FieldError("source.query.connection", why);
    case absl::StatusCode::kNotFound:
      return model::FieldError("source.query.key_columns", why);
    default:
      return model::FieldError("source.query.query", why);
  }
}

absl::StatusOr<JobSource> ReadOtherJob(SourceKind kind, std::string_view field, const std::string& job_id) {
  if (absl::Status status = ValidateRequiredId(field, job_id); !status.ok()) return status;
  JobSource source{.kind = kind};
  source.job_id = job_id;
  return source;
}

absl::StatusOr<JobSource> ReadExceptions(const v1::ExceptionsSource& request) {
  absl::StatusOr<JobSource> source =
      ReadOtherJob(SourceKind::kExceptions, "source.exceptions.job_id", request.job_id());
  if (!source.ok()) return source.status();
  const absl::Status text =
      ValidateText("source.exceptions.fingerprint", request.fingerprint(), model::kSourceFieldBytesMax);
  if (!text.ok()) return text;
  source->fingerprint = request.fingerprint();
  return source;
}

absl::Status LookAtOtherJob(const std::string& tenant, JobSource& source, const Deps& deps) {
  const bool is_results = source.kind == SourceKind::kResults;
  const char* const field = is_results ? "source.results.job_id" : "source.exceptions.job_id";
  const absl::StatusOr<model::JobPtr> found = deps.store.GetJob({tenant, source.job_id});
  if (!found.ok()) return model::WithField(found.status(), field);
  const model::Job& job = **found;
  if (!model::IsFinal(job.state)) {
    const std::string state(model::JobStateName(job.state));
    return model::WithField(model::MakeError(model::Reason::kJobNotFinished,
                                             absl::StrCat("job ", job.id, " has not ended: its state is ", state,
                                                          "; what it comes to have can be read when it has"),
                                             {{"pipeline_id", job.id}, {"state", state}}),
                            field);
  }
  if (absl::Status held = model::CheckNotDropped(job); !held.ok()) return model::WithField(held, field);
  if (absl::Status known = CheckGroup("source.exceptions.fingerprint", source.fingerprint, job.key(), deps);
      !known.ok()) {
    return known;
  }
  source.job_create_time = job.create_time;
  source.last = is_results ? job.last_result : job.last_sequence;
  if (source.estimated_records == 0 && source.fingerprint.empty()) {
    source.estimated_records =
        model::SampledCount(source.sample, is_results ? job.counters.records_completed : job.counters.records_failed);
  }
  return absl::OkStatus();
}

absl::StatusOr<JobSource> TakeKind(v1::Source& request, const Deps& deps) {
  switch (request.kind_case()) {
    case v1::Source::kInline:
      return TakeInline(*request.mutable_inline_());
    case v1::Source::kFile:
      return ReadFile(request.file(), deps);
    case v1::Source::kRange:
      return ReadRange(request.range());
    case v1::Source::kIds:
      return ReadIds(request.ids());
    case v1::Source::kQuery:
      return ReadQuery(request.query(), deps);
    case v1::Source::kResults:
      return ReadOtherJob(SourceKind::kResults, "source.results.job_id", request.results().job_id());
    case v1::Source::kExceptions:
      return ReadExceptions(request.exceptions());
    case v1::Source::kSourceOf:
      return ReadOtherJob(SourceKind::kSourceOf, "source.source_of.job_id", request.source_of().job_id());
    case v1::Source::KIND_NOT_SET:
      break;
  }
  return model::FieldError(
      "source",
      "is required: one of inline, file, range, ids, query, results, exceptions and source_of; to push "
      "records yourself, create a pipeline");
}

}  // namespace

absl::StatusOr<model::SourceSample> ReadSample(const v1::Sample& request) {
  const auto positive = [](const char* field, int64_t n) {
    return n >= 1 ? absl::OkStatus() : model::FieldError(field, absl::StrCat("expected 1 or more, got ", n));
  };
  switch (request.kind_case()) {
    case v1::Sample::kFirstN: {
      if (absl::Status status = positive("sample.first_n", request.first_n()); !status.ok()) return status;
      return model::SourceSample{.first = request.first_n()};
    }
    case v1::Sample::kEveryN: {
      if (absl::Status status = positive("sample.every_n", request.every_n()); !status.ok()) return status;
      return model::SourceSample{.every = request.every_n()};
    }
    case v1::Sample::KIND_NOT_SET:
      break;
  }
  return model::FieldError("sample", "expected one of first_n and every_n, got none");
}

absl::StatusOr<JobSource> TakeSource(v1::SubmitJobRequest& request, const Deps& deps) {
  absl::StatusOr<JobSource> source = TakeKind(*request.mutable_source(), deps);
  if (!source.ok()) return source.status();
  if (request.has_sample()) {
    const absl::StatusOr<model::SourceSample> sample = ReadSample(request.sample());
    if (!sample.ok()) return sample.status();
    source->sample = *sample;
  }
  absl::StatusOr<model::Partitioning> partitioning = ReadPartitioning(request);
  if (!partitioning.ok()) return partitioning.status();
  source->sample.partitioning = *std::move(partitioning);
  const absl::StatusOr<int64_t> chunk_size = InRange("chunk_size", request.chunk_size(), 1, model::kChunkRecordsMax, 0);
  if (!chunk_size.ok()) return chunk_size.status();
  source->chunk_size = static_cast<int32_t>(*chunk_size);
  if (request.estimated_records() < 0) {
    return model::FieldError("estimated_records",
                             absl::StrCat("expected 0 or more, got ", request.estimated_records()));
  }
  source->estimated_records = request.estimated_records();
  return source;
}

absl::Status LookAtSource(model::Job& job, const Deps& deps) {
  JobSource& source = job.source;
  switch (source.kind) {
    case SourceKind::kFile:
      return LookAtFile(source, deps);
    case SourceKind::kQuery:
      return LookAtQuery(source, deps);
    case SourceKind::kResults:
    case SourceKind::kExceptions:
      return LookAtOtherJob(job.tenant, source, deps);
    case SourceKind::kSourceOf:
      return TakeSourceOfJob(job, deps);
    case SourceKind::kNone:
    case SourceKind::kInline:
    case SourceKind::kRange:
    case SourceKind::kIds:
      break;
  }
  return absl::OkStatus();
}

}  // namespace millrace::handlers
