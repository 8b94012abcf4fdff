// Notices that the clock of the machine was set, and says in the log what follows from that.
#pragma once

#include "absl/time/time.h"
#include "storage/model/clock.h"

namespace millrace::background {

/// For one thread, without a thread of its own: see Ticker.
class ClockWatcher {
 public:
  /// What is less stays unsaid: a clock that is kept right by small steps harms nobody.
  static constexpr absl::Duration kJumpMin = absl::Minutes(1);

  /// Compares with how things stand now. `clock` must outlive the object.
  explicit ClockWatcher(const model::Clock& clock) : clock_(clock), offset_(Offset()) {}

  /// Compares how far wall time and steady time have come. Where they are kJumpMin apart or more since they last were
  /// told apart, it logs one warning and returns by how much the wall time was set: more than 0 forward, less than 0 back.
  /// Otherwise 0.
  absl::Duration RunOnce();

 private:
  /// What the wall time is ahead of the steady time.
  absl::Duration Offset() const;

  const model::Clock& clock_;
  absl::Duration offset_;
};

}  // namespace millrace::background
