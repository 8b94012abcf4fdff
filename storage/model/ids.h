// Ids: which are valid, and new ones made without coordination.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "storage/model/clock.h"
#include "storage/model/limits.h"

namespace millrace::model {

/// OK for 1 to `bytes_max` of the characters A-Z a-z 0-9 . _ : -, so that an id can stand in a URL, a file name, a
/// shell line and a key. Otherwise INVALID_ARGUMENT naming `field`.
absl::Status ValidateId(std::string_view field, std::string_view id, size_t bytes_max = kIdBytesMax);

/// Makes ids of 26 lower-case characters that sort by the time they were made: 48 bits of milliseconds and 80 random
/// bits in Crockford's base 32 (the layout of ULID). Thread-safe.
class IdGenerator {
 public:
  /// `clock` must outlive the generator. The same seed and clock give the same ids: seed from std::random_device
  /// outside tests.
  IdGenerator(const Clock* clock, uint64_t seed);

  std::string Next();

 private:
  const Clock* const clock_;
  absl::Mutex mutex_;
  std::mt19937_64 random_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace millrace::model
