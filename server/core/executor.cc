#include "server/core/executor.h"

#include <utility>

namespace millrace::core {

Executor::Executor(int threads, size_t queue_max, size_t queue_bytes_max)
    : queue_max_(queue_max), queue_bytes_max_(queue_bytes_max) {
  threads_.reserve(static_cast<size_t>(threads));
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Loop(); });
}

Executor::~Executor() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
}

bool Executor::TrySubmit(Work work, size_t bytes) {
  absl::MutexLock lock(&mutex_);
  if (stopping_ || queue_.size() >= queue_max_) return false;
  if (!queue_.empty() && (bytes > queue_bytes_max_ || queued_bytes_ > queue_bytes_max_ - bytes)) return false;
  queue_.push_back({std::move(work), bytes});
  queued_bytes_ += bytes;
  return true;
}

void Executor::Loop() {
  for (;;) {
    Work work;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &Executor::HasWorkOrStops));
      if (queue_.empty()) return;
      work = std::move(queue_.front().work);
      queued_bytes_ -= queue_.front().bytes;
      queue_.pop_front();
    }
    work();
  }
}

}  // namespace millrace::core
