#include "server/core/lease_hub.h"

namespace millrace::core {

void LeaseHub::OnJobChanged(const model::JobPtr& job) {
  absl::MutexLock lock(&mutex_);
  scheduler_.OnJobChanged(job);
  changed_.notify_all();
}

std::optional<Lease> LeaseHub::Acquire() {
  absl::MutexLock lock(&mutex_);
  while (!stopped_) {
    const absl::Time now = Now();
    absl::Time wake = paused_until_;
    if (paused_until_ <= now) {
      if (std::optional<Grant> grant = scheduler_.Next(now)) {
        return Lease{.job = grant->job, .sequence = grant->sequence, .attempt = grant->attempt, .epoch = epoch_};
      }
      wake = scheduler_.NextWake();
    }
    clock_.WaitUntil(changed_, mutex_, wake == absl::InfiniteFuture() ? model::Clock::kNever : absl::ToUnixNanos(wake));
  }
  return std::nullopt;
}

void LeaseHub::Ran(const Lease& lease) {
  absl::MutexLock lock(&mutex_);
  scheduler_.OnRan(lease.job->key(), lease.sequence);
}

void LeaseHub::Done(const Lease& lease) {
  const model::JobKey key = lease.job->key();
  bool idle = false;
  {
    absl::MutexLock lock(&mutex_);
    scheduler_.OnDone(key, lease.sequence);
    idle = scheduler_.in_flight(key) == 0;
    changed_.notify_all();
  }
  if (idle && on_idle_) on_idle_(key);
}

void LeaseHub::Return(const Lease& lease, absl::Duration backoff) {
  absl::MutexLock lock(&mutex_);
  scheduler_.OnReturned(lease.job->key(), lease.sequence, Now() + backoff);
  changed_.notify_all();
}

void LeaseHub::Return(const Lease& lease) {
  absl::MutexLock lock(&mutex_);
  const absl::Time now = Now();
  scheduler_.OnReturned(lease.job->key(), lease.sequence, now);
  paused_until_ = now + kPauseAfterReturn;
  changed_.notify_all();
}

void LeaseHub::Stop() {
  absl::MutexLock lock(&mutex_);
  stopped_ = true;
  changed_.notify_all();
}

bool LeaseHub::AwaitRan(absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(this, &LeaseHub::NoneRuns), timeout);
}

bool LeaseHub::AwaitIdle(absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(this, &LeaseHub::Idle), timeout);
}

int32_t LeaseHub::running(const model::JobKey& job) const {
  absl::MutexLock lock(&mutex_);
  return scheduler_.running(job);
}

int32_t LeaseHub::running() const {
  absl::MutexLock lock(&mutex_);
  return scheduler_.running();
}

int64_t LeaseHub::in_flight() const {
  absl::MutexLock lock(&mutex_);
  return scheduler_.in_flight();
}

int64_t LeaseHub::in_flight(const model::JobKey& job) const {
  absl::MutexLock lock(&mutex_);
  return scheduler_.in_flight(job);
}

}  // namespace millrace::core
