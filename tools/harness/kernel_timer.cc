#include "tools/harness/kernel_timer.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace millrace::harness {

void PauseFor(absl::Duration length) {
  if (length <= absl::ZeroDuration()) return;
  const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  if (timer < 0) return;
  itimerspec when{};
  when.it_value = absl::ToTimespec(length);
  uint64_t expirations = 0;
  if (timerfd_settime(timer, 0, &when, nullptr) == 0) {
    while (read(timer, &expirations, sizeof expirations) < 0 && errno == EINTR) {
    }
  }
  close(timer);
}

}  // namespace millrace::harness
