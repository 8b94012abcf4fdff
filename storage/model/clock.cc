#include "storage/model/clock.h"

#include <chrono>

namespace millrace::model {

absl::Time SystemClock::Now() const { return absl::Now(); }

int64_t SystemClock::SteadyNanos() const {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

const SystemClock* SystemClock::Get() {
  static const SystemClock clock;
  return &clock;
}

}  // namespace millrace::model
