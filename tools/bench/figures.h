// What a scenario measured: a list of figures, printed as a table, kept as JSON, and compared with an earlier run.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace millrace::bench {

/// What a figure should be. A figure that misses its aim is marked, and nothing else: a slow machine fails no test.
struct Aim {
  enum class Kind { kAtLeast, kAtMost };
  Kind kind = Kind::kAtLeast;
  double bound = 0;
};

/// One number of a scenario.
struct Figure {
  /// Unique within its scenario: `formula A, rate`.
  std::string name;
  double value = 0;
  /// `records/s`, `us`, `ms`, `MiB`, `ratio`, …
  std::string unit;
  std::optional<Aim> aim;
};

/// The figures of one scenario, in the order in which they are printed.
struct Report {
  std::string scenario;
  std::vector<Figure> figures;
};

bool Meets(const Figure& figure, const Aim& aim);

/// Figures of an earlier run, by `scenario/figure`.
using Baseline = std::map<std::string, double>;

/// A table of the figures, with their aims, and with the ratio to `baseline` where that has the figure.
std::string RenderTable(const Report& report, const Baseline& baseline);

/// All reports as one JSON object: `{"scenario/figure": value, …}`.
std::string ToJson(const std::vector<Report>& reports);

/// Reads what ToJson wrote. INVALID_ARGUMENT names the file.
absl::StatusOr<Baseline> ReadBaseline(const std::string& file);

/// The value that `share` (0 to 1) of `values` stay at or below. 0 for none. Sorts `values`.
double Percentile(std::vector<double>& values, double share);

/// The median of `values[i] / base[i]`, each pair measured one right behind the other: a machine that gets slower meanwhile
/// does so for both. 0 for none.
double MedianRatio(const std::vector<double>& values, const std::vector<double>& base);

}  // namespace millrace::bench
