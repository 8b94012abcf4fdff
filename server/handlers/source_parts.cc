#include "server/handlers/source_parts.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/core/source_folders.h"
#include "server/core/source_job.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/model/limits.h"

namespace millrace::handlers {
namespace {

using model::JobSource;
using model::SourceKind;

absl::Status CheckFile(const JobSource& source, const Deps& deps) {
  const core::SourceFolders none;
  const core::SourceFolders& folders = deps.source_folders == nullptr ? none : *deps.source_folders;
  absl::StatusOr<core::SourceFile> file = folders.Open(source.path);
  return file.ok() ? file->CheckUnchanged(source) : file.status();
}

absl::Status CheckConnection(const JobSource& source, const Deps& deps) {
  const bool is_known =
      deps.source_connections != nullptr && deps.source_connections->Find(source.connection) != nullptr;
  if (is_known) return absl::OkStatus();
  return absl::NotFoundError(
      absl::StrCat("the server has no connection '", source.connection, "' (--source-connections)"));
}

absl::StatusOr<std::vector<model::PartRange>> ReadParts(const v1::SubmitJobRequest& request) {
  if (request.parts_size() > model::kPartRangesMax) {
    return model::FieldError("parts", absl::StrCat("expected at most ", model::kPartRangesMax, " ranges of parts, got ",
                                                   request.parts_size()));
  }
  std::vector<model::PartRange> parts;
  parts.reserve(static_cast<size_t>(request.parts_size()));
  for (const v1::PartRange& range : request.parts()) {
    parts.push_back({range.first(), range.last() == 0 ? range.first() : range.last()});
  }
  return parts;
}

}  // namespace

absl::StatusOr<model::Partitioning> ReadPartitioning(const v1::SubmitJobRequest& request) {
  if (request.partitioning().empty()) {
    if (request.parts().empty()) return model::Partitioning{};
    return model::FieldError("parts", "expected a partitioning with them, such as size_1000, that cuts the source");
  }
  if (request.has_sample()) {
    return model::FieldError("sample", "expected none with a partitioning: choose some of its parts");
  }
  absl::StatusOr<model::Partitioning> partitioning = model::ParsePartitioning(request.partitioning());
  if (!partitioning.ok()) return partitioning;
  if (partitioning->rule == model::PartRule::kSize && request.chunk_size() > partitioning->n) {
    return model::FieldError("chunk_size", absl::StrCat("expected at most ", partitioning->n,
                                                        ", because no chunk holds records of "
                                                        "two parts of ",
                                                        request.partitioning(), ", got ", request.chunk_size()));
  }
  if (partitioning->rule == model::PartRule::kEvery && !request.options().ordering_key().empty()) {
    return model::FieldError(
        "partitioning",
        absl::StrCat("expected size_N or first_N with options.ordering_key, got ", request.partitioning(),
                     ": records that are dealt out to parts are not run in their order"));
  }
  if (request.parts().empty()) return partitioning;
  absl::StatusOr<std::vector<model::PartRange>> parts = ReadParts(request);
  if (!parts.ok()) return parts.status();
  if (absl::Status chosen = model::ChooseParts(*partitioning, *std::move(parts)); !chosen.ok()) return chosen;
  return partitioning;
}

absl::Status TakeSourceOfJob(model::Job& job, const Deps& deps) {
  constexpr std::string_view kField = "source.source_of.job_id";
  const absl::StatusOr<model::JobPtr> found = deps.store.GetJob({job.tenant, job.source.job_id});
  if (!found.ok()) return model::WithField(found.status(), kField);
  const model::Job& other = **found;
  if (!model::HasSource(other)) {
    return model::FieldError(kField, absl::StrCat("job ", other.id, " has no source: its records were pushed"));
  }
  if (absl::Status same = CheckSourceUnchanged(other, deps); !same.ok()) {
    return model::FieldError(
        kField, absl::StrCat("the source of job ", other.id, " cannot be read: ", std::string(same.message())));
  }
  JobSource source = other.source;
  source.sample = job.source.sample;
  source.chunk_size = job.source.chunk_size;
  if (job.source.estimated_records > 0) source.estimated_records = job.source.estimated_records;
  job.source = std::move(source);
  return absl::OkStatus();
}

absl::Status CheckSourceUnchanged(const model::Job& job, const Deps& deps) {
  switch (job.source.kind) {
    case SourceKind::kFile:
      return CheckFile(job.source, deps);
    case SourceKind::kQuery:
      return CheckConnection(job.source, deps);
    case SourceKind::kResults:
    case SourceKind::kExceptions:
      return core::FindSourceJob(deps.store, job.tenant, job.source).status();
    case SourceKind::kNone:
    case SourceKind::kInline:
    case SourceKind::kRange:
    case SourceKind::kIds:
    case SourceKind::kSourceOf:
      break;
  }
  return absl::OkStatus();
}

}  // namespace millrace::handlers
