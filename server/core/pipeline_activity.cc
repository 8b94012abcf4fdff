#include "server/core/pipeline_activity.h"

#include <algorithm>

#include "storage/model/job_rules.h"

namespace millrace::core {

void PipelineActivity::OnJobChanged(const model::JobPtr& job) {
  const int64_t now_nanos = clock_->SteadyNanos();
  const bool watched = model::TakesInput(*job) && job->options.idle_timeout > absl::ZeroDuration();
  absl::MutexLock lock(&mutex_);
  if (!watched) {
    uses_.erase(job->key());
    ForgetGone();
    return;
  }
  const auto [use, is_new] = uses_.try_emplace(job->key());
  use->second.timeout_nanos = absl::ToInt64Nanoseconds(job->options.idle_timeout);
  use->second.last_nanos = std::max(use->second.last_nanos, now_nanos);
  if (is_new) looks_.emplace(now_nanos + use->second.timeout_nanos, job->key());
}

void PipelineActivity::OnUse(const model::JobKey& job, absl::Duration wait) {
  const int64_t until_nanos = clock_->SteadyNanos() + absl::ToInt64Nanoseconds(wait);
  absl::MutexLock lock(&mutex_);
  const auto use = uses_.find(job);
  if (use != uses_.end()) use->second.last_nanos = std::max(use->second.last_nanos, until_nanos);
}

bool PipelineActivity::BeginWait(const model::JobKey& job) {
  absl::MutexLock lock(&mutex_);
  const auto use = uses_.find(job);
  if (use == uses_.end()) return false;
  ++use->second.waiting;
  return true;
}

void PipelineActivity::EndWait(const model::JobKey& job) {
  const int64_t now_nanos = clock_->SteadyNanos();
  absl::MutexLock lock(&mutex_);
  const auto use = uses_.find(job);
  // Closed meanwhile, and perhaps known again since.
  if (use == uses_.end() || use->second.waiting == 0) return;
  --use->second.waiting;
  use->second.last_nanos = std::max(use->second.last_nanos, now_nanos);
}

std::vector<model::JobKey> PipelineActivity::TakeUnused(size_t limit) {
  const int64_t now_nanos = clock_->SteadyNanos();
  std::vector<model::JobKey> unused;
  absl::MutexLock lock(&mutex_);
  while (unused.size() < limit && !looks_.empty() && looks_.top().first <= now_nanos) {
    const model::JobKey job = looks_.top().second;
    looks_.pop();
    const auto use = uses_.find(job);
    if (use == uses_.end()) continue;
    if (use->second.waiting > 0) use->second.last_nanos = std::max(use->second.last_nanos, now_nanos);
    int64_t next_nanos = use->second.last_nanos + use->second.timeout_nanos;
    if (next_nanos <= now_nanos) {
      unused.push_back(job);
      next_nanos = now_nanos + absl::ToInt64Nanoseconds(kNamedAgainAfter);
    }
    looks_.emplace(next_nanos, job);
  }
  return unused;
}

void PipelineActivity::ForgetGone() {
  if (looks_.size() <= 2 * uses_.size() + kLooksMin) return;
  looks_ = {};
  for (const auto& [job, use] : uses_) looks_.emplace(use.last_nanos + use.timeout_nanos, job);
}

size_t PipelineActivity::looks() const {
  absl::MutexLock lock(&mutex_);
  return looks_.size();
}

size_t PipelineActivity::size() const {
  absl::MutexLock lock(&mutex_);
  return uses_.size();
}

}  // namespace millrace::core
