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

ProgressFeed::WatchId ProgressFeed::Watch(const model::JobKey& job, Watcher watcher) {
  absl::MutexLock lock(&mutex_);
  const WatchId id = next_id_++;
  watchers_[job].push_back({id, std::move(watcher)});
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

}  // namespace millrace::core
