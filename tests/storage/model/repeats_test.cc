#include "storage/model/repeats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <utility>
#include <vector>

namespace millrace::model {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Chunk RepeatOf(int64_t sequence, std::vector<RecordRun> runs) {
  Chunk chunk;
  chunk.sequence = sequence;
  chunk.repeats = std::move(runs);
  return chunk;
}

TEST(RepeatsOfTest, EachRecordHasThePlaceThatStandsForIt) {
  const std::vector<Chunk> repeats = {RepeatOf(7, {{1, 0, 2}, {1, 4, 1}}), RepeatOf(9, {{1, 3, 1}})};
  EXPECT_THAT(RepeatsOf(repeats, 6), ElementsAre(RecordPlace{7, 0}, RecordPlace{7, 1}, std::nullopt, RecordPlace{9, 0},
                                                 RecordPlace{7, 2}, std::nullopt));
  EXPECT_THAT(RepeatsOf({}, 6), IsEmpty());
}

TEST(RepeatsOfTest, RecordsThatTheChunkDoesNotHaveAreLeftOut) {
  EXPECT_THAT(RepeatsOf({RepeatOf(7, {{1, 1, 9}})}, 2), ElementsAre(std::nullopt, RecordPlace{7, 0}));
  EXPECT_THAT(RepeatsOf({RepeatOf(7, {{1, -9, 9}})}, 1), ElementsAre(std::nullopt));
}

TEST(RepeatsOfTest, ALargeChunkOfManyRunsIsGoneThroughOnce) {
  constexpr int32_t kRecords = 1'000'000;
  std::vector<RecordRun> runs;
  runs.reserve(kRecords / 2);
  for (int32_t i = 0; i < kRecords; i += 2) runs.push_back({1, i, 1});
  const std::vector<std::optional<RecordPlace>> places = RepeatsOf({RepeatOf(2, std::move(runs))}, kRecords);
  EXPECT_EQ(places[kRecords - 2], (RecordPlace{2, kRecords / 2 - 1}));
  EXPECT_EQ(places[kRecords - 1], std::nullopt);
}

}  // namespace
}  // namespace millrace::model
