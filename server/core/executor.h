// A bounded pool of threads for work that blocks on storage, so that no gRPC reaction ever does.
#pragma once

#include <cstddef>
#include <deque>
#include <limits>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"

namespace millrace::core {

/// Thread-safe. The destructor runs what is queued and joins the threads.
class Executor {
 public:
  using Work = absl::AnyInvocable<void()>;

  /// `queue_max` bounds how much work may wait besides what runs, and `queue_bytes_max` what that work holds in memory.
  Executor(int threads, size_t queue_max, size_t queue_bytes_max = std::numeric_limits<size_t>::max());
  ~Executor();

  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  /// Queues work that holds `bytes` of memory; false, and the work is not run, when the queue is full. Where nothing
  /// waits, work is taken whatever it holds.
  [[nodiscard]] bool TrySubmit(Work work, size_t bytes = 0);

 private:
  void Loop();
  bool HasWorkOrStops() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return stopping_ || !queue_.empty(); }

  struct Entry {
    Work work;
    size_t bytes = 0;
  };

  const size_t queue_max_;
  const size_t queue_bytes_max_;
  absl::Mutex mutex_;
  std::deque<Entry> queue_ ABSL_GUARDED_BY(mutex_);
  /// What the queue holds; never more than queue_bytes_max_, but for one entry alone.
  size_t queued_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace millrace::core
