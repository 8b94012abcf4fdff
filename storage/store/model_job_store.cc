#include "storage/store/model_job_store.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "storage/model/bulk_rules.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/store/first_exception.h"
#include "storage/store/model_job.h"
#include "storage/store/model_notices.h"
#include "storage/store/model_reads.h"
#include "storage/store/model_schedules.h"
#include "storage/store/store_errors.h"

namespace millrace::store {
namespace {

using model::Job;
using model::JobKey;
using model::JobPtr;
using model::ServiceReference;

class ModelJobStore final : public ModelReads {
 public:
  explicit ModelJobStore(const model::Clock* clock) : ModelReads(clock) {}

  ScheduleStore& schedules() override { return schedules_; }
  NoticeStore& notices() override { return notices_; }
  int64_t epoch() const override { return epoch_; }

  void Reopen() {
    observer_ = nullptr;
    schedules_.SetObserver(nullptr);
    notices_.SetObserver(nullptr);
    ++epoch_;
  }

  void SetObserver(JobObserver* observer) override { observer_ = observer; }

  absl::StatusOr<JobPtr> CreateJob(Job job) override {
    absl::MutexLock lock(&mutex_);
    if (!job.request_id.empty()) {
      const JobPtr earlier = RequestHolder(job.tenant, job.request_id);
      if (earlier != nullptr && earlier->request_hash != job.request_hash) return RequestIdReused(job.request_id);
      if (earlier != nullptr) return earlier;
    }
    if (jobs_.contains(job.key())) return PipelineIdTaken(job.id);
    if (const std::string& unique_key = job.options.unique_key; !unique_key.empty()) {
      if (const JobPtr holder = UniqueKeyHolder(job.tenant, unique_key)) return UniqueKeyTaken(unique_key, holder->id);
    }
    if (const std::string& parent_id = job.parent.job_id; !parent_id.empty()) {
      const auto parent = jobs_.find({job.tenant, parent_id});
      if (parent == jobs_.end() || !model::IsChildOf(job, *parent->second.job())) {
        return PipelineNotFound({job.tenant, parent_id});
      }
    }
    ServiceReference pinned;
    pinned.version_id = job.version_id;
    if (absl::Status version = catalog_.Get(job.tenant, pinned).status(); !version.ok()) return version;

    model::ApplyCreate(job, epoch_, clock_->Now());
    const ModelJob& stored = jobs_.emplace(job.key(), ModelJob(job)).first->second;
    Tell(stored.job());
    return stored.job();
  }

  void PushChunks(store::PushChunks request, Completion<PushReceipt> done) override {
    absl::StatusOr<PushReceipt> receipt;
    const absl::StatusOr<JobPtr> job = Change(request.job, [&](ModelJob& stored) {
      if (request.order != nullptr && request.order->broken) return PushOutOfOrder();
      receipt = stored.Push(std::move(request.chunks), request.source_position, clock_->Now());
      return receipt.status();
    });
    if (!job.ok()) {
      receipt = job.status();
    } else {
      receipt->job = *job;
    }
    if (request.order != nullptr) NoteOutcome(*request.order, receipt.status());
    std::move(done)(std::move(receipt));
  }

  void CommitChunk(model::ChunkCommit commit, Completion<JobPtr> done) override {
    const JobKey key = commit.job;
    const std::string first_exception = FirstExceptionDetail(commit.sequence, commit.outcome.failures);
    std::move(done)(Change(
        key, [&](ModelJob& job) { return job.Commit(std::move(commit), epoch_, clock_->Now()); }, {}, std::nullopt,
        first_exception));
  }

  absl::StatusOr<JobPtr> ResolveExceptions(store::ResolveExceptions request) override {
    const JobKey key = request.job;
    const std::string resolved_by = request.resolved_by;
    model::JobEvent event = model::ResolutionEvent(request.kind, static_cast<int64_t>(request.exceptions.size()),
                                                   request.note, clock_->Now());
    return Change(
        key,
        [&](ModelJob& job) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
          const auto may_be = [&](const Job& after)
                                  ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return CheckAtWorkAgain(*job.job(), after); };
          return job.Resolve(std::move(request), epoch_, clock_->Now(), may_be);
        },
        resolved_by, std::move(event));
  }

  absl::StatusOr<JobPtr> RepeatRecords(store::RepeatRecords request) override {
    const JobKey key = request.job;
    const std::string by = request.by;
    std::optional<model::JobEvent> event;
    if (!request.event.empty()) event = model::RepetitionEvent(request.event, clock_->Now());
    bool repeated = false;
    absl::StatusOr<JobPtr> job = Change(
        key,
        [&](ModelJob& job) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
          const auto may_be = [&](const Job& after)
                                  ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return CheckAtWorkAgain(*job.job(), after); };
          const absl::StatusOr<bool> outcome = job.Repeat(std::move(request), clock_->Now(), may_be);
          repeated = outcome.ok() && *outcome;
          return outcome.status();
        },
        by, std::move(event));
    return job.ok() && !repeated ? absl::StatusOr<JobPtr>(nullptr) : job;
  }

  absl::StatusOr<JobPtr> CloseJob(const JobKey& key, std::string_view by) override {
    return Change(
        key, [&](ModelJob& job) { return job.Close(clock_->Now()); }, by);
  }

  absl::StatusOr<JobPtr> CancelJob(const JobKey& key, std::string_view reason, bool force,
                                   std::string_view by) override {
    return Change(
        key, [&](ModelJob& job) { return job.Cancel(reason, force, clock_->Now()); }, by);
  }

  absl::StatusOr<JobPtr> FailJob(const JobKey& key, std::string_view reason) override {
    return Change(key, [&](ModelJob& job) { return job.Fail(reason, clock_->Now()); });
  }

  absl::StatusOr<JobPtr> CloseIdleJob(const JobPtr& seen) override {
    return Change(seen->key(), [&](ModelJob& job) { return job.CloseIdle(seen, clock_->Now()); });
  }

  absl::StatusOr<JobPtr> PauseJob(const JobKey& key, std::string_view reason, std::string_view by) override {
    return Change(
        key, [&](ModelJob& job) { return job.Pause(reason, clock_->Now()); }, by);
  }

  absl::StatusOr<JobPtr> ResumeJob(const JobKey& key, bool ramp, std::string_view by) override {
    return Change(
        key, [&](ModelJob& job) { return job.Resume(ramp, clock_->Now()); }, by);
  }

  absl::StatusOr<JobPtr> ContinueJob(const JobKey& key, std::string_view by) override {
    return Change(
        key,
        [&](ModelJob& job) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
          const auto may_be = [&](const Job& after)
                                  ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return CheckAtWorkAgain(*job.job(), after); };
          return job.Continue(clock_->Now(), may_be);
        },
        by);
  }

  absl::StatusOr<JobPtr> TakeUpJob(const JobPtr& seen, std::string_view by) override {
    return Change(
        seen->key(),
        [&](ModelJob& job) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
          const auto may_be = [&](const Job& after)
                                  ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return CheckAtWorkAgain(*job.job(), after); };
          return job.TakeUp(*seen, clock_->Now(), may_be);
        },
        by);
  }

  absl::StatusOr<JobPtr> UpdateJob(const JobKey& key, const model::JobUpdate& update, std::string_view by) override {
    absl::MutexLock lock(&mutex_);
    if (jobs_.contains(key) && update.version.has_value()) {
      const ServiceReference pinned{.service = "", .version = "", .version_id = update.version->version_id};
      if (absl::Status found = catalog_.Get(key.tenant, pinned).status(); !found.ok()) return found;
    }
    return ChangeLocked(
        key, [&](ModelJob& job) { return job.Update(update, clock_->Now()); }, by);
  }

  absl::StatusOr<JobPtr> Acknowledge(const JobKey& key, int64_t cursor, std::string_view cursor_field) override {
    return Change(key, [&](ModelJob& job) { return job.Acknowledge(cursor, cursor_field, clock_->Now()); });
  }

  absl::Status DeleteJob(const JobKey& key) override {
    absl::MutexLock lock(&mutex_);
    const auto found = jobs_.find(key);
    if (found == jobs_.end()) return PipelineNotFound(key);
    const JobPtr& job = found->second.job();
    if (!model::IsFinal(job->state)) return JobNotFinished(*job);
    if (IsNeededByParent(*job)) return ChildNeeded(*job);
    if (const JobPtr child = FindLeftRunning(*job)) return ChildRunning(*job, *child);
    jobs_.erase(found);
    return absl::OkStatus();
  }

  absl::StatusOr<model::Expiration> ExpireJob(const JobKey& key) override {
    absl::MutexLock lock(&mutex_);
    const auto found = jobs_.find(key);
    if (found == jobs_.end()) return PipelineNotFound(key);
    const absl::Time now = clock_->Now();
    const JobPtr job = found->second.job();
    const std::vector<JobPtr> all = AllJobs();
    const bool is_read = std::ranges::any_of(all, [&](const JobPtr& other) { return model::Reads(*other, *job); });
    const bool is_needed = is_read || FindLeftRunning(*job) != nullptr;
    const model::Expiration expiration = is_needed ? model::Expiration::kKept : model::ExpirationOf(*job, now);
    if (expiration == model::Expiration::kDeleted) jobs_.erase(found);
    if (expiration == model::Expiration::kDropped) {
      found->second.Drop(now);
      Tell(found->second.job());
    }
    return expiration;
  }

 private:
  /// Runs a verb on a job, tells of the change if there was one, and returns the job as it is then. The observer is
  /// called under the mutex, which keeps changes in order.
  /// `event` and `first_exception` are what the job does not show.
  template <typename Verb>
  absl::StatusOr<JobPtr> Change(const JobKey& key, Verb&& verb, std::string_view by = {},
                                std::optional<model::JobEvent> event = std::nullopt,
                                std::string_view first_exception = {}) {
    absl::MutexLock lock(&mutex_);
    return ChangeLocked(key, std::forward<Verb>(verb), by, std::move(event), first_exception);
  }

  template <typename Verb>
  absl::StatusOr<JobPtr> ChangeLocked(const JobKey& key, Verb&& verb, std::string_view by,
                                      std::optional<model::JobEvent> event = std::nullopt,
                                      std::string_view first_exception = {}) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto found = jobs_.find(key);
    if (found == jobs_.end()) return PipelineNotFound(key);
    ModelJob& stored = found->second;
    const JobPtr before = stored.job();
    if (absl::Status applied = verb(stored); !applied.ok()) return applied;
    if (stored.job() == before) return before;
    std::vector<model::JobEvent> events = model::DefinitionEvents(*before, *stored.job());
    if (event.has_value()) events.push_back(*std::move(event));
    std::ranges::move(model::ProgressEvents(*before, *stored.job()), std::back_inserter(events));
    for (model::JobEvent& happened : events) {
      happened.by = by;
      if (happened.kind == model::JobEventKind::kFirstException) happened.detail = first_exception;
      stored.AddEvent(happened);
      notices_.Add(*stored.job(), std::move(happened));
    }
    Tell(stored.job());
    return stored.job();
  }

  void LogGivenUp(const model::NoticeKey& notice, std::string_view problem) {
    absl::MutexLock lock(&mutex_);
    const auto found = jobs_.find(notice.job);
    if (found == jobs_.end() || found->second.job()->create_time != notice.job_create_time) return;
    found->second.AddEvent(model::GivenUpEvent(notice.number, problem, clock_->Now()));
    Tell(found->second.job());
  }

  /// See Group::CheckAtWorkAgain.
  absl::Status CheckAtWorkAgain(const Job& before, const Job& after) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!model::IsFinal(before.state) || model::IsFinal(after.state)) return absl::OkStatus();
    if (absl::Status kept = model::CheckNotDropped(before); !kept.ok()) return kept;
    const ServiceReference pinned{.service = "", .version = "", .version_id = after.version_id};
    if (!catalog_.Get(after.tenant, pinned).ok()) return JobVersionDeleted(after);
    const std::string& unique_key = after.options.unique_key;
    if (unique_key.empty()) return absl::OkStatus();
    const JobPtr holder = UniqueKeyHolder(after.tenant, unique_key);
    return holder == nullptr ? absl::OkStatus() : UniqueKeyTaken(unique_key, holder->id);
  }

  void Tell(const JobPtr& job) {
    if (observer_ != nullptr) observer_->OnJobChanged(job);
  }

  ModelSchedules schedules_;
  ModelNotices notices_{
      [this](const model::NoticeKey& notice, std::string_view problem) { LogGivenUp(notice, problem); }};
  int64_t epoch_ = 1;
  /// Set before the first verb.
  JobObserver* observer_ = nullptr;
};

}  // namespace

std::unique_ptr<JobStore> MakeModelJobStore(const model::Clock* clock) {
  return std::make_unique<ModelJobStore>(clock);
}

void ReopenModelJobStore(JobStore& store) { static_cast<ModelJobStore&>(store).Reopen(); }

}  // namespace millrace::store
