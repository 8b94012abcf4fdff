// The yardstick: a bare prototype of push, evaluate, store and pull without any product code, run beside the product in
// the same session.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "absl/status/statusor.h"

namespace millrace::bench {

/// Medians over the prototype's own repetitions.
struct YardstickReport {
  double records_per_second = 0;
  double latency_p50_ms = 0;
  double latency_p99_ms = 0;
};

/// Runs the prototype with lz4, one evaluator and fdatasync. `formula` is A or B; `window` is how many chunks of 300
/// records it keeps in flight.
absl::StatusOr<YardstickReport> RunYardstick(const std::filesystem::path& binary, char formula, int64_t chunks,
                                             int window);

}  // namespace millrace::bench
