// The part of the model store that reads, and its catalog: what there is, under one mutex.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "storage/model/bulk_rules.h"
#include "storage/model/clock.h"
#include "storage/model/job_rules.h"
#include "storage/model/retention_rules.h"
#include "storage/store/job_store.h"
#include "storage/store/model_catalog.h"
#include "storage/store/model_job.h"
#include "storage/store/store_errors.h"

namespace millrace::store {

/// See JobStore.
class ModelReads : public JobStore {
 public:
  absl::StatusOr<model::JobPtr> FindRequest(const std::string& tenant, const std::string& request_id) const override;
  absl::StatusOr<std::vector<model::Expiry>> ListExpired(absl::Time now, const model::Expiry& behind,
                                                         int32_t jobs_max) const override;
  absl::StatusOr<model::JobPtr> GetJob(const model::JobKey& key) const override;
  absl::StatusOr<Page<model::JobPtr>> ListJobs(const ListJobsQuery& query) const override;
  absl::StatusOr<std::vector<model::JobPtr>> ListEndedJobs(const std::string& tenant, absl::Time since,
                                                           size_t jobs_max) const override;
  std::vector<model::JobPtr> ActiveJobs() const override;
  model::ServiceSums SumJobs(const std::string& tenant) const override;
  absl::StatusOr<model::Chunk> FindChunk(const model::JobKey& key, int64_t sequence) const override;
  absl::StatusOr<ChunkList> ListChunks(const ListChunksQuery& query) const override;
  absl::StatusOr<model::ChunkInput> ReadChunk(const model::JobKey& key, int64_t sequence) const override;
  absl::StatusOr<std::vector<model::Chunk>> ListRepeats(const model::JobKey& key, int64_t sequence) const override;
  absl::StatusOr<std::vector<model::ChunkResult>> ReadResults(const model::JobKey& key, int64_t after,
                                                              int32_t results_max, int64_t bytes_max) const override;
  absl::StatusOr<std::vector<model::JobEvent>> ListJobEvents(const model::JobKey& key, int64_t after,
                                                             int32_t events_max) const override;
  absl::StatusOr<model::RunStatistics> GetRunStatistics(const model::JobKey& key) const override;
  absl::StatusOr<model::RecordException> GetException(const model::JobKey& key,
                                                      const model::RecordPlace& place) const override;
  absl::StatusOr<Page<model::RecordException>> ListExceptions(const ListExceptionsQuery& query) const override;
  absl::StatusOr<std::vector<model::ExceptionGroup>> ListExceptionGroups(const model::JobKey& key) const override;
  absl::StatusOr<model::ServiceVersion> CreateServiceVersion(model::ServiceVersion version) override;
  absl::StatusOr<model::ServiceVersion> GetServiceVersion(std::string_view tenant,
                                                          const model::ServiceReference& reference) const override;
  absl::StatusOr<Page<model::ServiceSummary>> ListServices(std::string_view tenant, int32_t page_size,
                                                           std::string_view token) const override;
  absl::StatusOr<std::vector<model::ServiceVersion>> ListServiceVersions(std::string_view tenant,
                                                                         std::string_view service) const override;
  absl::Status DeleteServiceVersion(std::string_view tenant, const model::ServiceReference& reference) override;

 protected:
  explicit ModelReads(const model::Clock* clock) : clock_(clock) {}

  template <typename T, typename Query>
  absl::StatusOr<T> Read(const model::JobKey& key, Query&& query) const {
    absl::MutexLock lock(&mutex_);
    const auto found = jobs_.find(key);
    if (found == jobs_.end()) return PipelineNotFound(key);
    return query(found->second);
  }

  /// As Read, of what retention deletes. JOB_EXPIRED where it has.
  template <typename T, typename Query>
  absl::StatusOr<T> ReadHeld(const model::JobKey& key, Query&& query) const {
    return Read<T>(key, [&](const ModelJob& job) -> absl::StatusOr<T> {
      if (absl::Status held = model::CheckNotDropped(*job.job()); !held.ok()) return held;
      return query(job);
    });
  }

  /// See NeedsChild.
  bool IsNeededByParent(const model::Job& child) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto parent = jobs_.find({child.tenant, child.parent.job_id});
    if (parent == jobs_.end()) return false;
    const absl::StatusOr<model::Chunk> chunk = parent->second.FindChunk(child.parent.sequence);
    return model::NeedsChild(*parent->second.job(), chunk.ok() ? chunk->state : model::ChunkState::kCommitted, child);
  }

  /// The first job, by its id, that runs for this bulk run and is still to be cancelled with it; null when there is none.
  model::JobPtr FindLeftRunning(const model::Job& bulk) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return FindJob(bulk.tenant, [&](const model::Job& other) { return model::MustCancelChild(bulk, other); });
  }

  /// Null when there is none.
  model::JobPtr RequestHolder(std::string_view tenant, const std::string& request_id) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return FindJob(tenant, [&](const model::Job& other) { return other.request_id == request_id; });
  }

  /// The active job that holds the key; null when none does.
  model::JobPtr UniqueKeyHolder(std::string_view tenant, const std::string& unique_key)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return FindJob(tenant, [&](const model::Job& other) {
      return other.options.unique_key == unique_key && !model::IsFinal(other.state);
    });
  }

  template <typename Condition>
  model::JobPtr FindJob(std::string_view tenant, Condition&& condition) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    for (const auto& [key, stored] : jobs_) {
      if (key.tenant == tenant && condition(*stored.job())) return stored.job();
    }
    return nullptr;
  }

  std::vector<model::JobPtr> AllJobs() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    std::vector<model::JobPtr> all;
    all.reserve(jobs_.size());
    for (const auto& [key, stored] : jobs_) all.push_back(stored.job());
    return all;
  }

  const model::Clock* const clock_;

  mutable absl::Mutex mutex_;
  std::map<model::JobKey, ModelJob> jobs_ ABSL_GUARDED_BY(mutex_);
  ModelCatalog catalog_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace millrace::store
