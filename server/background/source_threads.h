// The loop that reads sources: takes the next job, reads a piece, or some where that is cheaper, gives it back.
#pragma once

#include <thread>
#include <vector>

#include "server/background/source_queue.h"
#include "server/background/source_reader.h"

namespace millrace::background {

/// Owns `count` threads from construction until Stop.
class SourceThreads {
 public:
  /// Both must outlive the object.
  SourceThreads(int count, SourceQueue& queue, SourceReader& reader);
  ~SourceThreads() { Stop(); }
  SourceThreads(const SourceThreads&) = delete;
  SourceThreads& operator=(const SourceThreads&) = delete;

  /// Stops the queue, and ends each thread after the piece that it is at. Safe to call twice, from one thread.
  void Stop();

 private:
  SourceQueue& queue_;
  std::vector<std::thread> threads_;
};

}  // namespace millrace::background
