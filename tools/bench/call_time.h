// How long a call takes.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "tools/bench/figures.h"
#include "tools/bench/stand.h"

namespace millrace::bench {

/// The median milliseconds of a call.
template <typename Call>
absl::StatusOr<double> MillisOf(const Call& call) {
  std::vector<double> millis;
  for (int i = 0; i < 9; ++i) {
    const double begin = Seconds();
    if (const auto reply = call(); !reply.ok()) return reply.status();
    millis.push_back((Seconds() - begin) * 1e3);
  }
  return Percentile(millis, 0.5);
}

}  // namespace millrace::bench
