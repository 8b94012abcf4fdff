#include "server/core/job_rates.h"

#include <algorithm>

#include "storage/model/job_rules.h"

namespace millrace::core {

void JobRates::OnJobChanged(const model::JobPtr& job) {
  const int64_t now_nanos = clock_->SteadyNanos();
  const int64_t begin_nanos = now_nanos - absl::ToInt64Nanoseconds(kWindow);
  absl::MutexLock lock(&mutex_);
  if (model::IsFinal(job->state)) {
    entries_.erase(job->key());
    return;
  }
  const int64_t records = model::RecordsInResults(*job);
  const auto [found, is_new] = entries_.try_emplace(job->key());
  Entry& entry = found->second;
  if (is_new) {
    entry.since_nanos = now_nanos;
    entry.records = records;
    entry.points.push_back({now_nanos, records});
    return;
  }
  if (records == entry.records) return;
  if (now_nanos - entry.points.back().nanos >= absl::ToInt64Nanoseconds(kStep)) {
    entry.points.push_back({now_nanos, entry.records});
  }
  entry.records = records;
  while (entry.points.size() > 1 && entry.points.front().nanos <= begin_nanos) entry.points.pop_front();
}

JobRates::Rate JobRates::Find(const model::JobKey& job) const {
  const int64_t now_nanos = clock_->SteadyNanos();
  const int64_t begin_nanos = now_nanos - absl::ToInt64Nanoseconds(kWindow);
  absl::MutexLock lock(&mutex_);
  const auto found = entries_.find(job);
  if (found == entries_.end()) return {};
  const Entry& entry = found->second;
  const absl::Duration over = std::min(kWindow, absl::Nanoseconds(now_nanos - entry.since_nanos));
  for (const Point& point : entry.points) {
    if (point.nanos > begin_nanos) return {entry.records - point.records, over};
  }
  return {0, over};
}

}  // namespace millrace::core
