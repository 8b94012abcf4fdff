// The one loop of all background work: runs a piece of work, waits, runs it again. What the work does, and when there is
// something to do, is the work's own business, which makes it testable without a thread.
#pragma once

#include <condition_variable>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "storage/model/clock.h"

namespace millrace::background {

/// Owns one thread from construction until Stop.
class Ticker {
 public:
  /// Does a piece of the work. True: there is more, do not wait.
  using Work = absl::AnyInvocable<bool()>;

  /// Runs `work` at once, and then `interval` after each run that left nothing to do. `clock` must outlive the ticker.
  Ticker(const model::Clock* clock, absl::Duration interval, Work work);
  ~Ticker() { Stop(); }
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

  /// Ends the thread after the run that it is in. Safe to call twice, from one thread.
  void Stop();

 private:
  void Run();

  /// False once stopped.
  bool AwaitNext(absl::Duration wait);

  const model::Clock* const clock_;
  const absl::Duration interval_;
  Work work_;

  absl::Mutex mutex_;
  std::condition_variable_any changed_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;

  /// Last: it uses all of the above.
  std::thread thread_;
};

}  // namespace millrace::background
