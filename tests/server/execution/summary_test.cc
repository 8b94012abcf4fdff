#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/execution/service_harness.h"

namespace millrace::execution {
namespace {

using model::Aggregation;
using model::AggregationOperator;

constexpr char kService[] = "inputs: {x: {required: false}}\nnodes: {y: {lua: x}}\noutputs: ['*', y]";

model::SummarySpec All(bool ignore_error = false) {
  return {.ignore_error = ignore_error,
          .aggregations = {{"y", AggregationOperator::kSum},
                           {"y", AggregationOperator::kCount},
                           {"y", AggregationOperator::kMin},
                           {"y", AggregationOperator::kMax},
                           {"y", AggregationOperator::kMean}}};
}

// Values and counts as text; `-` for none.
std::string Show(const model::ChunkOutcome& outcome) {
  std::string text;
  for (const model::SummaryValue& value : outcome.summary) {
    text += (value.has_value ? std::to_string(value.value) : "-") + "/" + std::to_string(value.count) + " ";
  }
  return text;
}

TEST(SummaryTest, NullsAreSkipped) {
  ServiceHarness service(kService);
  const auto outcome = service.Run({R"({"x":2})", "{}", R"({"x":-1.5})", R"({"x":4})"}, {.summary = All()});
  EXPECT_EQ(Show(outcome), "4.500000/3 3.000000/3 -1.500000/3 4.000000/3 1.500000/3 ");
  EXPECT_EQ(outcome.summary_error, "");
}

TEST(SummaryTest, OverNothingOnlySumAndCountHaveAValue) {
  ServiceHarness service(kService);
  EXPECT_EQ(Show(service.Run({"{}"}, {.summary = All()})), "0.000000/0 0.000000/0 -/0 -/0 -/0 ");
}

TEST(SummaryTest, SumsAreCompensated) {
  ServiceHarness service(kService);
  const auto outcome =
      service.Run({R"({"x":1e100})", R"({"x":1})", R"({"x":-1e100})", R"({"x":1})"}, {.summary = All()});
  EXPECT_EQ(outcome.summary[0].value, 2.0);
  EXPECT_EQ(outcome.summary[4].value, 0.5);
}

TEST(SummaryTest, FailedRecordsFailTheSummaryUnlessIgnored) {
  ServiceHarness service(kService);
  const std::vector<std::string> records = {R"({"x":2})", "broken", R"({"x":3})"};
  const auto strict = service.Run(records, {.summary = All(false)});
  EXPECT_TRUE(strict.summary.empty());
  EXPECT_EQ(strict.summary_error, "1 of 3 records failed");
  EXPECT_EQ(Show(service.Run(records, {.summary = All(true)})),
            "5.000000/2 2.000000/2 2.000000/2 3.000000/2 2.500000/2 ");
}

TEST(SummaryTest, ARecordWithAnInvalidOutputIsNotAdded) {
  ServiceHarness service("inputs: {x: {}}\nnodes: {y: {lua: x}, z: {lua: 1 / x}}\noutputs: [y, z]");
  EXPECT_EQ(Show(service.Run({R"({"x":0})", R"({"x":2})"}, {.summary = All(true)})),
            "2.000000/1 1.000000/1 2.000000/1 2.000000/1 2.000000/1 ");
}

TEST(SummaryTest, WhatIsNoNumberFailsAllButCount) {
  ServiceHarness service(kService);
  const auto outcome = service.Run({R"({"x":1})", R"({"x":"2"})"}, {.summary = All(true)});
  EXPECT_TRUE(outcome.summary.empty());
  EXPECT_EQ(outcome.summary_error, "output 'y' of record 1 is a string, not a number");
  EXPECT_EQ(outcome.failures.size(), 0u);
  EXPECT_EQ(Show(service.Run({R"({"x":"2"})"}, {.summary = {.aggregations = {{"y", AggregationOperator::kCount}}}})),
            "1.000000/1 ");
}

TEST(SummaryTest, OutputsNeedNotBeSelected) {
  ServiceHarness service(kService);
  EXPECT_EQ(Show(service.Run({R"({"x":2})"}, {.selected_outputs = {"*"},
                                              .summary = {.aggregations = {{"y", AggregationOperator::kSum}}}})),
            "2.000000/1 ");
}

TEST(SummaryTest, OnlyOutputsCanBePutTogether) {
  ServiceHarness service(kService);
  for (const char* name : {"x", "*", "nothing"}) {
    EXPECT_EQ(service.Run({"{}"}, {.summary = {.aggregations = {{name, AggregationOperator::kSum}}}}).summary_error,
              "the service has no output '" + std::string(name) + "' to put together");
  }
}

TEST(SummaryTest, WhatIsNotFiniteIsAnError) {
  ServiceHarness service(kService);
  const auto outcome = service.Run({R"({"x":1e308})", R"({"x":1e308})"}, {.summary = All()});
  EXPECT_TRUE(outcome.summary.empty());
  EXPECT_EQ(outcome.summary_error, "output 'y' does not add up to a finite number");
}

TEST(SummaryTest, WithoutAggregationsThereIsNone) {
  ServiceHarness service(kService);
  const auto outcome = service.Run({"broken"});
  EXPECT_TRUE(outcome.summary.empty());
  EXPECT_EQ(outcome.summary_error, "");
}

}  // namespace
}  // namespace millrace::execution
