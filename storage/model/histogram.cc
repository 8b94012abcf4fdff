#include "storage/model/histogram.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace millrace::model {
namespace {

constexpr std::array kSecondsBounds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                       0.25,   0.5,   1.0,    2.5,   5.0,  10.0,  30.0};

}  // namespace

int64_t HistogramCounts::total() const { return std::accumulate(counts.begin(), counts.end(), int64_t{0}); }

Histogram::Histogram(std::span<const double> bounds)
    : bounds_(bounds.begin(), bounds.end()), counts_(bounds.size() + 1) {}

void Histogram::Add(double value) {
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  counts_[static_cast<size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

HistogramCounts Histogram::Read() const {
  HistogramCounts read{.bounds = bounds_, .counts = {}, .sum = sum_.load(std::memory_order_relaxed)};
  read.counts.reserve(counts_.size());
  for (const std::atomic<int64_t>& count : counts_) read.counts.push_back(count.load(std::memory_order_relaxed));
  return read;
}

std::span<const double> SecondsBounds() { return kSecondsBounds; }

}  // namespace millrace::model
