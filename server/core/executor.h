// A bounded pool of threads for work that blocks on storage, so that no gRPC reaction ever does.
#pragma once

#include <cstddef>
#include <deque>
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

  /// `queue_max` bounds what may wait besides what runs.
  Executor(int threads, size_t queue_max);
  ~Executor();

  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  /// Queues the work; false, and the work is not run, when the queue is full.
  [[nodiscard]] bool TrySubmit(Work work);

 private:
  void Loop();
  bool HasWorkOrStops() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return stopping_ || !queue_.empty(); }

  const size_t queue_max_;
  absl::Mutex mutex_;
  std::deque<Work> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace millrace::core
