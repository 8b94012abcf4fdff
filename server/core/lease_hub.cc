#include "server/core/lease_hub.h"

#include <algorithm>
#include <utility>

#include "storage/model/built_in.h"

namespace millrace::core {

LeaseKind KindOf(const model::Job& job) { return model::IsBulkRun(job) ? LeaseKind::kJobs : LeaseKind::kNodes; }

void LeaseHub::OnJobChanged(const model::JobPtr& job) {
  absl::MutexLock lock(&mutex_);
  Queue& queue = QueueOf(*job);
  queue.scheduler.OnJobChanged(job, Now());
  Wake(queue);
}

LeaseHub::KeptBack::KeptBack(LeaseHub& hub, const model::Job& job) : hub_(hub), kind_(KindOf(job)), job_(job.key()) {
  absl::MutexLock lock(&hub_.mutex_);
  hub_.queues_[static_cast<size_t>(kind_)].scheduler.KeepBack(job_, hub_.Now());
}

LeaseHub::KeptBack::~KeptBack() {
  absl::MutexLock lock(&hub_.mutex_);
  Queue& queue = hub_.queues_[static_cast<size_t>(kind_)];
  queue.scheduler.LetGo(job_, hub_.Now());
  Wake(queue);
}

void LeaseHub::Wake(Queue& queue) {
  if (queue.scheduler.may_grant() || queue.scheduler.NextWake() < queue.wake) queue.changed.notify_all();
}

std::optional<Lease> LeaseHub::Acquire(LeaseKind kind) {
  absl::MutexLock lock(&mutex_);
  Queue& queue = queues_[static_cast<size_t>(kind)];
  while (!stopped_) {
    if (queue.nudges > 0) {
      --queue.nudges;
      return std::nullopt;
    }
    const absl::Time now = Now();
    absl::Time wake = paused_until_;
    if (paused_until_ <= now) {
      if (std::optional<Grant> grant = queue.scheduler.Next(now)) {
        return Lease{.job = grant->job,
                     .sequence = grant->sequence,
                     .attempt = grant->attempt,
                     .epoch = epoch_,
                     .needs_keys = grant->needs_keys};
      }
      wake = queue.scheduler.NextWake();
    }
    queue.wake = wake;
    clock_.WaitUntil(queue.changed, mutex_,
                     wake == absl::InfiniteFuture() ? model::Clock::kNever : absl::ToUnixNanos(wake));
    // Who still waits may wait for a later moment than this thread did.
    queue.wake = absl::InfiniteFuture();
  }
  return std::nullopt;
}

void LeaseHub::Nudge(LeaseKind kind) {
  absl::MutexLock lock(&mutex_);
  Queue& queue = queues_[static_cast<size_t>(kind)];
  ++queue.nudges;
  queue.changed.notify_all();
}

bool LeaseHub::MayRun(const Lease& lease, std::vector<uint64_t> keys) {
  absl::MutexLock lock(&mutex_);
  Queue& queue = QueueOf(*lease.job);
  const bool may_run = queue.scheduler.OnKeys(lease.job->key(), lease.sequence, std::move(keys), Now());
  Wake(queue);
  return may_run;
}

void LeaseHub::Land(const Lease& lease, absl::FunctionRef<void(Scheduler&, const model::JobKey&, absl::Time)> land) {
  const model::JobKey key = lease.job->key();
  bool is_idle = false;
  {
    absl::MutexLock lock(&mutex_);
    Queue& queue = QueueOf(*lease.job);
    land(queue.scheduler, key, Now());
    is_idle = queue.scheduler.in_flight(key) == 0;
    Wake(queue);
  }
  if (is_idle && on_idle_) on_idle_(key);
}

void LeaseHub::Park(const Lease& lease) {
  Land(lease, [&](Scheduler& scheduler, const model::JobKey& key, absl::Time now) {
    scheduler.OnParked(key, lease.sequence, now);
  });
}

void LeaseHub::Sized(const Lease& lease, int64_t records) {
  absl::MutexLock lock(&mutex_);
  Queue& queue = QueueOf(*lease.job);
  queue.scheduler.OnSized(lease.job->key(), lease.sequence, records, Now());
  Wake(queue);
}

void LeaseHub::Ran(const Lease& lease) {
  absl::MutexLock lock(&mutex_);
  Queue& queue = QueueOf(*lease.job);
  queue.scheduler.OnRan(lease.job->key(), lease.sequence, Now());
  Wake(queue);
}

void LeaseHub::Done(const Lease& lease) {
  Land(lease, [&](Scheduler& scheduler, const model::JobKey& key, absl::Time now) {
    scheduler.OnDone(key, lease.sequence, now);
  });
}

void LeaseHub::Return(const Lease& lease, absl::Duration backoff) {
  Land(lease, [&](Scheduler& scheduler, const model::JobKey& key, absl::Time now) {
    scheduler.OnReturned(key, lease.sequence, now + backoff, now);
  });
}

void LeaseHub::Return(const Lease& lease) {
  Land(lease,
       [&](Scheduler& scheduler, const model::JobKey& key, absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
         scheduler.OnReturned(key, lease.sequence, now, now);
         paused_until_ = now + kPauseAfterReturn;
         // Everybody: who waits for a moment behind the end of the pause would miss what comes up in between.
         for (Queue& queue : queues_) queue.changed.notify_all();
       });
}

void LeaseHub::Stop() {
  absl::MutexLock lock(&mutex_);
  stopped_ = true;
  for (Queue& queue : queues_) queue.changed.notify_all();
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
  Standing standing = SchedulerOf(KindOf(*job)).Explain(job, sequence, committed, now);
  standing.workers_busy = SchedulerOf(LeaseKind::kNodes).running();
  if (standing.verdict.may_start() && now < paused_until_) {
    standing.verdict.hold = Hold::kStorageRefuses;
    standing.wait = paused_until_ - now;
  }
  return standing;
}

int32_t LeaseHub::running(const model::JobKey& job) const {
  absl::MutexLock lock(&mutex_);
  int32_t running = 0;
  for (const Queue& queue : queues_) running += queue.scheduler.running(job);
  return running;
}

int32_t LeaseHub::running() const {
  absl::MutexLock lock(&mutex_);
  return SchedulerOf(LeaseKind::kNodes).running();
}

int64_t LeaseHub::InFlight() const {
  int64_t in_flight = 0;
  for (const Queue& queue : queues_) in_flight += queue.scheduler.in_flight();
  return in_flight;
}

int64_t LeaseHub::in_flight() const {
  absl::MutexLock lock(&mutex_);
  return InFlight();
}

int64_t LeaseHub::in_flight(const model::JobKey& job) const {
  absl::MutexLock lock(&mutex_);
  int64_t in_flight = 0;
  for (const Queue& queue : queues_) in_flight += queue.scheduler.in_flight(job);
  return in_flight;
}

bool LeaseHub::knows(const model::JobKey& job) const {
  absl::MutexLock lock(&mutex_);
  return std::any_of(queues_.begin(), queues_.end(), [&](const Queue& queue) { return queue.scheduler.knows(job); });
}

}  // namespace millrace::core
