// Tells who waits for a job when it changes: long polls now, watching streams later.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"
#include "storage/store/job_store.h"

namespace millrace::core {

/// Thread-safe.
class ProgressFeed final : public store::JobObserver {
 public:
  /// Sees a change of the job; returns true when it has seen enough and is to be removed. Runs on the commit lane:
  /// must be short and must not call the feed.
  using Watcher = absl::AnyInvocable<bool(const model::JobPtr&)>;
  using WatchId = uint64_t;

  void OnJobChanged(const model::JobPtr& job) override;

  /// Runs once, when the feed is closed before its watcher is gone. The same rules apply.
  using Closed = absl::AnyInvocable<void()>;

  /// Registers a watcher. A change before this call is not seen: look at the job after calling.
  /// Where the feed is closed already, `closed` runs at once.
  WatchId Watch(const model::JobKey& job, Watcher watcher, Closed closed = nullptr);

  /// Removes a watcher. False when it is gone already. Afterwards it does not run and will not.
  bool Unwatch(const model::JobKey& job, WatchId id);

  /// The server is about to end: removes every watcher and tells it, so that nobody waits for what will not happen.
  void Close();

 private:
  struct Entry {
    WatchId id;
    Watcher watcher;
    Closed closed;
  };
  absl::Mutex mutex_;
  bool is_closed_ ABSL_GUARDED_BY(mutex_) = false;
  WatchId next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  absl::flat_hash_map<model::JobKey, std::vector<Entry>> watchers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace millrace::core
