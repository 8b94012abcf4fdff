#include "server/core/output_comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/core/json_struct.h"
#include "tests/support/status_matchers.h"

namespace millrace::core {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// `path before after` of each difference.
std::vector<std::string> Differences(std::string_view before, std::string_view after, Tolerance tolerance = {}) {
  const auto was = ParseJsonObject(before);
  const auto is = ParseJsonObject(after);
  EXPECT_THAT(was, testing::IsOk());
  EXPECT_THAT(is, testing::IsOk());
  std::vector<std::string> texts;
  for (const FieldDifference& field : CompareOutputs(*was, *is, [&](std::string_view) { return tolerance; })) {
    texts.push_back(absl::StrCat(field.path, " ", field.before, " ", field.after));
  }
  return texts;
}

TEST(OutputComparisonTest, WhatIsTheSameDoesNotDiffer) {
  EXPECT_THAT(Differences("{}", "{}"), IsEmpty());
  EXPECT_THAT(Differences(R"({"a":1,"b":{"c":[true,null,"x"]}})", R"({"b":{"c":[true,null,"x"]},"a":1.0})"), IsEmpty());
}

TEST(OutputComparisonTest, FieldsAreNamedByTheirPath) {
  EXPECT_THAT(
      Differences(R"({"a":{"b":1,"c":"x"},"l":[{"p":1},{"p":2}]})", R"({"a":{"b":2,"c":"y"},"l":[{"p":1},{"p":3}]})"),
      ElementsAre("a.b 1 2", R"(a.c "x" "y")", "l[].p 2 3"));
}

TEST(OutputComparisonTest, WhatIsThereOnOneSideOnlyOrOfAnotherTypeDiffersAsAWhole) {
  EXPECT_THAT(Differences(R"({"gone":1})", R"({"new":[1]})"), ElementsAre("gone 1 ", "new  [1]"));
  EXPECT_THAT(Differences(R"({"a":1})", R"({"a":"1"})"), ElementsAre(R"(a 1 "1")"));
  EXPECT_THAT(Differences(R"({"a":[1,2]})", R"({"a":[1]})"), ElementsAre("a [1,2] [1]"));
  EXPECT_THAT(Differences(R"({"a":null})", R"({"a":false})"), ElementsAre("a null false"));
}

TEST(OutputComparisonTest, NumbersWithinTheToleranceAreTheSame) {
  EXPECT_THAT(Differences(R"({"a":100})", R"({"a":100.5})", {.absolute = 0.5}), IsEmpty());
  EXPECT_THAT(Differences(R"({"a":100})", R"({"a":100.6})", {.absolute = 0.5}), ElementsAre("a 100 100.6"));
  EXPECT_THAT(Differences(R"({"a":-1e9})", R"({"a":-1000000001})", {.relative = 1e-8}), IsEmpty());
  EXPECT_THAT(Differences(R"({"a":1})", R"({"a":-1})", {.relative = 1}), ElementsAre("a 1 -1"));
}

}  // namespace
}  // namespace millrace::core
