#include "server/background/source_threads.h"

#include <optional>

namespace millrace::background {

SourceThreads::SourceThreads(int count, SourceQueue& queue, SourceReader& reader) : queue_(queue) {
  for (int i = 0; i < count; ++i) {
    threads_.emplace_back([&queue, &reader] {
      for (std::optional<model::JobKey> job; (job = queue.Take()).has_value();)
        queue.Return(*job, reader.RunTurn(*job, queue.stop_token()));
    });
  }
}

void SourceThreads::Stop() {
  queue_.Stop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace millrace::background
