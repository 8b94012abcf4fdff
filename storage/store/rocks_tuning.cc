#include <memory>
#include <utility>

#include "storage/format/keys.h"
#include "storage/model/job_rules.h"
#include "storage/model/tuning_rules.h"
#include "storage/store/rocks_job_store_impl.h"
#include "storage/store/store_errors.h"

namespace millrace::store {

using model::Job;
using model::JobKey;
using model::JobPtr;

absl::StatusOr<JobPtr> RocksJobStore::PauseJob(const JobKey& key, std::string_view reason, std::string_view by) {
  return Run<JobPtr>({}, [&key, reason, by, now = clock_->Now()](Group& group) -> absl::StatusOr<JobPtr> {
    const absl::StatusOr<LaneJob*> job = group.FindJob(key);
    if (!job.ok()) return job.status();
    auto changed = std::make_shared<Job>(*(*job)->job);
    const absl::StatusOr<bool> paused = model::ApplyPause(*changed, reason, now);
    if (!paused.ok()) return paused.status();
    if (*paused) group.ChangeJob(*job, std::move(changed), by);
    return (*job)->job;
  });
}

absl::StatusOr<JobPtr> RocksJobStore::ResumeJob(const JobKey& key, bool ramp, std::string_view by) {
  return Run<JobPtr>({}, [&key, ramp, by, now = clock_->Now()](Group& group) -> absl::StatusOr<JobPtr> {
    const absl::StatusOr<LaneJob*> job = group.FindJob(key);
    if (!job.ok()) return job.status();
    auto changed = std::make_shared<Job>(*(*job)->job);
    if (model::ApplyResume(*changed, ramp, now)) group.ChangeJob(*job, std::move(changed), by);
    return (*job)->job;
  });
}

absl::StatusOr<JobPtr> RocksJobStore::ContinueJob(const JobKey& key, std::string_view by) {
  return Run<JobPtr>({}, [&key, by, now = clock_->Now()](Group& group) -> absl::StatusOr<JobPtr> {
    const absl::StatusOr<LaneJob*> job = group.FindJob(key);
    if (!job.ok()) return job.status();
    auto changed = std::make_shared<Job>(*(*job)->job);
    const absl::StatusOr<bool> continued = model::ApplyContinue(*changed, now);
    if (!continued.ok()) return continued.status();
    if (!*continued) return (*job)->job;
    if (absl::Status free = group.CheckAtWorkAgain(*(*job)->job, *changed); !free.ok()) return free;
    group.RedefineJob(*job, std::move(changed), by);
    return (*job)->job;
  });
}

absl::StatusOr<JobPtr> RocksJobStore::TakeUpJob(const JobKey& key, std::string_view by) {
  return Run<JobPtr>({}, [&key, by, now = clock_->Now()](Group& group) -> absl::StatusOr<JobPtr> {
    const absl::StatusOr<LaneJob*> job = group.FindJob(key);
    if (!job.ok()) return job.status();
    auto changed = std::make_shared<Job>(*(*job)->job);
    const absl::StatusOr<bool> taken_up = model::ApplyTakeUp(*changed, now);
    if (!taken_up.ok()) return taken_up.status();
    if (!*taken_up) return (*job)->job;
    if (absl::Status free = group.CheckAtWorkAgain(*(*job)->job, *changed); !free.ok()) return free;
    group.ChangeJob(*job, std::move(changed), by);
    return (*job)->job;
  });
}

absl::StatusOr<JobPtr> RocksJobStore::UpdateJob(const JobKey& key, const model::JobUpdate& update,
                                                std::string_view by) {
  return Run<JobPtr>({}, [&key, &update, by, now = clock_->Now()](Group& group) -> absl::StatusOr<JobPtr> {
    const absl::StatusOr<LaneJob*> job = group.FindJob(key);
    if (!job.ok()) return job.status();
    if (update.version.has_value()) {
      const std::string& version_id = update.version->version_id;
      const absl::StatusOr<bool> has_version = group.HasVersion(key.tenant, version_id);
      if (!has_version.ok()) return has_version.status();
      if (!*has_version) return VersionIdNotFound(version_id);
    }
    auto changed = std::make_shared<Job>(*(*job)->job);
    const absl::StatusOr<bool> updated = model::ApplyUpdate(*changed, update, now);
    if (!updated.ok()) return updated.status();
    if (*updated) group.RedefineJob(*job, std::move(changed), by);
    return (*job)->job;
  });
}

}  // namespace millrace::store
