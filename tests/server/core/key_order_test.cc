#include "server/core/key_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <utility>

#include "tests/server/core/scheduler_world.h"

namespace millrace::core {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kStart = absl::UnixEpoch();

TEST(KeyOrderTest, AChunkWaitsForEachUnfinishedChunkBeforeItThatHoldsAKeyOfIt) {
  KeyOrder order;
  order.Enter(1, {10, 11});
  order.Enter(2, {20});
  order.Enter(3, {11, 20});
  order.Enter(4, {30});
  EXPECT_EQ(order.Blocker(1), 0);
  EXPECT_EQ(order.Blocker(2), 0);
  EXPECT_EQ(order.Blocker(3), 1);
  EXPECT_EQ(order.Blocker(4), 0);
  EXPECT_THAT(order.Leave(1), IsEmpty());
  EXPECT_EQ(order.Blocker(3), 2);
  EXPECT_THAT(order.Leave(2), ElementsAre(3));
  EXPECT_EQ(order.Blocker(3), 0);
}

TEST(KeyOrderTest, ChunksWithOneKeyGoOneByOne) {
  KeyOrder order;
  for (int64_t sequence = 1; sequence <= 3; ++sequence) order.Enter(sequence, {7});
  EXPECT_EQ(order.Blocker(3), 2) << "which itself waits for the first";
  EXPECT_THAT(order.Leave(1), ElementsAre(2));
  EXPECT_THAT(order.Leave(2), ElementsAre(3));
}

TEST(KeyOrderTest, WhatIsOverLeavesNothingBehind) {
  KeyOrder order;
  order.Enter(1, {7, 8});
  order.Enter(2, {7});
  EXPECT_EQ(order.keys(), 3);
  order.Leave(1);
  order.Leave(2);
  EXPECT_THAT(order.Leave(2), IsEmpty());
  EXPECT_EQ(order.keys(), 0);
  order.Enter(3, {7});
  EXPECT_EQ(order.Blocker(3), 0);
}

/// A scheduler with one job that has an ordering key.
class KeyedJobTest : public ::testing::Test {
 protected:
  KeyedJobTest() {
    job_ = EndlessJob("t", "j");
    job_.options.ordering_key = "customer";
    Tell();
  }

  void Tell() { scheduler_.OnJobChanged(std::make_shared<const model::Job>(job_), now_); }

  /// Grants the next chunk, which holds `keys`; returns its sequence, and 0 where it was parked.
  int64_t Read(std::vector<uint64_t> keys) {
    const std::optional<Grant> grant = scheduler_.Next(now_);
    EXPECT_TRUE(grant.has_value() && grant->needs_keys);
    if (scheduler_.OnKeys(job_.key(), grant->sequence, std::move(keys), now_)) return grant->sequence;
    scheduler_.OnParked(job_.key(), grant->sequence, now_);
    return 0;
  }

  Verdict About(int64_t sequence) const {
    return scheduler_.Explain(std::make_shared<const model::Job>(job_), sequence, false, now_).verdict;
  }

  model::Job job_;
  Scheduler scheduler_;
  absl::Time now_ = kStart;
};

TEST_F(KeyedJobTest, NoOtherChunkStartsBeforeTheKeysOfTheOneBeforeAreKnown) {
  const std::optional<Grant> first = scheduler_.Next(now_);
  EXPECT_FALSE(scheduler_.Next(now_).has_value());
  EXPECT_TRUE(About(0).unread);
  EXPECT_TRUE(scheduler_.OnKeys(job_.key(), first->sequence, {1}, now_));
  EXPECT_TRUE(scheduler_.Next(now_).has_value());
}

TEST_F(KeyedJobTest, AChunkThatCouldNotBeReadHoldsUpNoneThatWasHandedBack) {
  EXPECT_EQ(Read({1}), 1);
  EXPECT_EQ(Read({1}), 0);
  const std::optional<Grant> unreadable = scheduler_.Next(now_);
  ASSERT_EQ(unreadable->sequence, 3);
  scheduler_.OnRan(job_.key(), 3, now_);
  scheduler_.OnDone(job_.key(), 1, now_);
  const std::optional<Grant> next = scheduler_.Next(now_);
  ASSERT_TRUE(next.has_value()) << "with ordered results the outcome of chunk 3 waits for chunk 2";
  EXPECT_EQ(next->sequence, 2);
}

TEST_F(KeyedJobTest, AChunkWithAHeldKeyWaitsForTheCommitWhileOthersPassIt) {
  EXPECT_EQ(Read({1}), 1);
  EXPECT_EQ(Read({1, 2}), 0);
  EXPECT_EQ(Read({3}), 3);
  EXPECT_EQ(Read({2}), 0) << "behind chunk 2, though nothing runs with its key";
  EXPECT_EQ(About(2).hold, Hold::kOrderingKeyHeld);
  EXPECT_EQ(About(2).sequence, 1);
  EXPECT_EQ(About(4).sequence, 2);
  scheduler_.OnRan(job_.key(), 1, now_);
  EXPECT_EQ(About(2).hold, Hold::kOrderingKeyHeld) << "its outcome is not stored yet";
  scheduler_.OnDone(job_.key(), 1, now_);
  const std::optional<Grant> second = scheduler_.Next(now_);
  EXPECT_EQ(second->sequence, 2);
  EXPECT_EQ(second->attempt, 1) << "to be parked is no attempt";
  EXPECT_FALSE(second->needs_keys);
  EXPECT_EQ(About(4).hold, Hold::kOrderingKeyHeld);
}

TEST_F(KeyedJobTest, AChunkThatIsTriedAgainKeepsItsTurn) {
  EXPECT_EQ(Read({1}), 1);
  EXPECT_EQ(Read({1}), 0);
  scheduler_.OnReturned(job_.key(), 1, now_ + absl::Seconds(5), now_);
  EXPECT_EQ(About(2).hold, Hold::kOrderingKeyHeld);
  EXPECT_EQ(Read({2}), 3);
  now_ += absl::Seconds(5);
  EXPECT_EQ(scheduler_.Next(now_)->sequence, 1);
  scheduler_.OnDone(job_.key(), 1, now_);
  EXPECT_EQ(scheduler_.Next(now_)->sequence, 2);
}

TEST_F(KeyedJobTest, AChunkThatCannotBeReadHoldsUpAllBehindIt) {
  EXPECT_EQ(scheduler_.Next(now_)->sequence, 1);
  scheduler_.OnReturned(job_.key(), 1, now_ + absl::Seconds(5), now_);
  EXPECT_FALSE(scheduler_.Next(now_).has_value());
  EXPECT_EQ(About(0).hold, Hold::kBackingOff);
  now_ += absl::Seconds(5);
  EXPECT_EQ(Read({1}), 1);
  EXPECT_EQ(Read({2}), 2);
}

TEST_F(KeyedJobTest, AChunkThatLeavesWithoutKeysHoldsUpNothing) {
  EXPECT_EQ(scheduler_.Next(now_)->sequence, 1);
  scheduler_.OnDone(job_.key(), 1, now_);
  EXPECT_EQ(Read({1}), 2);
}

TEST_F(KeyedJobTest, ReadingAheadIsBounded) {
  EXPECT_EQ(Read({1}), 1);
  for (size_t i = 0; i < kParkedChunksMax; ++i) EXPECT_EQ(Read({1}), 0);
  EXPECT_FALSE(scheduler_.Next(now_).has_value());
  EXPECT_EQ(About(0).hold, Hold::kOrderingKeyHeld);
  EXPECT_EQ(About(0).sequence, 1);
  scheduler_.OnDone(job_.key(), 1, now_);
  EXPECT_EQ(scheduler_.Next(now_)->sequence, 2);
}

TEST_F(KeyedJobTest, KeysInMemoryAreBounded) {
  std::vector<uint64_t> keys(kOrderedKeysMax);
  for (size_t i = 0; i < keys.size(); ++i) keys[i] = i;
  EXPECT_EQ(Read(keys), 1);
  EXPECT_FALSE(scheduler_.Next(now_).has_value());
  EXPECT_EQ(About(0).hold, Hold::kEarlierChunks);
  scheduler_.OnDone(job_.key(), 1, now_);
  EXPECT_EQ(Read({1}), 2);
}

TEST_F(KeyedJobTest, AParkedChunkTakesNothingFromTheThrottle) {
  job_.options.throttle.delay_between_chunks = absl::Seconds(10);
  Tell();
  EXPECT_EQ(Read({1}), 1);
  now_ += absl::Seconds(10);
  EXPECT_EQ(Read({1}), 0);
  EXPECT_EQ(Read({2}), 3) << "the next one takes the turn at once";
  EXPECT_FALSE(scheduler_.Next(now_).has_value());
}

TEST_F(KeyedJobTest, AJobThatEndsTakesItsParkedChunksAlong) {
  EXPECT_EQ(Read({1}), 1);
  EXPECT_EQ(Read({1}), 0);
  job_.state = model::JobState::kCancelled;
  Tell();
  EXPECT_EQ(About(2).hold, Hold::kSkipped);
  scheduler_.OnDone(job_.key(), 1, now_);
  EXPECT_FALSE(scheduler_.Next(now_).has_value());
  EXPECT_EQ(scheduler_.in_flight(), 0);
}

TEST_F(KeyedJobTest, UnderRandomLoadNoKeyIsOutOfOrderOrTwiceAtOnceAndEveryChunkRuns) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  constexpr int64_t kChunks = 2'000;
  job_.last_sequence = kChunks;
  Tell();
  std::map<int64_t, std::vector<uint64_t>> keys;
  for (int64_t sequence = 1; sequence <= kChunks; ++sequence) {
    std::set<uint64_t> some;
    for (uint32_t i = random() % 4; i > 0; --i) some.insert(random() % 12);
    keys[sequence] = {some.begin(), some.end()};
  }
  std::map<uint64_t, int64_t> running;
  std::map<uint64_t, int64_t> newest;
  std::vector<int64_t> flights;
  std::set<int64_t> done;
  size_t most = 0;
  while (done.size() < kChunks) {
    if (flights.empty() || random() % 2 == 0) {
      if (const std::optional<Grant> grant = scheduler_.Next(now_)) {
        const int64_t sequence = grant->sequence;
        if (grant->needs_keys && !scheduler_.OnKeys(job_.key(), sequence, keys[sequence], now_)) {
          scheduler_.OnParked(job_.key(), sequence, now_);
          continue;
        }
        for (const uint64_t key : keys[sequence]) {
          ASSERT_TRUE(running.emplace(key, sequence).second) << "key " << key << " runs in " << running[key];
          ASSERT_LE(newest[key], sequence) << "key " << key;
          newest[key] = sequence;
        }
        flights.push_back(sequence);
        most = std::max(most, flights.size());
        continue;
      }
    }
    if (flights.empty()) {
      ASSERT_NE(scheduler_.NextWake(), absl::InfiniteFuture()) << done.size() << " chunks ran, and nothing goes on";
      now_ = scheduler_.NextWake();
      continue;
    }
    const size_t place = random() % flights.size();
    const int64_t sequence = flights[place];
    flights.erase(flights.begin() + static_cast<int64_t>(place));
    for (const uint64_t key : keys[sequence]) running.erase(key);
    if (random() % 8 == 0) {
      scheduler_.OnReturned(job_.key(), sequence, now_ + absl::Milliseconds(random() % 50), now_);
      continue;
    }
    scheduler_.OnRan(job_.key(), sequence, now_);
    scheduler_.OnDone(job_.key(), sequence, now_);
    ASSERT_TRUE(done.insert(sequence).second);
    while (done.contains(job_.watermark + 1)) ++job_.watermark;
    Tell();
  }
  EXPECT_GT(most, 2U) << "different keys run side by side";
}

}  // namespace
}  // namespace millrace::core
