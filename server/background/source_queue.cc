#include "server/background/source_queue.h"

#include <algorithm>

#include "server/background/source_piece.h"
#include "storage/model/job_rules.h"

namespace millrace::background {

void SourceQueue::OnJobChanged(const model::JobPtr& job) {
  if (!model::HasSource(*job)) return;
  absl::MutexLock lock(&mutex_);
  const auto found = entries_.find(job->key());
  if (!model::NeedsReading(*job)) {
    if (found == entries_.end()) return;
    if (found->second.state == State::kTaken) {
      found->second.is_over = true;
    } else {
      entries_.erase(found);
    }
    return;
  }
  if (found == entries_.end()) {
    Entry& entry = entries_[job->key()];
    entry.room_bytes = RoomOf(*job);
    MakeReady(job->key(), entry);
    return;
  }
  Entry& entry = found->second;
  entry.room_bytes = RoomOf(*job);
  entry.is_anew |= entry.is_over;
  if (entry.state == State::kWaitsForRoom && entry.room_bytes >= entry.needed_bytes) MakeReady(job->key(), entry);
}

std::optional<model::JobKey> SourceQueue::Take() {
  absl::MutexLock lock(&mutex_);
  while (!stopped_) {
    if (std::optional<model::JobKey> job = TakeReady(); job.has_value()) return job;
    clock_->WaitUntil(changed_, mutex_, later_.empty() ? model::Clock::kNever : later_.begin()->first);
  }
  return std::nullopt;
}

std::optional<model::JobKey> SourceQueue::TryTake() {
  absl::MutexLock lock(&mutex_);
  return stopped_ ? std::nullopt : TakeReady();
}

void SourceQueue::Return(const model::JobKey& job, const SourceRun& run) {
  absl::MutexLock lock(&mutex_);
  const auto found = entries_.find(job);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  if (entry.is_anew) {
    entry.is_over = entry.is_anew = false;
    MakeReady(job, entry);
    return;
  }
  if (entry.is_over || run.next == SourceNext::kNothing) {
    entries_.erase(found);
    return;
  }
  entry.needed_bytes = run.needed_bytes;
  if (run.next == SourceNext::kLater) {
    entry.state = State::kLater;
    later_.emplace(clock_->SteadyNanos() + absl::ToInt64Nanoseconds(entry.later_after), job);
    entry.later_after = std::min(2 * entry.later_after, kLaterMax);
    changed_.notify_all();
    return;
  }
  entry.later_after = kLaterAfter;
  if (run.next == SourceNext::kRoom && entry.room_bytes < entry.needed_bytes) {
    entry.state = State::kWaitsForRoom;
  } else {
    MakeReady(job, entry);
  }
}

void SourceQueue::Stop() {
  stop_.request_stop();
  absl::MutexLock lock(&mutex_);
  stopped_ = true;
  changed_.notify_all();
}

size_t SourceQueue::size() const {
  absl::MutexLock lock(&mutex_);
  return entries_.size();
}

void SourceQueue::MakeReady(const model::JobKey& job, Entry& entry) {
  entry.state = State::kReady;
  ready_.push_back(job);
  changed_.notify_one();
}

std::optional<model::JobKey> SourceQueue::TakeReady() {
  const int64_t now = clock_->SteadyNanos();
  while (!later_.empty() && later_.begin()->first <= now) {
    const model::JobKey due = later_.begin()->second;
    later_.erase(later_.begin());
    const auto found = entries_.find(due);
    if (found != entries_.end() && found->second.state == State::kLater) MakeReady(due, found->second);
  }
  while (!ready_.empty()) {
    model::JobKey job = std::move(ready_.front());
    ready_.pop_front();
    const auto found = entries_.find(job);
    if (found == entries_.end() || found->second.state != State::kReady) continue;
    found->second.state = State::kTaken;
    return job;
  }
  return std::nullopt;
}

}  // namespace millrace::background
