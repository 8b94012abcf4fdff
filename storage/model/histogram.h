// Counts of measured values in fixed buckets: what is watched from outside, cheap enough to be fed on every call.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace millrace::model {

/// What a Histogram held at one moment.
struct HistogramCounts {
  /// Upper bounds, ascending. A value belongs to the first bucket whose bound it does not exceed.
  std::vector<double> bounds;
  /// One a bound, and one more for what exceeds them all. Not cumulative.
  std::vector<int64_t> counts;
  /// Of all values.
  double sum = 0;

  int64_t total() const;
};

/// Thread-safe, without locks: a reader may see a value in `sum` that is not in `counts` yet, or the other way round.
class Histogram {
 public:
  /// `bounds` as in HistogramCounts.
  explicit Histogram(std::span<const double> bounds);

  void Add(double value);
  HistogramCounts Read() const;

 private:
  const std::vector<double> bounds_;
  std::vector<std::atomic<int64_t>> counts_;
  std::atomic<double> sum_ = 0;
};

/// Bounds in seconds for what takes between half a millisecond and half a minute.
std::span<const double> SecondsBounds();

}  // namespace millrace::model
