#include "server/core/lease_hub.h"

namespace millrace::core {

void LeaseHub::OnJobChanged(const model::JobPtr& job) {
  absl::MutexLock lock(&mutex_);
  scheduler_.OnJobChanged(job);
  changed_.SignalAll();
}

std::optional<Lease> LeaseHub::Acquire() {
  absl::MutexLock lock(&mutex_);
  while (!stopped_) {
    if (paused_) {
      // Whoever waits out the pause ends it for all.
      if (changed_.WaitWithTimeout(&mutex_, kPauseAfterReturn)) paused_ = false;
      continue;
    }
    if (std::optional<Grant> grant = scheduler_.Next()) {
      return Lease{.job = grant->job, .sequence = grant->sequence, .attempt = grant->attempt, .epoch = epoch_};
    }
    changed_.Wait(&mutex_);
  }
  return std::nullopt;
}

void LeaseHub::Ran(const Lease& lease) {
  absl::MutexLock lock(&mutex_);
  scheduler_.OnRan(lease.job->key(), lease.sequence);
}

void LeaseHub::Done(const Lease& lease) {
  absl::MutexLock lock(&mutex_);
  scheduler_.OnDone(lease.job->key(), lease.sequence);
  changed_.SignalAll();
}

void LeaseHub::Return(const Lease& lease) {
  absl::MutexLock lock(&mutex_);
  scheduler_.OnReturned(lease.job->key(), lease.sequence);
  paused_ = true;
  changed_.SignalAll();
}

void LeaseHub::Stop() {
  absl::MutexLock lock(&mutex_);
  stopped_ = true;
  changed_.SignalAll();
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

int64_t LeaseHub::in_flight(const model::JobKey& job) const {
  absl::MutexLock lock(&mutex_);
  return scheduler_.in_flight(job);
}

}  // namespace millrace::core
