// Reads a PullStream ahead of its user, up to a bound.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/cpp/stream.h"

namespace millrace::client::internal {

/// One stream and the thread that reads it. One thread takes.
class ResultFeed {
 public:
  /// What has come: results, or the end, or neither when time was up.
  struct Page {
    std::deque<v1::ChunkResult> results;
    /// The last one that came with the results or with the end.
    std::optional<v1::PipelineStatus> status;
    /// No result will ever follow these.
    bool drained = false;
    /// How the stream ended. Comes without results, behind all of them. Not set while the stream lives.
    std::optional<absl::Status> ended;
  };

  /// Writes `start` and begins to read.
  ResultFeed(std::unique_ptr<PullStreamCall> stream, const v1::PullStreamStart& start);
  /// Cancels the stream.
  ~ResultFeed();

  /// Waits for something to come, at most for `timeout`, and takes at most `results_max` results.
  Page Take(int results_max, absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mutex_);

  /// Tells the server, which does not answer, that the results up to `number` are taken.
  void Acknowledge(int64_t number);

 private:
  void Read() ABSL_LOCKS_EXCLUDED(mutex_);

  const std::unique_ptr<PullStreamCall> stream_;

  absl::Mutex mutex_;
  std::deque<v1::ChunkResult> results_ ABSL_GUARDED_BY(mutex_);
  int64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<v1::PipelineStatus> status_ ABSL_GUARDED_BY(mutex_);
  bool drained_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<absl::Status> ended_ ABSL_GUARDED_BY(mutex_);

  std::thread reader_;
};

}  // namespace millrace::client::internal
