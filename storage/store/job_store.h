// JobStore: everything durable, in terms of jobs and chunks.
//
// What is told to be stored would survive the sudden death of the process. Each verb is one unit of work: it happens
// whole or not at all, whatever is killed. The rules that a verb follows are storage/model/job_rules.h; the
// error reasons are those of errors.proto.
//
// Two implementations pass the same conformance suite (tests/storage/store): RocksJobStore, which serves, and
// ModelJobStore, plain maps in memory, which is the oracle of tests. Another engine can stand behind this interface
// as long as no method needs to see more than one job at a time (lists excepted).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "storage/model/chunk.h"
#include "storage/model/errors.h"
#include "storage/model/exception.h"
#include "storage/model/job.h"
#include "storage/model/job_event.h"
#include "storage/model/job_sums.h"
#include "storage/model/retention_rules.h"
#include "storage/model/run_statistics.h"
#include "storage/model/service_version.h"
#include "storage/model/tuning_rules.h"
#include "storage/store/job_requests.h"
#include "storage/store/store_statistics.h"

namespace millrace::store {

/// Called once with the outcome of a verb, when it is durable or refused. Runs on the commit lane of the store:
/// it must be short, must not block, and must not call a verb of the store and wait for it.
template <typename T>
using Completion = absl::AnyInvocable<void(absl::StatusOr<T>)>;

/// Hears of every change of a job, in order, after it is durable and before the completion of the verb that made it.
/// The same rules as for Completion apply.
class JobObserver {
 public:
  virtual ~JobObserver() = default;
  virtual void OnJobChanged(const model::JobPtr& job) = 0;
};

class NoticeStore;
class ScheduleStore;

/// Thread-safe.
class JobStore {
 public:
  virtual ~JobStore() = default;

  /// What is durable of schedules, in the same store. Lives as long as this.
  virtual ScheduleStore& schedules() = 0;

  /// What webhooks are still to be told, in the same store. Lives as long as this.
  virtual NoticeStore& notices() = 0;

  /// Counts the times the store was opened, from 1. Commits carry it.
  virtual int64_t epoch() const = 0;

  /// Sets who hears of changes, before the first verb. Not owned.
  virtual void SetObserver(JobObserver* observer) = 0;

  /// Writes everything that is acknowledged before the call to `folder`, which must not exist, in files that can be
  /// opened as a store. Verbs go on meanwhile. STORAGE_FULL, STORAGE_FAILED; always the latter for a store in memory.
  virtual absl::Status Checkpoint(const std::filesystem::path& folder) const {
    return model::MakeError(model::Reason::kStorageFailed, "there are no files to write to " + folder.string());
  }

  /// May take some milliseconds: for a watcher that asks every few seconds. A store in memory has nothing to tell.
  virtual StoreStatistics Statistics() const { return {}; }

  // Jobs. What a verb does to a job that is worth telling becomes an event of it (ProgressEvents, DefinitionEvents), in the
  // same unit of work. `by` is whose call it is; empty: the server's own.

  /// Stores a new job. All of its fields are the caller's but times, owner epoch and counters. With a `request_id`
  /// that was used before for the same `request_hash`, returns the job that it made. Checks in the order REQUEST_ID,
  /// PIPELINE_ID, UNIQUE_KEY, SERVICE_VERSION.
  ///   PIPELINE_ID_TAKEN, UNIQUE_KEY_TAKEN, REQUEST_ID_REUSED
  ///   SERVICE_VERSION_NOT_FOUND  `version_id` was deleted meanwhile
  ///   PIPELINE_NOT_FOUND  the bulk run for which it is to run was deleted meanwhile
  virtual absl::StatusOr<model::JobPtr> CreateJob(model::Job job) = 0;

  /// The job that was made under this request id, which is not empty; null where there is none.
  virtual absl::StatusOr<model::JobPtr> FindRequest(const std::string& tenant, const std::string& request_id) const = 0;

  /// Stores chunks and gives them their sequence. A chunk whose id and bytes (payload, parameters, summary) are stored
  /// already changes nothing and is marked as duplicate.
  ///   PIPELINE_NOT_FOUND
  ///   CHUNK_ID_TAKEN     same id, other bytes
  ///   INPUT_BUFFER_FULL  also when the order is broken
  ///   and all of ApplyPush
  virtual void PushChunks(store::PushChunks request, Completion<PushReceipt> done) = 0;

  /// Commits the outcome of a leased chunk: result, exceptions, groups, node statistics, counters, chunk state,
  /// config hash and times in one unit of work.
  ///   PIPELINE_NOT_FOUND, LEASE_STALE
  virtual void CommitChunk(model::ChunkCommit commit, Completion<model::JobPtr> done) = 0;

  /// See ApplyClose, ApplyCancel and ApplyAcknowledge. PIPELINE_NOT_FOUND where there is no such job.
  virtual absl::StatusOr<model::JobPtr> CloseJob(const model::JobKey& job, std::string_view by = {}) = 0;
  virtual absl::StatusOr<model::JobPtr> CancelJob(const model::JobKey& job, std::string_view reason, bool force,
                                                  std::string_view by = {}) = 0;
  virtual absl::StatusOr<model::JobPtr> Acknowledge(const model::JobKey& job, int64_t cursor,
                                                    std::string_view cursor_field) = 0;

  /// See ApplyPause and ApplyResume. PIPELINE_NOT_FOUND.
  virtual absl::StatusOr<model::JobPtr> PauseJob(const model::JobKey& job, std::string_view reason,
                                                 std::string_view by = {}) = 0;
  virtual absl::StatusOr<model::JobPtr> ResumeJob(const model::JobKey& job, bool ramp, std::string_view by = {}) = 0;

  /// See ApplyContinue.
  ///   PIPELINE_NOT_FOUND
  ///   UNIQUE_KEY_TAKEN           the job had ended, and another that has not holds its unique key by now
  ///   SERVICE_VERSION_NOT_FOUND  the job had ended, and its version was deleted since
  virtual absl::StatusOr<model::JobPtr> ContinueJob(const model::JobKey& job, std::string_view by = {}) = 0;

  /// See ApplyTakeUp. `seen` is the job as this store handed it out; the caller sees to it that no lease was out after that.
  /// Changes nothing where the job has ended anew since `seen` (see IsSameEnd), for then one may be; returns it as it is.
  ///   PIPELINE_NOT_FOUND
  ///   UNIQUE_KEY_TAKEN           another job that has not ended holds its unique key by now
  ///   SERVICE_VERSION_NOT_FOUND  its version was deleted since
  virtual absl::StatusOr<model::JobPtr> TakeUpJob(const model::JobPtr& seen, std::string_view by = {}) = 0;

  /// See ApplyUpdate. A version must be one of the service of the job; it is in use from then on.
  ///   PIPELINE_NOT_FOUND
  ///   SERVICE_VERSION_NOT_FOUND  `update.version` does not exist (any more)
  virtual absl::StatusOr<model::JobPtr> UpdateJob(const model::JobKey& job, const model::JobUpdate& update,
                                                  std::string_view by = {}) = 0;

  /// Removes a job that has ended, with everything that belongs to it. Costs the same however large it is. The caller
  /// sees to it that no lease of the job is out: under the same id, another job may be created at once.
  ///   PIPELINE_NOT_FOUND
  ///   JOB_NOT_FINISHED  its state is not final (metadata: state); it ran for a bulk run that has not taken its outcome yet
  ///                     (metadata: parent_job_id); or it is a bulk run that was cancelled, and a job that runs for it is
  ///                     still to be cancelled (RetryInfo; metadata: child_job_id)
  virtual absl::Status DeleteJob(const model::JobKey& job) = 0;

  /// Jobs of all tenants whose retention is over at `now`, in the order of its end, those behind `behind`.
  virtual absl::StatusOr<std::vector<model::Expiry>> ListExpired(absl::Time now, const model::Expiry& behind,
                                                                 int32_t jobs_max) const = 0;

  /// Deletes a job whose retention is over, or what it held; see model::ExpirationOf for which. The caller sees to leases
  /// as for DeleteJob. PIPELINE_NOT_FOUND.
  virtual absl::StatusOr<model::Expiration> ExpireJob(const model::JobKey& job) = 0;

  /// Ends a job that broke: see ApplyFail. Changes nothing where the job has ended already. PIPELINE_NOT_FOUND.
  virtual absl::StatusOr<model::JobPtr> FailJob(const model::JobKey& job, std::string_view reason) = 0;

  /// Closes the input of a job for which nothing happened: see ApplyIdle. `seen` is the job as this store handed it out;
  /// where it has changed since, something did happen, and nothing is done. Returns the job as it is then.
  /// PIPELINE_NOT_FOUND.
  virtual absl::StatusOr<model::JobPtr> CloseIdleJob(const model::JobPtr& seen) = 0;

  /// PIPELINE_NOT_FOUND.
  virtual absl::StatusOr<model::JobPtr> GetJob(const model::JobKey& job) const = 0;
  /// PAGE_TOKEN_INVALID.
  virtual absl::StatusOr<Page<model::JobPtr>> ListJobs(const ListJobsQuery& query) const = 0;
  /// The jobs of a tenant that ended at `since` or later, at most `jobs_max` of them: what ended last comes first. Costs
  /// O(jobs listed).
  virtual absl::StatusOr<std::vector<model::JobPtr>> ListEndedJobs(const std::string& tenant, absl::Time since,
                                                                   size_t jobs_max) const = 0;
  /// The jobs of all tenants that are not in a final state, in no order.
  virtual std::vector<model::JobPtr> ActiveJobs() const = 0;
  /// Sums over all jobs of a tenant at one moment, by service. Costs O(jobs that have not ended + services).
  virtual model::ServiceSums SumJobs(const std::string& tenant) const = 0;

  // What a job holds besides its row and its events. Once its retention is over and that was deleted (ExpireJob), each of
  // these says JOB_EXPIRED, however the deletion and the read meet: none answers with a part of it, or with nothing.

  /// A chunk without its payload and what is stored with that (parameters, summary). PIPELINE_NOT_FOUND, JOB_EXPIRED.
  virtual absl::StatusOr<model::Chunk> FindChunk(const model::JobKey& job, int64_t sequence) const = 0;

  /// PIPELINE_NOT_FOUND, JOB_EXPIRED.
  virtual absl::StatusOr<ChunkList> ListChunks(const ListChunksQuery& query) const = 0;

  /// A chunk with its payload.
  ///   PIPELINE_NOT_FOUND  also where there is no such chunk, or its input is discarded
  ///   JOB_EXPIRED
  virtual absl::StatusOr<model::ChunkInput> ReadChunk(const model::JobKey& job, int64_t sequence) const = 0;

  /// Events behind number `after`, in order, at most `events_max`; those that were dropped are left out. PIPELINE_NOT_FOUND.
  virtual absl::StatusOr<std::vector<model::JobEvent>> ListJobEvents(const model::JobKey& job, int64_t after,
                                                                     int32_t events_max) const = 0;

  /// Results behind `after`, by number: at most `results_max`, and no further one where their outputs would exceed
  /// `bytes_max` (but at least one). Discarded results are left out. PIPELINE_NOT_FOUND, JOB_EXPIRED.
  virtual absl::StatusOr<std::vector<model::ChunkResult>> ReadResults(const model::JobKey& job, int64_t after,
                                                                      int32_t results_max, int64_t bytes_max) const = 0;

  /// Empty before the first commit. PIPELINE_NOT_FOUND, JOB_EXPIRED.
  virtual absl::StatusOr<model::RunStatistics> GetRunStatistics(const model::JobKey& job) const = 0;

  /// Runs records again that failed (as one more chunk, behind all others), gives them outputs (as a chunk that is
  /// committed at once), or discards them. Returns the job as it is then: one that was completed may be at work again.
  ///   PIPELINE_NOT_FOUND  also where another job has the id by now (`job_create_time`)
  ///   JOB_EXPIRED, EXCEPTION_NOT_FOUND
  ///   EXCEPTION_SETTLED  one of them is not unresolved
  ///   UNIQUE_KEY_TAKEN   the job would be active again, and another one holds its unique key
  ///   SERVICE_VERSION_NOT_FOUND  the job would be active again, and its version was deleted since
  ///   and all of CheckResolution and ApplyRerun
  virtual absl::StatusOr<model::JobPtr> ResolveExceptions(store::ResolveExceptions request) = 0;

  /// Runs records again that succeeded, as one more chunk, behind all others. Null, and nothing is done, where a chunk repeats
  /// records of the same chunk that the caller has not seen: another call was faster.
  ///   PIPELINE_NOT_FOUND, JOB_EXPIRED, UNIQUE_KEY_TAKEN, SERVICE_VERSION_NOT_FOUND  as ResolveExceptions
  ///   and all of ApplyRerun
  virtual absl::StatusOr<model::JobPtr> RepeatRecords(store::RepeatRecords request) = 0;

  /// The chunks that run records of a chunk again that had succeeded in it, in push order, as FindChunk. Where one of them is
  /// committed, its outcome of these records stands. PIPELINE_NOT_FOUND, JOB_EXPIRED.
  virtual absl::StatusOr<std::vector<model::Chunk>> ListRepeats(const model::JobKey& job, int64_t sequence) const = 0;

  /// PIPELINE_NOT_FOUND, JOB_EXPIRED, EXCEPTION_NOT_FOUND.
  virtual absl::StatusOr<model::RecordException> GetException(const model::JobKey& job,
                                                              const model::RecordPlace& place) const = 0;

  /// In push order. PIPELINE_NOT_FOUND, JOB_EXPIRED, PAGE_TOKEN_INVALID.
  virtual absl::StatusOr<Page<model::RecordException>> ListExceptions(const ListExceptionsQuery& query) const = 0;

  /// All groups (at most kExceptionGroupsPerJobMax + 1), largest first, then by fingerprint. PIPELINE_NOT_FOUND, JOB_EXPIRED.
  virtual absl::StatusOr<std::vector<model::ExceptionGroup>> ListExceptionGroups(const model::JobKey& job) const = 0;

  // Catalog.

  /// Stores a version; `create_time` is set by the store, and `service_id` is taken from the service where it exists.
  /// A version that is there with the same config hash is returned as it is.
  ///   SERVICE_VERSION_TAKEN  same version, other config hash
  virtual absl::StatusOr<model::ServiceVersion> CreateServiceVersion(model::ServiceVersion version) = 0;

  /// The version a reference resolves to; without a version the latest (IsBetterLatest).
  ///   SERVICE_NOT_FOUND, SERVICE_VERSION_NOT_FOUND
  virtual absl::StatusOr<model::ServiceVersion> GetServiceVersion(std::string_view tenant,
                                                                  const model::ServiceReference& reference) const = 0;

  /// By name. PAGE_TOKEN_INVALID.
  virtual absl::StatusOr<Page<model::ServiceSummary>> ListServices(std::string_view tenant, int32_t page_size,
                                                                   std::string_view token) const = 0;

  /// All versions of a service, highest first. SERVICE_NOT_FOUND.
  virtual absl::StatusOr<std::vector<model::ServiceVersion>> ListServiceVersions(std::string_view tenant,
                                                                                 std::string_view service) const = 0;

  /// SERVICE_NOT_FOUND, SERVICE_VERSION_NOT_FOUND, SERVICE_VERSION_IN_USE (metadata: pipeline_id, job_count).
  virtual absl::Status DeleteServiceVersion(std::string_view tenant, const model::ServiceReference& reference) = 0;
};

/// Calls a verb that takes a Completion and waits for it. Never on the commit lane.
///
///   absl::StatusOr<PushReceipt> receipt =
///       Await<PushReceipt>([&](auto done) { store.PushChunks(std::move(request), std::move(done)); });
template <typename T, typename Call>
absl::StatusOr<T> Await(Call&& call) {
  absl::Notification finished;
  absl::StatusOr<T> result = absl::UnknownError("the call did not finish");
  std::forward<Call>(call)(Completion<T>([&](absl::StatusOr<T> outcome) {
    result = std::move(outcome);
    finished.Notify();
  }));
  finished.WaitForNotification();
  return result;
}

}  // namespace millrace::store
