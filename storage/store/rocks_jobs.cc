#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "storage/format/keys.h"
#include "storage/format/rows.h"
#include "storage/model/bulk_rules.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/store/job_filter.h"
#include "storage/store/rocks_job_store_impl.h"
#include "storage/store/rocks_page_token.h"
#include "storage/store/rocks_rows.h"
#include "storage/store/store_errors.h"

namespace millrace::store {
namespace {

using format::Family;
using model::Job;
using model::JobPtr;

constexpr std::string_view kList = "jobs";

/// The job that an index row leads to; null when there is no such row.
absl::StatusOr<JobPtr> FindIndexed(Group& group, const std::string& tenant, const std::string& index_key) {
  const auto row = group.Get(Family::kIndex, index_key);
  if (!row.ok()) return row.status();
  if (!row->has_value()) return JobPtr();
  const absl::StatusOr<format::IndexedJob> indexed = format::DecodeIndexedJob(**row);
  if (!indexed.ok()) return indexed.status();
  const absl::StatusOr<LaneJob*> job = group.FindJob({tenant, indexed->job_id});
  if (!job.ok()) return job.status();
  return (*job)->job;
}

absl::Status CheckNew(Group& group, const Job& job) {
  const absl::StatusOr<LaneJob*> taken = group.FindJob(job.key());
  if (taken.ok()) return PipelineIdTaken(job.id);
  if (!model::HasReason(taken.status(), model::Reason::kPipelineNotFound)) return taken.status();

  if (const std::string& unique_key = job.options.unique_key; !unique_key.empty()) {
    const auto holder = FindIndexed(group, job.tenant, format::UniqueKeyKey(job.tenant, unique_key));
    if (!holder.ok()) return holder.status();
    if (*holder != nullptr) return UniqueKeyTaken(unique_key, (*holder)->id);
  }
  if (const std::string& parent_id = job.parent.job_id; !parent_id.empty()) {
    const absl::StatusOr<LaneJob*> parent = group.FindJob({job.tenant, parent_id});
    if (!parent.ok()) return parent.status();
    if (!model::IsChildOf(job, *(*parent)->job)) return PipelineNotFound({job.tenant, parent_id});
  }
  const absl::StatusOr<bool> has_version = group.HasVersion(job.tenant, job.version_id);
  if (!has_version.ok()) return has_version.status();
  return *has_version ? absl::OkStatus() : VersionIdNotFound(job.version_id);
}

/// Whether all jobs that the query asks for are in memory.
bool AsksForActive(const ListJobsQuery& query) {
  return !query.states.empty() && std::none_of(query.states.begin(), query.states.end(), model::IsFinal);
}

/// The key of a job in the list that the query walks over: that of a bulk run, or that of the tenant.
std::string ListKeyOf(const ListJobsQuery& query, absl::Time create_time, std::string_view job_id) {
  if (query.parent_job_id.empty()) return format::JobByTimeKey(query.tenant, create_time, job_id);
  return format::ChildJobKey({query.tenant, query.parent_job_id}, create_time, job_id);
}

/// The index rows of the jobs that were created in the time the query asks for, behind the page before. PAGE_TOKEN_INVALID.
absl::StatusOr<format::KeyRange> RangeOf(const ListJobsQuery& query) {
  format::KeyRange range = query.parent_job_id.empty() ? format::JobsByTime(query.tenant)
                                                       : format::ChildJobs({query.tenant, query.parent_job_id});
  if (query.created_from != absl::InfinitePast()) range.begin = ListKeyOf(query, query.created_from, "");
  if (query.created_before != absl::InfiniteFuture()) range.end = ListKeyOf(query, query.created_before, "");
  if (query.token.empty()) return range;
  absl::StatusOr<std::string> behind = ReadPageToken(kList, query.token);
  if (!behind.ok()) return behind.status();
  if (*behind < range.begin || *behind >= range.end) return PageTokenInvalid();
  if (query.oldest_first) {
    // No key lies between a key and the same with a zero byte behind it.
    range.begin = *behind + '\0';
  } else {
    range.end = *std::move(behind);
  }
  return range;
}

}  // namespace

absl::StatusOr<JobPtr> RocksJobStore::CreateJob(Job job) {
  model::ApplyCreate(job, epoch_, clock_->Now());
  const JobPtr created = std::make_shared<const Job>(std::move(job));
  return Run<JobPtr>({}, [created](Group& group) -> absl::StatusOr<JobPtr> {
    const std::string& tenant = created->tenant;
    const std::string& request_id = created->request_id;
    if (!request_id.empty()) {
      const auto earlier = FindIndexed(group, tenant, format::RequestIdKey(tenant, request_id));
      if (!earlier.ok()) return earlier.status();
      if (*earlier != nullptr && (*earlier)->request_hash != created->request_hash) return RequestIdReused(request_id);
      if (*earlier != nullptr) return *earlier;
    }
    if (absl::Status checked = CheckNew(group, *created); !checked.ok()) return checked;

    group.AddJob(created);
    const std::string row = format::EncodeIndexedJob({created->id});
    if (!request_id.empty()) group.Put(Family::kIndex, format::RequestIdKey(tenant, request_id), row);
    const std::string& unique_key = created->options.unique_key;
    if (!unique_key.empty()) group.Put(Family::kIndex, format::UniqueKeyKey(tenant, unique_key), row);
    group.PutUnread(Family::kIndex, format::JobByTimeKey(tenant, created->create_time, created->id), "");
    if (const std::string& parent = created->parent.job_id; !parent.empty()) {
      group.PutUnread(Family::kIndex, format::ChildJobKey({tenant, parent}, created->create_time, created->id), "");
    }
    return created;
  });
}

absl::StatusOr<JobPtr> RocksJobStore::FindRequest(const std::string& tenant, const std::string& request_id) const {
  const auto row = engine_->Get(At(Family::kIndex), format::RequestIdKey(tenant, request_id));
  if (!row.ok()) return row.status();
  if (!row->has_value()) return JobPtr();
  const absl::StatusOr<format::IndexedJob> indexed = format::DecodeIndexedJob(**row);
  return indexed.ok() ? GetJob({tenant, indexed->job_id}) : indexed.status();
}

absl::StatusOr<JobPtr> RocksJobStore::GetJob(const model::JobKey& key) const {
  if (JobPtr active = table_.FindActive(key); active != nullptr) return active;
  return LoadJob(*engine_, key);
}

absl::StatusOr<Page<JobPtr>> RocksJobStore::ListJobs(const ListJobsQuery& query) const {
  JobPtr parent;
  if (!query.parent_job_id.empty()) {
    absl::StatusOr<JobPtr> found = GetJob({query.tenant, query.parent_job_id});
    if (model::HasReason(found.status(), model::Reason::kPipelineNotFound)) return Page<JobPtr>();
    if (!found.ok()) return found.status();
    parent = *std::move(found);
  }
  if (AsksForActive(query)) return ListActive(query, parent.get());
  const absl::StatusOr<format::KeyRange> range = RangeOf(query);
  if (!range.ok()) return range.status();
  Page<JobPtr> page;
  std::string last;
  const auto direction = query.oldest_first ? engine::Direction::kForward : engine::Direction::kBackward;
  const auto cursor = Scan(*engine_, Family::kIndex, *range, direction);
  for (int64_t looked_at = 0; cursor->valid(); cursor->Next(), ++looked_at) {
    if (looked_at == kJobsLookedAtMax) {
      page.next_token = MakePageToken(kList, last);
      break;
    }
    std::optional<std::string> job_id = format::ParseJobByTime(cursor->key());
    if (!job_id.has_value()) return CorruptKey();
    absl::StatusOr<JobPtr> job = GetJob({query.tenant, *std::move(job_id)});
    // The list is that of one moment; the job may have been deleted since.
    const bool is_gone = model::HasReason(job.status(), model::Reason::kPipelineNotFound);
    if (!job.ok() && !is_gone) return job.status();
    if (!is_gone && Matches(query, **job)) {
      if (page.items.size() == static_cast<size_t>(query.page_size)) {
        page.next_token = MakePageToken(kList, last);
        break;
      }
      page.items.push_back(*std::move(job));
    }
    last = cursor->key();
  }
  if (absl::Status walked = cursor->status(); !walked.ok()) return walked;
  return page;
}

absl::StatusOr<std::vector<JobPtr>> RocksJobStore::ListEndedJobs(const std::string& tenant, absl::Time since,
                                                                 size_t jobs_max) const {
  std::vector<JobPtr> jobs;
  const auto cursor =
      Scan(*engine_, Family::kIndex, format::JobsEndedSince(tenant, since), engine::Direction::kBackward);
  for (; cursor->valid() && jobs.size() < jobs_max; cursor->Next()) {
    std::optional<std::string> job_id = format::ParseJobByTime(cursor->key());
    if (!job_id.has_value()) return CorruptKey();
    absl::StatusOr<JobPtr> job = GetJob({tenant, *std::move(job_id)});
    // The list is that of one moment; the job may be gone by now, or at work again.
    if (model::HasReason(job.status(), model::Reason::kPipelineNotFound)) continue;
    if (!job.ok()) return job.status();
    if (!model::IsFinal((*job)->state)) continue;
    jobs.push_back(*std::move(job));
  }
  if (absl::Status walked = cursor->status(); !walked.ok()) return walked;
  return jobs;
}

absl::StatusOr<Page<JobPtr>> RocksJobStore::ListActive(const ListJobsQuery& query, const Job* parent) const {
  const absl::StatusOr<format::KeyRange> range = RangeOf(query);
  if (!range.ok()) return range.status();
  std::vector<JobPtr> jobs = table_.Active();
  std::erase_if(jobs, [&](const JobPtr& job) {
    if (job->tenant != query.tenant || !Matches(query, *job)) return true;
    if (parent != nullptr && !model::IsChildOf(*job, *parent)) return true;
    if (query.token.empty()) return false;
    const std::string key = ListKeyOf(query, job->create_time, job->id);
    return key < range->begin || key >= range->end;
  });
  const auto comes_first = [&](const JobPtr& a, const JobPtr& b) {
    const auto& [first, second] = query.oldest_first ? std::tie(a, b) : std::tie(b, a);
    return std::tie(first->create_time, first->id) < std::tie(second->create_time, second->id);
  };
  Page<JobPtr> page;
  const size_t size = std::min(jobs.size(), static_cast<size_t>(query.page_size));
  std::partial_sort(jobs.begin(), jobs.begin() + static_cast<std::ptrdiff_t>(size), jobs.end(), comes_first);
  if (size < jobs.size())
    page.next_token = MakePageToken(kList, ListKeyOf(query, jobs[size - 1]->create_time, jobs[size - 1]->id));
  jobs.resize(size);
  page.items = std::move(jobs);
  return page;
}

std::vector<JobPtr> RocksJobStore::ActiveJobs() const { return table_.Active(); }

model::ServiceSums RocksJobStore::SumJobs(const std::string& tenant) const { return table_.Sums(tenant); }

}  // namespace millrace::store
