#include "server/core/lease_hub.h"

#include <utility>

namespace millrace::core {

void LeaseHub::OnJobChanged(const model::JobPtr& job) {
  absl::MutexLock lock(&mutex_);
  scheduler_.OnJobChanged(job, Now());
  Wake();
}

void LeaseHub::Wake() {
  if (scheduler_.may_grant() || scheduler_.NextWake() < wake_) changed_.notify_all();
}

std::optional<Lease> LeaseHub::Acquire() {
  absl::MutexLock lock(&mutex_);
  while (!stopped_) {
    const absl::Time now = Now();
    absl::Time wake = paused_until_;
    if (paused_until_ <= now) {
      if (std::optional<Grant> grant = scheduler_.Next(now)) {
        return Lease{.job = grant->job,
                     .sequence = grant->sequence,
                     .attempt = grant->attempt,
                     .epoch = epoch_,
                     .needs_keys = grant->needs_keys};
      }
      wake = scheduler_.NextWake();
    }
    wake_ = wake;
    clock_.WaitUntil(changed_, mutex_, wake == absl::InfiniteFuture() ? model::Clock::kNever : absl::ToUnixNanos(wake));
    // Who still waits may wait for a later moment than this thread did.
    wake_ = absl::InfiniteFuture();
  }
  return std::nullopt;
}

bool LeaseHub::MayRun(const Lease& lease, std::vector<uint64_t> keys) {
  absl::MutexLock lock(&mutex_);
  const bool may_run = scheduler_.OnKeys(lease.job->key(), lease.sequence, std::move(keys), Now());
  Wake();
  return may_run;
}

void LeaseHub::Land(const Lease& lease, absl::FunctionRef<void(const model::JobKey&, absl::Time)> land) {
  const model::JobKey key = lease.job->key();
  bool is_idle = false;
  {
    absl::MutexLock lock(&mutex_);
    land(key, Now());
    is_idle = scheduler_.in_flight(key) == 0;
    Wake();
  }
  if (is_idle && on_idle_) on_idle_(key);
}

void LeaseHub::Park(const Lease& lease) {
  Land(lease, [&](const model::JobKey& key, absl::Time now)
                  ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { scheduler_.OnParked(key, lease.sequence, now); });
}

void LeaseHub::Sized(const Lease& lease, int64_t records) {
  absl::MutexLock lock(&mutex_);
  scheduler_.OnSized(lease.job->key(), lease.sequence, records, Now());
  Wake();
}

void LeaseHub::Ran(const Lease& lease) {
  absl::MutexLock lock(&mutex_);
  scheduler_.OnRan(lease.job->key(), lease.sequence, Now());
  Wake();
}

void LeaseHub::Done(const Lease& lease) {
  Land(lease, [&](const model::JobKey& key, absl::Time now)
                  ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { scheduler_.OnDone(key, lease.sequence, now); });
}

void LeaseHub::Return(const Lease& lease, absl::Duration backoff) {
  Land(lease, [&](const model::JobKey& key, absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    scheduler_.OnReturned(key, lease.sequence, now + backoff, now);
  });
}

void LeaseHub::Return(const Lease& lease) {
  Land(lease, [&](const model::JobKey& key, absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    scheduler_.OnReturned(key, lease.sequence, now, now);
    paused_until_ = now + kPauseAfterReturn;
    // Everybody: who waits for a moment behind the end of the pause would miss what comes up in between.
    changed_.notify_all();
  });
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

Standing LeaseHub::Explain(const model::JobPtr& job, int64_t sequence, bool committed) const {
  absl::MutexLock lock(&mutex_);
  const absl::Time now = Now();
  Standing standing = scheduler_.Explain(job, sequence, committed, now);
  if (standing.verdict.may_start() && now < paused_until_) {
    standing.verdict.hold = Hold::kStorageRefuses;
    standing.wait = paused_until_ - now;
  }
  return standing;
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
