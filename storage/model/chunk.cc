#include "storage/model/chunk.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace millrace::model {
namespace {

constexpr int kBucketBits = 3;
constexpr int32_t kBucketsPerPower = 1 << kBucketBits;

// Values below 8 have a bucket each; from there the three bits behind the leading one choose among eight. The
// numbers are stored.
int32_t BucketOf(int64_t nanos) {
  if (nanos < kBucketsPerPower) return static_cast<int32_t>(std::max<int64_t>(nanos, 0));
  const auto value = static_cast<uint64_t>(nanos);
  const int exponent = std::bit_width(value) - 1;
  const auto leading_bits = static_cast<int32_t>(value >> (exponent - kBucketBits));
  return (exponent - kBucketBits) * kBucketsPerPower + leading_bits;
}

// The largest value of a bucket.
int64_t UpperBound(int32_t bucket) {
  if (bucket < kBucketsPerPower) return bucket;
  const int shift = bucket / kBucketsPerPower - 1;
  const auto leading_bits = static_cast<uint64_t>(bucket % kBucketsPerPower + kBucketsPerPower);
  return static_cast<int64_t>(((leading_bits + 1) << shift) - 1);
}

}  // namespace

void RunTimeHistogram::Add(int64_t nanos) { ++buckets[BucketOf(nanos)]; }

void RunTimeHistogram::Merge(const RunTimeHistogram& other) {
  for (const auto& [bucket, count] : other.buckets) buckets[bucket] += count;
}

int64_t RunTimeHistogram::Quantile(double quantile) const {
  int64_t total = 0;
  for (const auto& [bucket, count] : buckets) total += count;
  const double share = std::clamp(quantile, 0.0, 1.0) * static_cast<double>(total);
  const int64_t rank = std::max<int64_t>(static_cast<int64_t>(std::ceil(share)), 1);
  int64_t below = 0;
  for (const auto& [bucket, count] : buckets) {
    below += count;
    if (below >= rank) return UpperBound(bucket);
  }
  return 0;
}

void NodeStatistics::Merge(const NodeStatistics& other) {
  record_count += other.record_count;
  success_count += other.success_count;
  failure_count += other.failure_count;
  hold_count += other.hold_count;
  skipped_count += other.skipped_count;
  run_nanos += other.run_nanos;
  max_nanos = std::max(max_nanos, other.max_nanos);
  run_times.Merge(other.run_times);
}

}  // namespace millrace::model
