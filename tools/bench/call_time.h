// How long a call takes.
#pragma once

#include <string>
#include <utility>
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

/// Adds the time of a call that should answer at once: within 50 ms.
template <typename Call>
absl::Status AddMillis(Report& report, std::string name, const Call& call) {
  constexpr double kMillisAim = 50;
  const absl::StatusOr<double> millis = MillisOf(call);
  if (!millis.ok()) return millis.status();
  report.figures.push_back({std::move(name), *millis, "ms", Aim{Aim::Kind::kAtMost, kMillisAim}});
  return absl::OkStatus();
}

}  // namespace millrace::bench
