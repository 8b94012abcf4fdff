#include "server/background/clock_watcher.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "spdlog/spdlog.h"

namespace millrace::background {
namespace {

std::string Warning(absl::Duration jump) {
  const std::string by = absl::FormatDuration(absl::Trunc(absl::AbsDuration(jump), absl::Seconds(1)));
  const std::string unharmed = "; throttles, backoffs, idle timeouts and waits do not follow it";
  if (jump < absl::ZeroDuration()) {
    return absl::StrCat(
        "the clock was set back by ", by,
        "; until it has caught up, what happens is stamped earlier than what happened before, schedules "
        "wait for their next time, and jobs are kept for so much longer than their retention",
        unharmed);
  }
  return absl::StrCat("the clock was set forward by ", by,
                      ", or the machine slept; schedules catch up with what they missed as they are told to, and jobs "
                      "whose retention is over by the new time are deleted",
                      unharmed);
}

}  // namespace

absl::Duration ClockWatcher::Offset() const {
  return clock_.Now() - absl::UnixEpoch() - absl::Nanoseconds(clock_.SteadyNanos());
}

absl::Duration ClockWatcher::RunOnce() {
  const absl::Duration offset = Offset();
  const absl::Duration jump = offset - offset_;
  if (absl::AbsDuration(jump) < kJumpMin) return absl::ZeroDuration();
  offset_ = offset;
  spdlog::warn("{}", Warning(jump));
  return jump;
}

}  // namespace millrace::background
