#include "storage/maintenance/audit_index.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/format/keys.h"
#include "storage/format/rows.h"
#include "storage/maintenance/audit_rows.h"
#include "storage/model/bulk_rules.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/store/rocks_rows.h"

namespace millrace::maintenance {
namespace {

using format::Family;
using model::Job;

class IndexAudit : private JobAuditRows {
 public:
  IndexAudit(const engine::Engine& engine, const Job& job, AuditReport& report) : JobAuditRows(engine, job, report) {}

  absl::Status Index();

 private:
  /// The list of the jobs that ran for its records, and its place in that of its parent.
  absl::Status Children();
  absl::Status CheckIndexed(const std::string& index_key, bool expected, const char* what);
};

absl::Status IndexAudit::Index() {
  absl::Status chunk_ids = Each(Family::kIndex, format::ChunkIds(key_), [&](std::string_view, std::string_view row) {
    const auto indexed = format::DecodeIndexedChunk(row);
    if (!indexed.ok()) return Find(absl::StrCat("an id of a chunk: ", indexed.status().message()));
    if (indexed->sequence < 1 || indexed->sequence > job_.last_sequence) {
      Find(absl::StrCat("an id leads to chunk ", indexed->sequence, ", which does not exist"));
    }
  });
  if (!chunk_ids.ok()) return chunk_ids;
  if (absl::Status checked = Children(); !checked.ok()) return checked;
  const bool active = !model::IsFinal(job_.state);
  if (absl::Status checked = CheckIndexed(format::UnfinishedJobKey(key_), active, "among the unfinished jobs");
      !checked.ok()) {
    return checked;
  }
  return CheckIndexed(format::JobByTimeKey(key_.tenant, job_.create_time, key_.job_id), true, "in the list of jobs");
}

absl::Status IndexAudit::Children() {
  absl::Status read;
  absl::Status walked = Each(Family::kIndex, format::ChildJobs(key_), [&](std::string_view key, std::string_view) {
    const std::optional<std::string> child_id = format::ParseChildJob(key);
    if (!read.ok()) return;
    const absl::StatusOr<model::JobPtr> child =
        store::LoadJob(engine_, {key_.tenant, child_id.value_or(std::string())});
    const bool is_gone = model::HasReason(child.status(), model::Reason::kPipelineNotFound);
    if (!child.ok() && !is_gone) {
      read = child.status();
    } else if (is_gone || !model::IsChildOf(**child, job_)) {
      Find(absl::StrCat("job ", child_id.value_or("?"), " is in the list of its child jobs and is none of them"));
    }
  });
  if (!walked.ok()) return walked;
  if (!read.ok() || job_.parent.job_id.empty()) return read;
  const model::JobKey parent_key{key_.tenant, job_.parent.job_id};
  const absl::StatusOr<model::JobPtr> parent = store::LoadJob(engine_, parent_key);
  if (model::HasReason(parent.status(), model::Reason::kPipelineNotFound)) return absl::OkStatus();
  if (!parent.ok()) return parent.status();
  if (!model::IsChildOf(job_, **parent)) return absl::OkStatus();
  return CheckIndexed(format::ChildJobKey(parent_key, job_.create_time, key_.job_id), true,
                      "in the list of the bulk run that it ran for");
}

absl::Status IndexAudit::CheckIndexed(const std::string& index_key, bool expected, const char* what) {
  const auto row = engine_.Get(store::At(Family::kIndex), index_key);
  if (!row.ok()) return row.status();
  if (row->has_value() != expected) {
    Find(absl::StrCat("it is ", row->has_value() ? "" : "not ", what, ", and its state is ",
                      std::string(model::JobStateName(job_.state))));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status AuditIndex(const engine::Engine& engine, const Job& job, AuditReport& report) {
  return IndexAudit(engine, job, report).Index();
}

}  // namespace millrace::maintenance
