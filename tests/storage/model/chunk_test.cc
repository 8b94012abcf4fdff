#include "storage/model/chunk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace millrace::model {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

RunTimeHistogram HistogramOf(const std::vector<int64_t>& values) {
  RunTimeHistogram histogram;
  for (const int64_t value : values) histogram.Add(value);
  return histogram;
}

TEST(RunTimeHistogramTest, AnEmptyOneHasNoQuantiles) {
  EXPECT_EQ(RunTimeHistogram().Quantile(0.5), 0);
  EXPECT_EQ(RunTimeHistogram().Quantile(1), 0);
}

TEST(RunTimeHistogramTest, KeepsEachSmallValueExactly) {
  for (int64_t value = 0; value < 16; ++value) EXPECT_EQ(HistogramOf({value}).Quantile(0.5), value);
}

TEST(RunTimeHistogramTest, QuantilesAreAtMostAnEighthAboveTheTruth) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 2000; ++round) {
    const auto value = static_cast<int64_t>(random() >> (1 + random() % 62));
    const int64_t seen = HistogramOf({value}).Quantile(0.5);
    EXPECT_GE(seen, value);
    EXPECT_LE(seen - value, value / 8) << value;
  }
}

TEST(RunTimeHistogramTest, HoldsTheExtremes) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(HistogramOf({kMax}).Quantile(1), kMax);
  EXPECT_EQ(HistogramOf({-5}).Quantile(1), 0);
}

TEST(RunTimeHistogramTest, HasEightBucketsPerPowerOfTwo) {
  RunTimeHistogram histogram;
  for (int64_t value = 1024; value < 2048; ++value) histogram.Add(value);
  EXPECT_EQ(histogram.buckets.size(), 8);
  for (const auto& [bucket, count] : histogram.buckets) EXPECT_EQ(count, 128) << bucket;
}

TEST(RunTimeHistogramTest, BucketNumbersNeverChange) {
  EXPECT_THAT(HistogramOf({0, 7, 8, 15, 16, 17, 1000, 1'000'000}).buckets,
              ElementsAre(Pair(0, 1), Pair(7, 1), Pair(8, 1), Pair(15, 1), Pair(16, 2), Pair(63, 1), Pair(143, 1)));
}

TEST(RunTimeHistogramTest, QuantilesFollowTheRank) {
  const RunTimeHistogram histogram = HistogramOf({1, 2, 3, 4});
  EXPECT_EQ(histogram.Quantile(0), 1);
  EXPECT_EQ(histogram.Quantile(0.25), 1);
  EXPECT_EQ(histogram.Quantile(0.26), 2);
  EXPECT_EQ(histogram.Quantile(0.5), 2);
  EXPECT_EQ(histogram.Quantile(0.95), 4);
  EXPECT_EQ(histogram.Quantile(1), 4);
  EXPECT_EQ(histogram.Quantile(-1), 1);
  EXPECT_EQ(histogram.Quantile(2), 4);
}

TEST(RunTimeHistogramTest, QuantilesOfManyValuesStayWithinAnEighth) {
  std::mt19937_64 random(8);
  std::vector<int64_t> values;
  for (int i = 0; i < 10'001; ++i) values.push_back(static_cast<int64_t>(random() % 5'000'000));
  const RunTimeHistogram histogram = HistogramOf(values);
  std::sort(values.begin(), values.end());
  for (const double quantile : {0.5, 0.95, 0.99}) {
    const auto rank = static_cast<size_t>(std::ceil(quantile * static_cast<double>(values.size())));
    const int64_t truth = values[rank - 1];
    EXPECT_GE(histogram.Quantile(quantile), truth);
    EXPECT_LE(histogram.Quantile(quantile), truth + truth / 8);
  }
}

TEST(RunTimeHistogramTest, MergingIsAddingAll) {
  RunTimeHistogram one = HistogramOf({1, 100, 5'000});
  one.Merge(HistogramOf({100, 70'000}));
  EXPECT_EQ(one.buckets, HistogramOf({1, 100, 5'000, 100, 70'000}).buckets);
}

TEST(NodeStatisticsTest, MergingAddsSumsAndKeepsTheGreatestTime) {
  NodeStatistics one{.record_count = 10,
                     .success_count = 5,
                     .failure_count = 2,
                     .hold_count = 1,
                     .skipped_count = 2,
                     .run_nanos = 100,
                     .max_nanos = 30,
                     .run_times = HistogramOf({30})};
  const NodeStatistics two{.record_count = 1,
                           .success_count = 2,
                           .failure_count = 3,
                           .hold_count = 4,
                           .skipped_count = 5,
                           .run_nanos = 6,
                           .max_nanos = 20,
                           .run_times = HistogramOf({20})};
  one.Merge(two);
  EXPECT_EQ(one.record_count, 11);
  EXPECT_EQ(one.success_count, 7);
  EXPECT_EQ(one.failure_count, 5);
  EXPECT_EQ(one.hold_count, 5);
  EXPECT_EQ(one.skipped_count, 7);
  EXPECT_EQ(one.run_nanos, 106);
  EXPECT_EQ(one.max_nanos, 30);
  EXPECT_EQ(one.run_times.buckets, HistogramOf({20, 30}).buckets);
  NodeStatistics reversed = two;
  reversed.Merge(one);
  EXPECT_EQ(reversed.max_nanos, 30);
}

}  // namespace
}  // namespace millrace::model
