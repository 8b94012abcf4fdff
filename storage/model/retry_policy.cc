#include "storage/model/retry_policy.h"

#include <algorithm>
#include <cmath>

namespace millrace::model {
namespace {

/// A number from 0 up to but not including 1 that follows from `seed` alone. SplitMix64.
double FractionOf(uint64_t seed) {
  uint64_t z = seed + 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  z ^= z >> 31;
  return std::ldexp(static_cast<double>(z >> 11), -53);
}

}  // namespace

absl::Duration BackoffAfter(const RetryPolicy& policy, int32_t attempt, uint64_t seed) {
  // Beyond 2^40 times a millisecond every backoff is at its longest.
  const double factor = std::ldexp(1.0, std::clamp(attempt - 1, 0, 40));
  const absl::Duration whole = std::min(policy.max_backoff, policy.initial_backoff * factor);
  return whole * (1.0 - 0.25 * FractionOf(seed + static_cast<uint64_t>(attempt)));
}

}  // namespace millrace::model
