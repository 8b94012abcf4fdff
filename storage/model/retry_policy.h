// When what failed is tried again. Pure: chance comes in as a seed.
#pragma once

#include <cstdint>

#include "absl/time/time.h"
#include "storage/model/job.h"

namespace millrace::model {

/// The wait behind failed attempt number `attempt`, from 1: min(max_backoff, initial_backoff * 2^(attempt - 1)), shortened
/// by up to a quarter. `seed` decides by how much: the same for the same seed and attempt.
absl::Duration BackoffAfter(const RetryPolicy& policy, int32_t attempt, uint64_t seed);

}  // namespace millrace::model
