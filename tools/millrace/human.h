// Numbers, sizes, durations and times as people read them.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace millrace::cli {

/// `1,234,567`.
std::string HumanCount(int64_t count);

/// With what is counted: `1 chunk`, `1,234 chunks`.
std::string HumanCount(int64_t count, const char* noun);

/// At most twelve significant digits, grouped: `20,060,335.15`.
std::string HumanNumber(double value);

/// In powers of 1,000, as limits are given: `70 MB`, `1.25 kB`, `17 B`.
std::string HumanBytes(int64_t bytes);

/// `850 us`, `12.5 ms`, `3.42 s`, `2m 05s`, `1h 02m`, `3d 04h`.
std::string HumanDuration(absl::Duration duration);

/// `2024-05-01 12:00:03` in `zone`; `-` for the infinite past.
std::string HumanTime(absl::Time time, absl::TimeZone zone);

/// A count over a duration: `81,234/s`; `-` when no time has passed.
std::string HumanRate(int64_t count, absl::Duration duration);

absl::Duration FromProto(const google::protobuf::Duration& duration);
absl::Time FromProto(const google::protobuf::Timestamp& time);

}  // namespace millrace::cli
