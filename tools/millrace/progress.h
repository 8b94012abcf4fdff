// Tells the user how a run goes: a bar on a terminal, a line every few seconds elsewhere.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/cpp/clock.h"

namespace millrace::cli {

/// How far a run is.
struct ProgressState {
  /// Records whose outcome is written.
  int64_t records = 0;
  int64_t failed = 0;
  /// The share of the input that they are, 0 to 1. Absent while the size of the input is not known.
  std::optional<double> share;
};

struct ProgressOptions {
  /// Null: says nothing at all.
  std::ostream* out = nullptr;
  /// Draw a bar on one line that is rewritten; otherwise print lines.
  bool bar = false;
  /// False: says what happens but draws neither bar nor lines.
  bool updates = true;
  int columns = 80;
};

/// Shows progress. Thread-safe.
class Progress {
 public:
  /// `timer` must outlive the progress.
  Progress(ProgressOptions options, client::Clock* timer);

  /// Shows the state, unless it was shown a moment ago.
  void Update(const ProgressState& state);

  /// Prints a line that stays.
  void Say(std::string_view line);

  /// A call failed and is going to be repeated. Says once per outage that the server is away.
  void OnRetry(const absl::Status& failure);

  /// A call succeeded. Ends an outage.
  void OnReply();

  /// Shows the last state and ends the line of the bar.
  void Finish(const ProgressState& state);

  /// Time since the progress was made.
  absl::Duration elapsed() const { return timer_->Elapsed() - start_; }

 private:
  struct Sample {
    ProgressState state;
    absl::Duration time;
  };

  void MoveAnchor(const ProgressState& state, absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Show(const ProgressState& state) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ClearBar() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const ProgressOptions options_;
  client::Clock* const timer_;
  const absl::Duration start_;

  absl::Mutex mutex_;
  absl::Duration last_shown_ ABSL_GUARDED_BY(mutex_);
  bool bar_visible_ ABSL_GUARDED_BY(mutex_) = false;
  bool server_away_ ABSL_GUARDED_BY(mutex_) = false;
  /// What the speed is measured from, ten to twenty seconds back: an outage, or results that were there before this
  /// process, soon do not count any more. `next_anchor_` takes its place.
  std::optional<Sample> anchor_ ABSL_GUARDED_BY(mutex_);
  Sample next_anchor_ ABSL_GUARDED_BY(mutex_);
};

/// One line about a state: the bar in at most `columns` columns, or the plain line. `rate` in records a second, 0 when
/// not known.
std::string RenderProgressBar(const ProgressState& state, double rate, std::optional<absl::Duration> remaining,
                              int columns);
std::string RenderProgressLine(const ProgressState& state, double rate, std::optional<absl::Duration> remaining);

}  // namespace millrace::cli
