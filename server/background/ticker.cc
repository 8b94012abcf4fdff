#include "server/background/ticker.h"

#include <utility>

namespace millrace::background {

Ticker::Ticker(const model::Clock* clock, absl::Duration interval, Work work)
    : clock_(clock), interval_(interval), work_(std::move(work)), thread_([this] { Run(); }) {}

void Ticker::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Ticker::Run() {
  while (AwaitNext(work_() ? absl::ZeroDuration() : interval_)) {
  }
}

bool Ticker::AwaitNext(absl::Duration wait) {
  const int64_t next_nanos = clock_->SteadyNanos() + absl::ToInt64Nanoseconds(wait);
  absl::MutexLock lock(&mutex_);
  while (!stopped_ && clock_->SteadyNanos() < next_nanos) clock_->WaitUntil(changed_, mutex_, next_nanos);
  return !stopped_;
}

}  // namespace millrace::background
