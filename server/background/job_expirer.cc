#include "server/background/job_expirer.h"

#include <string>
#include <utility>
#include <vector>

#include "spdlog/spdlog.h"
#include "storage/model/errors.h"
#include "storage/model/schedule_rules.h"
#include "storage/store/schedule_store.h"

namespace millrace::background {

ExpirerRun JobExpirer::RunOnce(int32_t jobs_max) {
  ExpirerRun run;
  const absl::StatusOr<std::vector<model::Expiry>> expired = store_.ListExpired(clock_.Now(), behind_, jobs_max);
  if (!expired.ok()) {
    spdlog::error("retention: jobs cannot be listed: {}", std::string(expired.status().message()));
    run.failed = 1;
    return run;
  }
  open_runs_.reset();
  for (const model::Expiry& expiry : *expired) Expire(expiry.job, run);
  run.looked_at = static_cast<int64_t>(expired->size());
  behind_ = run.looked_at < jobs_max ? model::Expiry() : expired->back();
  return run;
}

void JobExpirer::Expire(const model::JobKey& key, ExpirerRun& run) {
  // An outcome that came after the deletion would be taken for one of the next job with this id.
  if (leases_.knows(key)) {
    run.kept += 1;
    return;
  }
  const absl::StatusOr<model::JobPtr> job = store_.GetJob(key);
  const absl::StatusOr<bool> needed = job.ok() ? IsNeeded(**job) : job.status();
  if (needed.ok() && *needed) {
    run.kept += 1;
    return;
  }
  const absl::StatusOr<model::Expiration> expiration = needed.ok() ? store_.ExpireJob(key) : needed.status();
  // Deleted by hand meanwhile.
  if (model::HasReason(expiration.status(), model::Reason::kPipelineNotFound)) return;
  if (!expiration.ok()) {
    spdlog::error("retention: job {} stays: {}", key.job_id, std::string(expiration.status().message()));
    run.failed += 1;
    return;
  }
  switch (*expiration) {
    case model::Expiration::kKept:
      run.kept += 1;
      return;
    case model::Expiration::kDeleted:
      spdlog::info("retention: job {} of tenant {} is deleted", key.job_id, key.tenant);
      run.deleted += 1;
      return;
    case model::Expiration::kDropped:
      spdlog::warn("retention: job {} of tenant {} had unresolved exceptions, which are deleted; its events name them",
                   key.job_id, key.tenant);
      run.dropped += 1;
      return;
  }
}

absl::StatusOr<bool> JobExpirer::IsNeeded(const model::Job& job) {
  if (!job.parent.job_id.empty()) {
    const absl::StatusOr<model::JobPtr> bulk = store_.GetJob({job.tenant, job.parent.job_id});
    if (bulk.ok() && model::Reads(**bulk, job)) return true;
  }
  return IsOfOpenRun(job);
}

absl::StatusOr<bool> JobExpirer::IsOfOpenRun(const model::Job& job) {
  if (!model::IsRunRequestId(job.request_id)) return false;
  if (!open_runs_.has_value()) {
    const auto all = store_.schedules().AllSchedules();
    if (!all.ok()) return all.status();
    std::set<std::string> open;
    for (const model::ScheduleKey& key : *all) {
      const absl::StatusOr<model::Schedule> schedule = store_.schedules().GetSchedule(key);
      if (model::HasReason(schedule.status(), model::Reason::kScheduleNotFound)) continue;
      if (!schedule.ok()) return schedule.status();
      for (const model::ScheduleRun& run : schedule->open) {
        open.insert(model::RunRequestId({schedule->uid, run.number}));
      }
    }
    open_runs_ = std::move(open);
  }
  return open_runs_->contains(job.request_id);
}

}  // namespace millrace::background
