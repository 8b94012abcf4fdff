#include <chrono>
#include <condition_variable>
#include <mutex>

#include "client/cpp/clock.h"

namespace millrace::client {
namespace {

// The only place of the SDK that reads the machine's clock and sleeps.
class MachineClock final : public Clock {
 public:
  absl::Duration Elapsed() override { return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch()); }

  // The standard library's condition variable, because it can wait on a stop token.
  bool Sleep(absl::Duration duration, std::stop_token stop) override {
    std::mutex mutex;
    std::condition_variable_any never_notified;
    std::unique_lock lock(mutex);
    never_notified.wait_for(lock, stop, absl::ToChronoNanoseconds(duration), [] { return false; });
    return !stop.stop_requested();
  }
};

}  // namespace

Clock* SystemClock() {
  static MachineClock clock;
  return &clock;
}

}  // namespace millrace::client
