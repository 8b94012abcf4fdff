#include "server/execution/halving.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <numeric>
#include <random>
#include <set>
#include <string>

namespace millrace::execution {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<int32_t> FirstIndexes(int32_t count) {
  std::vector<int32_t> indexes(static_cast<size_t>(count));
  std::iota(indexes.begin(), indexes.end(), 0);
  return indexes;
}

/// Runs that break when any of some records is among theirs.
struct FakeRunner {
  std::set<int32_t> bad;
  std::vector<int32_t> taken;
  std::vector<int32_t> blamed;

  int64_t Run(const std::vector<int32_t>& indexes) {
    return RunByHalves(indexes,
                       {.run = [this](const std::vector<int32_t>& part) -> absl::StatusOr<model::ChunkOutcome> {
                          for (const int32_t index : part) {
                            if (bad.contains(index)) return absl::InternalError("broke");
                          }
                          model::ChunkOutcome outcome;
                          outcome.record_count = static_cast<int32_t>(part.size());
                          return outcome;
                        },
                        .take =
                            [this](const std::vector<int32_t>& part, const model::ChunkOutcome& outcome) {
                              EXPECT_EQ(outcome.record_count, static_cast<int32_t>(part.size()));
                              taken.insert(taken.end(), part.begin(), part.end());
                            },
                        .blame =
                            [this](int32_t index, const absl::Status& why) {
                              EXPECT_EQ(why.message(), "broke");
                              blamed.push_back(index);
                            }});
  }
};

TEST(RunByHalvesTest, OneRunIsEnoughWhenNothingBreaks) {
  FakeRunner runner;
  EXPECT_EQ(runner.Run(FirstIndexes(300)), 1);
  EXPECT_EQ(runner.taken, FirstIndexes(300));
  EXPECT_THAT(runner.blamed, IsEmpty());
}

TEST(RunByHalvesTest, NothingIsRunWhereNothingIsLeft) { EXPECT_EQ(FakeRunner().Run({}), 0); }

TEST(RunByHalvesTest, ABadRecordStandsAloneAndTheOthersAreTakenInOrder) {
  FakeRunner runner{.bad = {2}, .taken = {}, .blamed = {}};
  runner.Run({0, 1, 2, 5, 9});
  EXPECT_THAT(runner.taken, ElementsAre(0, 1, 5, 9));
  EXPECT_THAT(runner.blamed, ElementsAre(2));
}

TEST(RunByHalvesTest, ARecordThatBreaksAloneIsBlamedAtOnce) {
  FakeRunner runner{.bad = {7}, .taken = {}, .blamed = {}};
  EXPECT_EQ(runner.Run({7}), 1);
  EXPECT_THAT(runner.blamed, ElementsAre(7));
}

TEST(RunByHalvesTest, FewBadRecordsAmongManyCostFewRuns) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    const auto count = static_cast<int32_t>(1 + random() % 5'000);
    FakeRunner runner;
    const auto wanted = 1 + random() % 8;
    for (size_t i = 0; i < wanted; ++i) runner.bad.insert(static_cast<int32_t>(random() % static_cast<size_t>(count)));
    const int64_t runs = runner.Run(FirstIndexes(count));
    const auto levels = static_cast<int64_t>(std::bit_width(static_cast<uint32_t>(count)));
    EXPECT_LE(runs, 1 + 2 * static_cast<int64_t>(runner.bad.size()) * levels) << "seed " << seed;
    EXPECT_EQ(std::set<int32_t>(runner.blamed.begin(), runner.blamed.end()), runner.bad) << "seed " << seed;
    EXPECT_EQ(runner.taken.size() + runner.blamed.size(), static_cast<size_t>(count)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace millrace::execution
