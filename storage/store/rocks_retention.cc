#include <algorithm>
#include <initializer_list>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "storage/format/keys.h"
#include "storage/format/rows.h"
#include "storage/model/built_in.h"
#include "storage/model/bulk_rules.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/model/retention_rules.h"
#include "storage/store/rocks_job_store_impl.h"
#include "storage/store/rocks_rows.h"
#include "storage/store/store_errors.h"

namespace millrace::store {
namespace {

using format::Family;
using model::Expiration;
using model::Job;
using model::JobPtr;

void DeleteRanges(Group& group, const Job& job, std::initializer_list<Family> families) {
  const format::KeyRange range = format::JobRange(job.key());
  for (const Family family : families) group.DeleteRange(family, range);
}

/// All of a job that has ended.
void DeleteRows(Group& group, const Job& job) {
  DeleteRanges(group, job,
               {Family::kJobs, Family::kChunks, Family::kInputs, Family::kResults, Family::kExceptions,
                Family::kStatistics, Family::kEvents, Family::kIndex});
  group.Delete(Family::kIndex, format::JobByTimeKey(job.tenant, job.create_time, job.id));
  if (const std::string& parent = job.parent.job_id; !parent.empty()) {
    group.Delete(Family::kIndex, format::ChildJobKey({job.tenant, parent}, job.create_time, job.id));
  }
  if (!job.request_id.empty()) group.Delete(Family::kIndex, format::RequestIdKey(job.tenant, job.request_id));
  group.RemoveJob(job);
}

/// JOB_NOT_FINISHED where a bulk run has yet to take the outcome of a job that has ended: see NeedsChild.
absl::Status CheckNotNeeded(Group& group, const Job& child) {
  if (child.parent.job_id.empty()) return absl::OkStatus();
  const absl::StatusOr<LaneJob*> parent = group.FindJob({child.tenant, child.parent.job_id});
  if (model::HasReason(parent.status(), model::Reason::kPipelineNotFound)) return absl::OkStatus();
  if (!parent.ok()) return parent.status();
  const Job& bulk = *(*parent)->job;
  const auto row = group.Get(Family::kChunks, format::ChunkKey(bulk.key(), child.parent.sequence));
  if (!row.ok()) return row.status();
  if (!row->has_value()) return absl::OkStatus();
  const absl::StatusOr<model::Chunk> chunk = format::DecodeChunk(child.parent.sequence, **row);
  if (!chunk.ok()) return chunk.status();
  return model::NeedsChild(bulk, chunk->state, child) ? ChildNeeded(child) : absl::OkStatus();
}

/// The first job, by its id, that runs for this bulk run and is still to be cancelled with it; null where there is none. Whoever
/// cancels it looks the bulk run up, so that one stays until then.
JobPtr FindLeftRunning(const Group& group, const Job& bulk) {
  if (!model::IsBulkRun(bulk)) return nullptr;
  JobPtr first;
  for (const JobPtr& job : group.UnfinishedJobs()) {
    if (model::MustCancelChild(bulk, *job) && (first == nullptr || job->id < first->id)) first = job;
  }
  return first;
}

bool IsRead(const Group& group, const Job& job) {
  const std::vector<JobPtr> unfinished = group.UnfinishedJobs();
  return std::any_of(unfinished.begin(), unfinished.end(),
                     [&](const JobPtr& reader) { return model::Reads(*reader, job); });
}

/// Leaves the job and its events, and says there what went.
absl::Status Drop(Group& group, LaneJob* job, absl::Time now) {
  const absl::StatusOr<GroupMap*> stored = group.ExceptionGroups(job);
  if (!stored.ok()) return stored.status();
  std::vector<model::ExceptionGroup> groups;
  groups.reserve((*stored)->size());
  for (const auto& [fingerprint, exceptions] : **stored) groups.push_back(exceptions);
  auto changed = std::make_shared<Job>(*job->job);
  model::ApplyDrop(*changed, now);
  group.AddEvents(*changed, model::DropEvents(groups, now), "");
  group.ChangeJob(job, changed);
  DeleteRanges(group, *changed,
               {Family::kChunks, Family::kInputs, Family::kResults, Family::kExceptions, Family::kStatistics});
  // Not the list of the jobs that ran for its records: those are jobs of their own.
  group.DeleteRange(Family::kIndex, format::ChunkIds(changed->key()));
  group.DeleteRange(Family::kIndex, format::Repeats(changed->key()));
  return absl::OkStatus();
}

}  // namespace

absl::Status RocksJobStore::DeleteJob(const model::JobKey& key) {
  // Alone in its group: a verb beside it would find the job in the table.
  return Run<JobPtr>({.alone = true},
                     [&key](Group& group) -> absl::StatusOr<JobPtr> {
                       const absl::StatusOr<LaneJob*> found = group.FindJob(key);
                       if (!found.ok()) return found.status();
                       const JobPtr job = (*found)->job;
                       if (!model::IsFinal(job->state)) return JobNotFinished(*job);
                       if (absl::Status needed = CheckNotNeeded(group, *job); !needed.ok()) return needed;
                       if (const JobPtr child = FindLeftRunning(group, *job)) return ChildRunning(*job, *child);
                       DeleteRows(group, *job);
                       return job;
                     })
      .status();
}

absl::StatusOr<std::vector<model::Expiry>> RocksJobStore::ListExpired(absl::Time now, const model::Expiry& behind,
                                                                      int32_t jobs_max) const {
  std::vector<model::Expiry> expired;
  const auto cursor = Scan(*engine_, Family::kIndex, format::ExpiriesUntil(behind, now));
  for (; cursor->valid() && expired.size() < static_cast<size_t>(jobs_max); cursor->Next()) {
    std::optional<model::Expiry> expiry = format::ParseExpiry(cursor->key());
    if (!expiry.has_value()) return CorruptKey();
    expired.push_back(*std::move(expiry));
  }
  if (absl::Status walked = cursor->status(); !walked.ok()) return walked;
  return expired;
}

absl::StatusOr<Expiration> RocksJobStore::ExpireJob(const model::JobKey& key) {
  // Alone in its group, as DeleteJob.
  return Run<Expiration>({.alone = true}, [&key, now = clock_->Now()](Group& group) -> absl::StatusOr<Expiration> {
    const absl::StatusOr<LaneJob*> found = group.FindJob(key);
    if (!found.ok()) return found.status();
    const JobPtr job = (*found)->job;
    const Expiration expiration = model::ExpirationOf(*job, now);
    if (expiration == Expiration::kKept || IsRead(group, *job)) return Expiration::kKept;
    if (FindLeftRunning(group, *job) != nullptr) return Expiration::kKept;
    if (expiration == Expiration::kDeleted) {
      DeleteRows(group, *job);
      return expiration;
    }
    if (absl::Status dropped = Drop(group, *found, now); !dropped.ok()) return dropped;
    return expiration;
  });
}

}  // namespace millrace::store
