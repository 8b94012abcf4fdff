// Calls that run and calls that were: what a drain waits for, and what metrics show.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "storage/model/histogram.h"

namespace millrace::core {

/// The finished calls of one method.
struct MethodCalls {
  /// `millrace.v1.PipelineService/Push`, or `other`.
  std::string method;
  /// UPPER_SNAKE name of the code to count; codes that never came are left out.
  std::map<std::string, int64_t> by_code;
  /// How long they took, waiting included.
  model::HistogramCounts seconds;
};

/// Thread-safe and cheap: a call costs a look-up and a few atomic additions.
class CallLedger {
 public:
  /// A server has some dozens of methods. What is asked for beyond this many names is counted as `other`, so that a
  /// caller who makes up names cannot fill the memory.
  static constexpr size_t kMethodsMax = 200;

  void Began() { running_.fetch_add(1, std::memory_order_relaxed); }
  void Ended() { running_.fetch_sub(1, std::memory_order_relaxed); }

  /// A call was answered. `method` without the leading slash.
  void Answered(std::string_view method, absl::StatusCode code, absl::Duration took);

  /// Calls that have begun and not ended.
  int64_t running() const { return running_.load(std::memory_order_relaxed); }

  /// By method.
  std::vector<MethodCalls> Read() const;

 private:
  static constexpr size_t kCodes = 17;
  struct Method {
    std::atomic<int64_t> by_code[kCodes] = {};
    model::Histogram seconds{model::SecondsBounds()};
  };

  Method& Find(std::string_view method);

  std::atomic<int64_t> running_ = 0;
  mutable absl::Mutex mutex_;
  std::map<std::string, std::unique_ptr<Method>, std::less<>> methods_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace millrace::core
