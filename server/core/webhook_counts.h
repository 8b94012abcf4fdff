// What became of what webhooks were to be told, counted since the server started.
#pragma once

#include <atomic>
#include <cstdint>

namespace millrace::core {

/// Each member may be read and changed by any thread.
struct WebhookCounts {
  std::atomic<int64_t> delivered = 0;
  /// Attempts that failed, and are repeated.
  std::atomic<int64_t> failed_attempts = 0;
  std::atomic<int64_t> given_up = 0;
  /// Not delivered and not given up, now.
  std::atomic<int64_t> waiting = 0;
};

}  // namespace millrace::core
