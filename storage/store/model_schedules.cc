#include "storage/store/model_schedules.h"

#include <utility>

#include "storage/model/limits.h"
#include "storage/store/store_errors.h"

namespace millrace::store {

using model::Schedule;
using model::ScheduleKey;
using model::ScheduleRun;

absl::StatusOr<Schedule> ModelSchedules::CreateSchedule(const Schedule& schedule) {
  const ScheduleKey key = schedule.key();
  absl::StatusOr<Schedule> stored;
  {
    absl::MutexLock lock(&mutex_);
    const Schedule& there = schedules_.emplace(key, Stored{schedule, {}}).first->second.schedule;
    if (there.request_hash != schedule.request_hash) return ScheduleIdTaken(key);
    stored = there;
  }
  Tell(key);
  return stored;
}

absl::StatusOr<Schedule> ModelSchedules::ChangeSchedule(const ScheduleKey& key, Rule rule) {
  model::ScheduleChange change;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = schedules_.find(key);
    if (found == schedules_.end()) return ScheduleNotFound(key);
    Stored& stored = found->second;
    change.schedule = stored.schedule;
    const absl::StatusOr<bool> changed = rule(change);
    if (!changed.ok()) return changed.status();
    if (!*changed) return stored.schedule;
    stored.schedule = change.schedule;
    for (ScheduleRun& run : change.ended) stored.ended.insert_or_assign(run.number, std::move(run));
    std::erase_if(stored.ended,
                  [&](const auto& entry) { return entry.first <= stored.schedule.last_run - model::kScheduleRunsMax; });
  }
  Tell(key);
  return std::move(change.schedule);
}

absl::Status ModelSchedules::DeleteSchedule(const ScheduleKey& key) {
  {
    absl::MutexLock lock(&mutex_);
    if (schedules_.erase(key) == 0) return ScheduleNotFound(key);
  }
  Tell(key);
  return absl::OkStatus();
}

absl::StatusOr<Schedule> ModelSchedules::GetSchedule(const ScheduleKey& key) const {
  absl::MutexLock lock(&mutex_);
  const auto found = schedules_.find(key);
  if (found == schedules_.end()) return ScheduleNotFound(key);
  return found->second.schedule;
}

absl::StatusOr<std::vector<Schedule>> ModelSchedules::ListSchedules(const std::string& tenant, std::string_view behind,
                                                                    int32_t schedules_max) const {
  absl::MutexLock lock(&mutex_);
  std::vector<Schedule> schedules;
  for (auto at = schedules_.upper_bound({tenant, std::string(behind)});
       at != schedules_.end() && at->first.tenant == tenant && schedules.size() < static_cast<size_t>(schedules_max);
       ++at) {
    schedules.push_back(at->second.schedule);
  }
  return schedules;
}

absl::StatusOr<std::vector<ScheduleRun>> ModelSchedules::ListScheduleRuns(const ScheduleKey& key, int64_t before,
                                                                          int32_t runs_max) const {
  absl::MutexLock lock(&mutex_);
  const auto found = schedules_.find(key);
  if (found == schedules_.end()) return ScheduleNotFound(key);
  std::map<int64_t, ScheduleRun> all = found->second.ended;
  for (const ScheduleRun& run : found->second.schedule.open) all.emplace(run.number, run);
  std::vector<ScheduleRun> runs;
  for (auto at = all.rbegin(); at != all.rend() && runs.size() < static_cast<size_t>(runs_max); ++at) {
    if (at->first < before) runs.push_back(at->second);
  }
  return runs;
}

absl::StatusOr<std::vector<ScheduleKey>> ModelSchedules::AllSchedules() const {
  absl::MutexLock lock(&mutex_);
  std::vector<ScheduleKey> all;
  all.reserve(schedules_.size());
  for (const auto& [key, stored] : schedules_) all.push_back(key);
  return all;
}

}  // namespace millrace::store
