#include "storage/store/model_reads.h"

#include "storage/model/built_in.h"
#include "storage/store/job_filter.h"
#include "storage/store/model_lists.h"

namespace millrace::store {

using model::JobKey;
using model::JobPtr;
using model::ServiceReference;
using model::ServiceVersion;

absl::StatusOr<JobPtr> ModelReads::FindRequest(const std::string& tenant, const std::string& request_id) const {
  absl::MutexLock lock(&mutex_);
  return RequestHolder(tenant, request_id);
}

absl::StatusOr<std::vector<model::Expiry>> ModelReads::ListExpired(absl::Time now, const model::Expiry& behind,
                                                                   int32_t jobs_max) const {
  absl::MutexLock lock(&mutex_);
  return ExpiredBy(now, behind, jobs_max, AllJobs());
}

absl::StatusOr<JobPtr> ModelReads::GetJob(const JobKey& key) const {
  return Read<JobPtr>(key, [](const ModelJob& job) { return job.job(); });
}

absl::StatusOr<Page<JobPtr>> ModelReads::ListJobs(const ListJobsQuery& query) const {
  std::vector<JobPtr> jobs;
  {
    absl::MutexLock lock(&mutex_);
    const auto parent = jobs_.find({query.tenant, query.parent_job_id});
    if (!query.parent_job_id.empty() && parent == jobs_.end()) return Page<JobPtr>();
    for (const auto& [key, stored] : jobs_) {
      if (key.tenant != query.tenant || !Matches(query, *stored.job())) continue;
      if (parent == jobs_.end() || model::IsChildOf(*stored.job(), *parent->second.job())) {
        jobs.push_back(stored.job());
      }
    }
  }
  return PageOf(query, std::move(jobs));
}

absl::StatusOr<std::vector<JobPtr>> ModelReads::ListEndedJobs(const std::string& tenant, absl::Time since,
                                                              size_t jobs_max) const {
  std::vector<JobPtr> jobs;
  absl::MutexLock lock(&mutex_);
  for (const auto& [key, stored] : jobs_) {
    if (key.tenant == tenant && model::IsFinal(stored.job()->state)) jobs.push_back(stored.job());
  }
  return EndedSince(since, jobs_max, std::move(jobs));
}

std::vector<JobPtr> ModelReads::ActiveJobs() const {
  absl::MutexLock lock(&mutex_);
  std::vector<JobPtr> active;
  for (const auto& [key, stored] : jobs_) {
    if (!model::IsFinal(stored.job()->state)) active.push_back(stored.job());
  }
  return active;
}

model::ServiceSums ModelReads::SumJobs(const std::string& tenant) const {
  absl::MutexLock lock(&mutex_);
  model::ServiceSums sums;
  for (const auto& [key, stored] : jobs_) {
    if (key.tenant == tenant) model::AddJob(sums[stored.job()->service], *stored.job());
  }
  return sums;
}

absl::StatusOr<model::Chunk> ModelReads::FindChunk(const JobKey& key, int64_t sequence) const {
  return ReadHeld<model::Chunk>(key, [&](const ModelJob& job) { return job.FindChunk(sequence); });
}

absl::StatusOr<ChunkList> ModelReads::ListChunks(const ListChunksQuery& query) const {
  return ReadHeld<ChunkList>(query.job, [&](const ModelJob& job) { return job.ListChunks(query); });
}

absl::StatusOr<model::ChunkInput> ModelReads::ReadChunk(const JobKey& key, int64_t sequence) const {
  return ReadHeld<model::ChunkInput>(key, [&](const ModelJob& job) { return job.ReadChunk(sequence); });
}

absl::StatusOr<std::vector<model::Chunk>> ModelReads::ListRepeats(const JobKey& key, int64_t sequence) const {
  return ReadHeld<std::vector<model::Chunk>>(key, [&](const ModelJob& job) { return job.ListRepeats(sequence); });
}

absl::StatusOr<std::vector<model::ChunkResult>> ModelReads::ReadResults(const JobKey& key, int64_t after,
                                                                        int32_t results_max, int64_t bytes_max) const {
  return ReadHeld<std::vector<model::ChunkResult>>(
      key, [&](const ModelJob& job) { return job.ReadResults(after, results_max, bytes_max); });
}

absl::StatusOr<std::vector<model::JobEvent>> ModelReads::ListJobEvents(const JobKey& key, int64_t after,
                                                                       int32_t events_max) const {
  return Read<std::vector<model::JobEvent>>(key,
                                            [&](const ModelJob& job) { return job.ListEvents(after, events_max); });
}

absl::StatusOr<model::RunStatistics> ModelReads::GetRunStatistics(const JobKey& key) const {
  return ReadHeld<model::RunStatistics>(key, [](const ModelJob& job) { return job.statistics(); });
}

absl::StatusOr<model::RecordException> ModelReads::GetException(const JobKey& key,
                                                                const model::RecordPlace& place) const {
  return ReadHeld<model::RecordException>(key, [&](const ModelJob& job) { return job.GetException(place); });
}

absl::StatusOr<Page<model::RecordException>> ModelReads::ListExceptions(const ListExceptionsQuery& query) const {
  return ReadHeld<Page<model::RecordException>>(query.job,
                                                [&](const ModelJob& job) { return job.ListExceptions(query); });
}

absl::StatusOr<std::vector<model::ExceptionGroup>> ModelReads::ListExceptionGroups(const JobKey& key) const {
  return ReadHeld<std::vector<model::ExceptionGroup>>(key,
                                                      [](const ModelJob& job) { return job.ListExceptionGroups(); });
}

absl::StatusOr<ServiceVersion> ModelReads::CreateServiceVersion(ServiceVersion version) {
  absl::MutexLock lock(&mutex_);
  return catalog_.Create(std::move(version), clock_->Now());
}

absl::StatusOr<ServiceVersion> ModelReads::GetServiceVersion(std::string_view tenant,
                                                             const ServiceReference& reference) const {
  absl::MutexLock lock(&mutex_);
  return catalog_.Get(tenant, reference);
}

absl::StatusOr<Page<model::ServiceSummary>> ModelReads::ListServices(std::string_view tenant, int32_t page_size,
                                                                     std::string_view token) const {
  absl::MutexLock lock(&mutex_);
  return catalog_.List(tenant, page_size, token);
}

absl::StatusOr<std::vector<ServiceVersion>> ModelReads::ListServiceVersions(std::string_view tenant,
                                                                            std::string_view service) const {
  absl::MutexLock lock(&mutex_);
  return catalog_.ListVersions(tenant, service);
}

absl::Status ModelReads::DeleteServiceVersion(std::string_view tenant, const ServiceReference& reference) {
  absl::MutexLock lock(&mutex_);
  const absl::StatusOr<ServiceVersion> version = catalog_.Get(tenant, reference);
  if (!version.ok()) return version.status();
  if (model::FindBuiltIn(version->service) != nullptr) return BuiltInNotDeleted(*version);
  int64_t job_count = 0;
  std::string needed_by;
  for (const auto& [key, stored] : jobs_) {
    if (key.tenant != tenant || model::IsFinal(stored.job()->state)) continue;
    if (stored.job()->version_id != version->version_id) continue;
    if (job_count++ == 0) needed_by = key.job_id;
  }
  if (job_count > 0) return ServiceVersionInUse(*version, needed_by, job_count);
  catalog_.Erase(*version);
  return absl::OkStatus();
}

}  // namespace millrace::store
