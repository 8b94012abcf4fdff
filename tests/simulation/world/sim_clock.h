// A clock whose wall time may jump in both directions while its steady time goes on.
#pragma once

#include <cstdlib>

#include "storage/model/clock.h"

namespace millrace::simulation {

class SimClock final : public model::Clock {
 public:
  absl::Time Now() const override { return wall_; }
  int64_t SteadyNanos() const override { return steady_nanos_; }
  /// Nobody waits: there is one thread.
  void WaitUntil(std::condition_variable_any&, absl::Mutex&, int64_t) const override { std::abort(); }

  void Advance(absl::Duration length) {
    wall_ += length;
    steady_nanos_ += absl::ToInt64Nanoseconds(length);
  }
  void Jump(absl::Duration by) { wall_ += by; }

 private:
  absl::Time wall_ = absl::FromUnixSeconds(1'704'067'200);
  int64_t steady_nanos_ = 0;
};

}  // namespace millrace::simulation
