#include "server/core/progress_feed.h"

#include <utility>

namespace millrace::core {

void ProgressFeed::OnJobChanged(const model::JobPtr& job) {
  absl::MutexLock lock(&mutex_);
  if (watchers_.empty()) return;
  const auto it = watchers_.find(job->key());
  if (it == watchers_.end()) return;
  std::erase_if(it->second, [&](Entry& entry) { return entry.watcher(job); });
  if (it->second.empty()) watchers_.erase(it);
}

ProgressFeed::WatchId ProgressFeed::Watch(const model::JobKey& job, Watcher watcher, Closed closed) {
  absl::MutexLock lock(&mutex_);
  const WatchId id = next_id_++;
  if (!is_closed_) {
    watchers_[job].push_back({id, std::move(watcher), std::move(closed)});
  } else if (closed != nullptr) {
    closed();
  }
  return id;
}

bool ProgressFeed::Unwatch(const model::JobKey& job, WatchId id) {
  absl::MutexLock lock(&mutex_);
  const auto it = watchers_.find(job);
  if (it == watchers_.end()) return false;
  const bool removed = std::erase_if(it->second, [&](const Entry& entry) { return entry.id == id; }) > 0;
  if (it->second.empty()) watchers_.erase(it);
  return removed;
}

void ProgressFeed::Close() {
  absl::MutexLock lock(&mutex_);
  is_closed_ = true;
  for (auto& [job, entries] : watchers_) {
    for (Entry& entry : entries) {
      if (entry.closed != nullptr) entry.closed();
    }
  }
  watchers_.clear();
}

}  // namespace millrace::core
