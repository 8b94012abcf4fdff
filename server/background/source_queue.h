// Whose source is read next.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <stop_token>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/background/source_reader.h"
#include "storage/model/clock.h"
#include "storage/store/job_store.h"

namespace millrace::background {

/// All jobs whose source is to be read, one after the other, a piece each. Hears from the store when a buffer has room again
/// and when a job takes no more input. Thread-safe.
class SourceQueue final : public store::JobObserver {
 public:
  /// `clock` must outlive the object.
  explicit SourceQueue(const model::Clock* clock) : clock_(clock) {}

  void OnJobChanged(const model::JobPtr& job) override;

  /// Waits for a job whose source is to be read, and hands it to the caller alone, who calls Return when done. nullopt
  /// once stopped.
  std::optional<model::JobKey> Take();

  /// The same without waiting: nullopt also where there is none at this moment.
  std::optional<model::JobKey> TryTake();

  void Return(const model::JobKey& job, const SourceRun& run);

  /// Nothing is handed out from now on.
  void Stop();

  /// Hears of Stop.
  std::stop_token stop_token() const { return stop_.get_token(); }

  /// Jobs whose source is not read to its end.
  size_t size() const;

  /// After SourceNext::kLater; twice as long after each further one in a row, up to kLaterMax.
  static constexpr absl::Duration kLaterAfter = absl::Seconds(1);
  static constexpr absl::Duration kLaterMax = absl::Seconds(32);

 private:
  enum class State { kReady, kTaken, kWaitsForRoom, kLater };
  struct Entry {
    State state = State::kReady;
    /// While taken: the job takes no more input.
    bool is_over = false;
    /// While taken: there is another job of this id by now.
    bool is_anew = false;
    int64_t room_bytes = 0;
    int64_t needed_bytes = 0;
    /// How long after the next kLater.
    absl::Duration later_after = kLaterAfter;
  };

  void MakeReady(const model::JobKey& job, Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::optional<model::JobKey> TakeReady() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const model::Clock* const clock_;
  std::stop_source stop_;

  mutable absl::Mutex mutex_;
  std::condition_variable_any changed_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  absl::flat_hash_map<model::JobKey, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  /// In the order of their turns. What is over, or taken already, is passed over when its turn comes.
  std::deque<model::JobKey> ready_ ABSL_GUARDED_BY(mutex_);
  /// By the steady time at which to try again.
  std::multimap<int64_t, model::JobKey> later_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace millrace::background
