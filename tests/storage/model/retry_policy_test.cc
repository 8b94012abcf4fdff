#include "storage/model/retry_policy.h"

#include <gtest/gtest.h>

#include <set>

namespace millrace::model {
namespace {

const RetryPolicy kPolicy = {.max_attempts = 10, .initial_backoff = absl::Seconds(1), .max_backoff = absl::Seconds(30)};

TEST(RetryPolicyTest, TheBackoffDoublesUpToItsLongest) {
  const int64_t whole_seconds[] = {1, 2, 4, 8, 16, 30, 30};
  for (int32_t attempt = 1; attempt <= 7; ++attempt) {
    const absl::Duration whole = absl::Seconds(whole_seconds[attempt - 1]);
    for (uint64_t seed = 0; seed < 100; ++seed) {
      const absl::Duration backoff = BackoffAfter(kPolicy, attempt, seed);
      EXPECT_LE(backoff, whole) << attempt << " " << seed;
      EXPECT_GT(backoff, 0.75 * whole) << attempt << " " << seed;
    }
  }
}

TEST(RetryPolicyTest, ChunksThatFailedTogetherComeBackApart) {
  std::set<absl::Duration> backoffs;
  for (uint64_t seed = 0; seed < 100; ++seed) backoffs.insert(BackoffAfter(kPolicy, 3, seed));
  EXPECT_EQ(backoffs.size(), 100u);
}

TEST(RetryPolicyTest, TheSameSeedGivesTheSameBackoff) {
  EXPECT_EQ(BackoffAfter(kPolicy, 2, 7), BackoffAfter(kPolicy, 2, 7));
}

TEST(RetryPolicyTest, AHundredAttemptsDoNotOverflow) {
  const RetryPolicy longest = {.max_attempts = 100, .initial_backoff = absl::Hours(24), .max_backoff = absl::Hours(24)};
  EXPECT_LE(BackoffAfter(longest, 100, 1), absl::Hours(24));
  EXPECT_GE(BackoffAfter(longest, 100, 1), absl::Hours(18));
}

}  // namespace
}  // namespace millrace::model
