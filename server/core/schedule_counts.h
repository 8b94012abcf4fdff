// What schedules did since the server started, and how they are.
#pragma once

#include <atomic>
#include <cstdint>

namespace millrace::core {

/// Each member may be read and changed by any thread.
struct ScheduleCounts {
  // Runs, since the server started.

  /// With a job; told when that is submitted, and so once more where the server died before it had noted that.
  std::atomic<int64_t> submitted = 0;
  /// Whose job has ended.
  std::atomic<int64_t> completed = 0;
  std::atomic<int64_t> skipped = 0;
  std::atomic<int64_t> refused = 0;
  /// Fire times that have no run of their own.
  std::atomic<int64_t> missed = 0;

  // Schedules, now.

  /// Fire some time, or have a run that is not over.
  std::atomic<int64_t> active = 0;
  std::atomic<int64_t> paused = 0;
  /// Came to their end.
  std::atomic<int64_t> ended = 0;
  /// Unix seconds of the fire time that comes next; 0: there is none. In the past: schedules are behind.
  std::atomic<int64_t> next_fire_seconds = 0;
};

}  // namespace millrace::core
