// The class behind OpenRocksJobStore. One .cc file for each family of verbs:
//
//   rocks_job_store.cc    opening
//   rocks_jobs.cc         CreateJob, FindRequest, GetJob, ListJobs, ListEndedJobs, ActiveJobs
//   rocks_push.cc         PushChunks
//   rocks_commit.cc       CommitChunk
//   rocks_tuning.cc       PauseJob, ResumeJob, ContinueJob, TakeUpJob, UpdateJob
//   rocks_transitions.cc  CloseJob, CancelJob, FailJob, CloseIdleJob, Acknowledge
//   rocks_retention.cc    DeleteJob, ListExpired, ExpireJob
//   rocks_results.cc      FindChunk, ListChunks, ReadChunk, ReadResults, ListJobEvents, GetRunStatistics
//   rocks_exceptions.cc   GetException, ListExceptions, ListExceptionGroups
//   rocks_resolve.cc      ResolveExceptions
//   rocks_repeat.cc       RepeatRecords, ListRepeats
//   rocks_catalog.cc      all of the catalog
//
// Schedules and notices have classes of their own, RocksSchedules and RocksNotices, over the same engine and lane.
//
// Reads run on the caller's thread and see what is durable. Writes go through the commit lane.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/engine/engine.h"
#include "storage/model/clock.h"
#include "storage/model/retention_rules.h"
#include "storage/store/job_store.h"
#include "storage/store/rocks_commit_lane.h"
#include "storage/store/rocks_group.h"
#include "storage/store/rocks_job_store.h"
#include "storage/store/rocks_job_table.h"
#include "storage/store/rocks_notices.h"
#include "storage/store/rocks_schedules.h"

namespace millrace::store {

/// What the store needs of an engine.
engine::EngineOptions EngineOptionsOf(const RocksJobStoreOptions& options);

/// Refuses what a newer version wrote.
absl::Status CheckFormat(const engine::Engine& engine, const std::string& folder);

/// As OpenRocksJobStore over an engine that is open, with the families of EngineOptionsOf: for tests whose engine
/// fails.
absl::StatusOr<std::unique_ptr<JobStore>> OpenRocksJobStoreOn(const RocksJobStoreOptions& options,
                                                              std::unique_ptr<engine::Engine> engine);

class RocksJobStore final : public JobStore {
 public:
  /// `unfinished` are all jobs that have not ended, `ended` the sums over all that have.
  RocksJobStore(const RocksJobStoreOptions& options, std::unique_ptr<engine::Engine> engine, int64_t epoch,
                const std::vector<model::JobPtr>& unfinished, EndedSumsMap ended);

  ScheduleStore& schedules() override { return schedules_; }
  NoticeStore& notices() override { return notices_; }
  int64_t epoch() const override { return epoch_; }
  void SetObserver(JobObserver* observer) override { lane_.SetObserver(observer); }

  absl::Status Checkpoint(const std::filesystem::path& folder) const override { return engine_->Checkpoint(folder); }
  StoreStatistics Statistics() const override;

  absl::StatusOr<model::JobPtr> CreateJob(model::Job job) override;
  void PushChunks(store::PushChunks request, Completion<PushReceipt> done) override;
  void CommitChunk(model::ChunkCommit commit, Completion<model::JobPtr> done) override;
  absl::StatusOr<model::JobPtr> CloseJob(const model::JobKey& job, std::string_view by) override;
  absl::StatusOr<model::JobPtr> CancelJob(const model::JobKey& job, std::string_view reason, bool force,
                                          std::string_view by) override;
  absl::StatusOr<model::JobPtr> FailJob(const model::JobKey& job, std::string_view reason) override;
  absl::StatusOr<model::JobPtr> CloseIdleJob(const model::JobPtr& seen) override;
  absl::StatusOr<model::JobPtr> Acknowledge(const model::JobKey& job, int64_t cursor,
                                            std::string_view cursor_field) override;
  absl::StatusOr<model::JobPtr> PauseJob(const model::JobKey& job, std::string_view reason,
                                         std::string_view by) override;
  absl::StatusOr<model::JobPtr> ResumeJob(const model::JobKey& job, bool ramp, std::string_view by) override;
  absl::StatusOr<model::JobPtr> ContinueJob(const model::JobKey& job, std::string_view by) override;
  absl::StatusOr<model::JobPtr> TakeUpJob(const model::JobPtr& seen, std::string_view by) override;
  absl::StatusOr<model::JobPtr> UpdateJob(const model::JobKey& job, const model::JobUpdate& update,
                                          std::string_view by) override;
  absl::Status DeleteJob(const model::JobKey& job) override;
  absl::StatusOr<std::vector<model::Expiry>> ListExpired(absl::Time now, const model::Expiry& behind,
                                                         int32_t jobs_max) const override;
  absl::StatusOr<model::Expiration> ExpireJob(const model::JobKey& job) override;

  absl::StatusOr<model::JobPtr> GetJob(const model::JobKey& job) const override;
  absl::StatusOr<model::JobPtr> FindRequest(const std::string& tenant, const std::string& request_id) const override;
  absl::StatusOr<Page<model::JobPtr>> ListJobs(const ListJobsQuery& query) const override;
  absl::StatusOr<std::vector<model::JobPtr>> ListEndedJobs(const std::string& tenant, absl::Time since,
                                                           size_t jobs_max) const override;
  std::vector<model::JobPtr> ActiveJobs() const override;
  model::ServiceSums SumJobs(const std::string& tenant) const override;
  absl::StatusOr<model::Chunk> FindChunk(const model::JobKey& job, int64_t sequence) const override;
  absl::StatusOr<ChunkList> ListChunks(const ListChunksQuery& query) const override;
  absl::StatusOr<model::ChunkInput> ReadChunk(const model::JobKey& job, int64_t sequence) const override;
  absl::StatusOr<std::vector<model::ChunkResult>> ReadResults(const model::JobKey& job, int64_t after,
                                                              int32_t results_max, int64_t bytes_max) const override;
  absl::StatusOr<std::vector<model::JobEvent>> ListJobEvents(const model::JobKey& job, int64_t after,
                                                             int32_t events_max) const override;
  absl::StatusOr<model::RunStatistics> GetRunStatistics(const model::JobKey& job) const override;
  absl::StatusOr<model::JobPtr> ResolveExceptions(store::ResolveExceptions request) override;
  absl::StatusOr<model::JobPtr> RepeatRecords(store::RepeatRecords request) override;
  absl::StatusOr<std::vector<model::Chunk>> ListRepeats(const model::JobKey& job, int64_t sequence) const override;
  absl::StatusOr<model::RecordException> GetException(const model::JobKey& job,
                                                      const model::RecordPlace& place) const override;
  absl::StatusOr<Page<model::RecordException>> ListExceptions(const ListExceptionsQuery& query) const override;
  absl::StatusOr<std::vector<model::ExceptionGroup>> ListExceptionGroups(const model::JobKey& job) const override;

  absl::StatusOr<model::ServiceVersion> CreateServiceVersion(model::ServiceVersion version) override;
  absl::StatusOr<model::ServiceVersion> GetServiceVersion(std::string_view tenant,
                                                          const model::ServiceReference& reference) const override;
  absl::StatusOr<Page<model::ServiceSummary>> ListServices(std::string_view tenant, int32_t page_size,
                                                           std::string_view token) const override;
  absl::StatusOr<std::vector<model::ServiceVersion>> ListServiceVersions(std::string_view tenant,
                                                                         std::string_view service) const override;
  absl::Status DeleteServiceVersion(std::string_view tenant, const model::ServiceReference& reference) override;

 private:
  /// ListJobs, where only jobs are asked for that have not ended. `parent`: the bulk run of the query; null where it names
  /// none.
  absl::StatusOr<Page<model::JobPtr>> ListActive(const ListJobsQuery& query, const model::Job* parent) const;

  /// What was read of a job, unless retention has deleted what the job held: the look is behind the read, so it does not matter
  /// how far the read had come by then. All rows go at once: a read of one row that finds it, or of one scan that finds any,
  /// needs no look. PIPELINE_NOT_FOUND, JOB_EXPIRED, and the error of the read.
  template <typename T>
  absl::StatusOr<T> Held(const model::JobKey& key, absl::StatusOr<T> read) const {
    const absl::StatusOr<model::JobPtr> job = GetJob(key);
    if (!job.ok()) return job.status();
    if (absl::Status held = model::CheckNotDropped(**job); !held.ok()) return held;
    return read;
  }

  /// Sends a verb through the lane and waits for it.
  template <typename T>
  absl::StatusOr<T> Run(const Passage& passage, Verb<T> verb) {
    return Await<T>([&](Completion<T> done) { lane_.Submit<T>(passage, std::move(verb), std::move(done)); });
  }

  /// Whether a rule may change what is in the definition of a job: Group::RedefineJob, or Group::ChangeJob.
  enum class Changes { kProgress, kDefinition };

  /// Sends a rule through the lane: `rule(group, stored, job)` changes `job`, which is a copy of the stored one, and tells
  /// whether it did (StatusOr<bool>). Returns the job as it is then. PIPELINE_NOT_FOUND, and what the rule answers.
  template <typename Rule>
  absl::StatusOr<model::JobPtr> Change(const model::JobKey& key, std::string_view by, Rule rule,
                                       Changes changes = Changes::kProgress) {
    return Run<model::JobPtr>({}, [&key, by, &rule, changes](Group& group) -> absl::StatusOr<model::JobPtr> {
      const absl::StatusOr<LaneJob*> stored = group.FindJob(key);
      if (!stored.ok()) return stored.status();
      auto job = std::make_shared<model::Job>(*(*stored)->job);
      const absl::StatusOr<bool> changed = rule(group, **stored, *job);
      if (!changed.ok()) return changed.status();
      if (!*changed) return (*stored)->job;
      if (changes == Changes::kDefinition) {
        group.RedefineJob(*stored, std::move(job), by);
      } else {
        group.ChangeJob(*stored, std::move(job), by);
      }
      return (*stored)->job;
    });
  }

  const std::unique_ptr<engine::Engine> engine_;
  const model::Clock* const clock_;
  const int64_t epoch_;
  JobTable table_;
  /// It uses all of the above.
  CommitLane lane_;
  RocksSchedules schedules_{engine_.get(), &lane_};
  RocksNotices notices_{engine_.get(), &lane_, clock_};
};

}  // namespace millrace::store
