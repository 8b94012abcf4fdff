#include "storage/model/partitioning.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "storage/model/errors.h"
#include "storage/model/limits.h"
#include "storage/model/source.h"
#include "tests/support/status_matchers.h"

namespace millrace::model {
namespace {

using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Partitioning Rule(std::string_view name, std::vector<PartRange> parts = {}) {
  Partitioning partitioning = *ParsePartitioning(name);
  if (!parts.empty()) {
    EXPECT_THAT(ChooseParts(partitioning, std::move(parts)), IsOk());
  }
  return partitioning;
}

/// What the choice takes, by the definition of the rules alone.
bool Takes(const Partitioning& partitioning, int64_t index) {
  const int64_t n = partitioning.n;
  int64_t part = index / n;
  if (partitioning.rule == PartRule::kEvery) part = index % n;
  if (partitioning.rule == PartRule::kFirst) part = index < n ? 0 : 1;
  EXPECT_EQ(PartOf(partitioning, index), part);
  bool is_chosen = partitioning.parts.empty();
  for (const PartRange& range : partitioning.parts)
    is_chosen = is_chosen || (range.first <= part && part <= range.last);
  return is_chosen;
}

std::vector<Partitioning> Examples() {
  return {Rule("size_1"),
          Rule("size_3"),
          Rule("size_3", {{0, 0}}),
          Rule("size_3", {{2, 2}, {4, 5}}),
          Rule("size_100", {{1, 1}}),
          Rule("size_1000000000000", {{999'999'999'999, 999'999'999'999}}),
          Rule("every_1"),
          Rule("every_3"),
          Rule("every_4", {{1, 1}, {3, 3}}),
          Rule("every_5", {{0, 1}, {4, 4}}),
          Rule("every_1000", {{7, 7}}),
          Rule("first_4"),
          Rule("first_4", {{1, 1}}),
          Rule("first_4", {{0, 1}}),
          Rule("first_100")};
}

TEST(PartitioningTest, ANameIsARuleAndANumber) {
  for (const char* name :
       {"size_1", "size_1000", "size_1000000000000", "every_1", "every_200", "every_1000", "first_500"}) {
    EXPECT_EQ(PartitioningName(Rule(name)), name);
  }
  EXPECT_EQ(PartitioningName({}), "");
  for (const char* name :
       {"size", "size_", "size_0", "size_-1", "size_01", "size_1x", "size_1_000", "size_1000000000001", " size_1",
        "Size_1", "every_0", "every_1001", "every_", "first_0", "last_5", "200", "size_99999999999999999999"}) {
    const absl::Status status = ParsePartitioning(name).status();
    EXPECT_THAT(status, IsError(Reason::kFieldInvalid)) << name;
    EXPECT_EQ(DetailsOf(status).field, "partitioning");
    EXPECT_THAT(std::string(status.message()), HasSubstr(absl::StrCat("got '", name, "'")));
  }
  EXPECT_THAT(std::string(ParsePartitioning("every_1001").status().message()),
              HasSubstr("expected every_N with N from 1 to 1000"));
}

TEST(PartitioningTest, EachRecordIsInOnePartAndEitherTakenOrOfTheRest) {
  for (const Partitioning& partitioning : Examples()) {
    const SourceSample sample{.partitioning = partitioning};
    for (const int64_t count : {0, 1, 3, 4, 5, 11, 12, 13, 40}) {
      int64_t taken = 0;
      for (int64_t i = 0; i < count; ++i) {
        taken += Takes(partitioning, i) ? 1 : 0;
        EXPECT_EQ(TakesRecord(sample, i), Takes(partitioning, i));
        EXPECT_NE(TakesRecord(sample, i), TakesRecord(sample, i, true)) << PartitioningName(partitioning) << " " << i;
      }
      EXPECT_EQ(SampledCount(sample, count), taken) << PartitioningName(partitioning) << " of " << count;
    }
  }
}

TEST(PartitioningTest, TheNextRecordIsTheFirstThatIsTaken) {
  for (const Partitioning& partitioning : Examples()) {
    const SourceSample sample{.partitioning = partitioning};
    for (const bool rest : {false, true}) {
      for (int64_t from = 0; from < 40; ++from) {
        int64_t expected = from;
        while (expected < 3'000 && Takes(partitioning, expected) == rest) ++expected;
        const int64_t next = NextTaken(sample, from, rest);
        if (expected < 3'000) {
          EXPECT_EQ(next, expected) << PartitioningName(partitioning) << " from " << from << (rest ? " rest" : "");
          EXPECT_FALSE(IsSampleOver(sample, from, rest));
        } else {
          EXPECT_GE(next, expected);
          EXPECT_EQ(IsSampleOver(sample, from, rest), next == kNoIndex);
        }
      }
    }
  }
  EXPECT_EQ(NextTaken({.partitioning = Rule("first_4")}, 4), kNoIndex);
  EXPECT_EQ(NextTaken({.partitioning = Rule("size_3", {{2, 2}, {4, 5}})}, 18), kNoIndex);
  EXPECT_EQ(NextTaken({.partitioning = Rule("size_1000000000000", {{999'999'999'999, 999'999'999'999}})}, 0), kNoIndex)
      << "and not a number that wrapped";
}

TEST(PartitioningTest, SamplesKnowTheirNextRecordToo) {
  EXPECT_EQ(NextTaken({}, 7), 7);
  EXPECT_EQ(NextTaken({.every = 5}, 5), 5);
  EXPECT_EQ(NextTaken({.every = 5}, 6), 10);
  EXPECT_EQ(NextTaken({.every = 5}, 5, true), 6);
  EXPECT_EQ(NextTaken({.every = 1}, 5, true), kNoIndex);
  EXPECT_EQ(NextTaken({.first = 5}, 4), 4);
  EXPECT_EQ(NextTaken({.first = 5}, 5), kNoIndex);
  EXPECT_EQ(NextTaken({.first = 5}, 2, true), 5);
}

TEST(PartitioningTest, PartsAreSortedAndPutTogether) {
  EXPECT_THAT(Rule("size_10", {{7, 9}, {3, 3}, {8, 12}, {4, 4}}).parts, ElementsAre(PartRange{3, 4}, PartRange{7, 12}));
  EXPECT_THAT(Rule("every_4", {{2, 3}, {0, 1}}).parts, IsEmpty()) << "all";
  EXPECT_THAT(Rule("first_4", {{1, 1}, {0, 0}}).parts, IsEmpty());
  EXPECT_THAT(Rule("first_4").parts, ElementsAre(PartRange{0, 0}));
}

TEST(PartitioningTest, PartsThatTheRuleCannotHaveAreRefused) {
  const auto refusal = [](std::string_view name, PartRange range) {
    Partitioning partitioning = *ParsePartitioning(name);
    const Partitioning before = partitioning;
    const absl::Status status = ChooseParts(partitioning, {{0, 0}, range});
    EXPECT_THAT(status, IsError(Reason::kFieldInvalid));
    EXPECT_EQ(DetailsOf(status).field, "parts");
    EXPECT_EQ(partitioning, before);
    return std::string(status.message());
  };
  EXPECT_THAT(refusal("every_200", {200, 200}), HasSubstr("every_200 has parts 0 to 199, got 200"));
  EXPECT_THAT(refusal("every_200", {7, 200}), HasSubstr("got 7 to 200"));
  EXPECT_THAT(refusal("first_5", {2, 2}), HasSubstr("first_5 has parts 0 to 1"));
  EXPECT_THAT(refusal("size_5", {-1, 2}), HasSubstr("expected 0 or more"));
  EXPECT_THAT(refusal("size_5", {4, 3}), HasSubstr("got 4 to 3"));
  EXPECT_THAT(refusal("size_5", {0, kSourceRangeCountMax}), HasSubstr("size_5 has parts 0 to 999999999999"));
}

TEST(PartitioningTest, OnlyTheFirstRunsComeBeforeTheRest) {
  EXPECT_TRUE(PartsComeFirst(Rule("first_4")));
  EXPECT_TRUE(PartsComeFirst(Rule("size_4", {{0, 3}})));
  EXPECT_TRUE(PartsComeFirst(Rule("every_4")));
  EXPECT_FALSE(PartsComeFirst(Rule("first_4", {{1, 1}})));
  EXPECT_FALSE(PartsComeFirst(Rule("size_4", {{0, 1}, {3, 3}})));
  EXPECT_FALSE(PartsComeFirst(Rule("size_4", {{1, 3}})));
  EXPECT_FALSE(PartsComeFirst(Rule("every_4", {{0, 0}})));
}

}  // namespace
}  // namespace millrace::model
