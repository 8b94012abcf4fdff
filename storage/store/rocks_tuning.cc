#include <string>
#include <string_view>

#include "storage/model/job_rules.h"
#include "storage/model/tuning_rules.h"
#include "storage/store/rocks_job_store_impl.h"
#include "storage/store/store_errors.h"

namespace millrace::store {

using model::Job;
using model::JobKey;
using model::JobPtr;

absl::StatusOr<JobPtr> RocksJobStore::PauseJob(const JobKey& key, std::string_view reason, std::string_view by) {
  return Change(key, by, [reason, now = clock_->Now()](Group&, const LaneJob&, Job& job) {
    return model::ApplyPause(job, reason, now);
  });
}

absl::StatusOr<JobPtr> RocksJobStore::ResumeJob(const JobKey& key, bool ramp, std::string_view by) {
  return Change(key, by, [ramp, now = clock_->Now()](Group&, const LaneJob&, Job& job) {
    return model::ApplyResume(job, ramp, now);
  });
}

absl::StatusOr<JobPtr> RocksJobStore::ContinueJob(const JobKey& key, std::string_view by) {
  const auto rule = [now = clock_->Now()](const Group& group, const LaneJob& stored, Job& job) -> absl::StatusOr<bool> {
    absl::StatusOr<bool> continued = model::ApplyContinue(job, now);
    if (!continued.ok() || !*continued) return continued;
    if (absl::Status free = group.CheckAtWorkAgain(*stored.job, job); !free.ok()) return free;
    return true;
  };
  return Change(key, by, rule, Changes::kDefinition);
}

absl::StatusOr<JobPtr> RocksJobStore::TakeUpJob(const JobPtr& seen, std::string_view by) {
  const auto rule = [&seen, now = clock_->Now()](const Group& group, const LaneJob& stored,
                                                 Job& job) -> absl::StatusOr<bool> {
    if (!model::IsSameEnd(*seen, job)) return false;
    absl::StatusOr<bool> taken_up = model::ApplyTakeUp(job, now);
    if (!taken_up.ok() || !*taken_up) return taken_up;
    if (absl::Status free = group.CheckAtWorkAgain(*stored.job, job); !free.ok()) return free;
    return true;
  };
  return Change(seen->key(), by, rule);
}

absl::StatusOr<JobPtr> RocksJobStore::UpdateJob(const JobKey& key, const model::JobUpdate& update,
                                                std::string_view by) {
  const auto rule = [&update, now = clock_->Now()](const Group& group, const LaneJob&,
                                                   Job& job) -> absl::StatusOr<bool> {
    if (update.version.has_value()) {
      const std::string& version_id = update.version->version_id;
      const absl::StatusOr<bool> has_version = group.HasVersion(job.tenant, version_id);
      if (!has_version.ok()) return has_version.status();
      if (!*has_version) return VersionIdNotFound(version_id);
    }
    return model::ApplyUpdate(job, update, now);
  };
  return Change(key, by, rule, Changes::kDefinition);
}

}  // namespace millrace::store
