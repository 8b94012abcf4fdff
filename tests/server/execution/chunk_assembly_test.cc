#include "server/execution/chunk_assembly.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/execution/held_chunks.h"

namespace millrace::execution {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// A run of `indexes`, of which those in `transient` failed in a way that may pass and the others gave their index.
model::ChunkOutcome PartOf(const std::vector<int32_t>& indexes, const std::vector<int32_t>& transient = {}) {
  model::ChunkOutcome part;
  part.record_count = static_cast<int32_t>(indexes.size());
  for (const int32_t index : indexes) {
    const bool failed = std::find(transient.begin(), transient.end(), index) != transient.end();
    part.json_lines += failed ? "null\n" : absl::StrCat("{\"i\":", index, "}\n");
    part.process_time_ns.push_back(100 + index);
    if (!failed) continue;
    part.failures.push_back(
        {.index = index, .node = "n", .code = "BUSY", .message = "m", .input = "{}", .transient = true});
    part.warnings.push_back({.index = index, .node = "n", .message = "of a failure"});
  }
  part.compute_nanos = 10;
  part.nodes["n"].record_count = part.record_count;
  return part;
}

TEST(ChunkAssemblyTest, PartsInAnyOrderMakeAWholeInTheOrderOfTheRecords) {
  ChunkAssembly assembly(4, {});
  assembly.Add({2, 3}, PartOf({2, 3}), false);
  EXPECT_THAT(assembly.left(), ElementsAre(0, 1));
  assembly.Add({0, 1}, PartOf({0, 1}), false);
  EXPECT_THAT(assembly.left(), IsEmpty());
  const model::ChunkOutcome whole = assembly.Finish();
  EXPECT_EQ(whole.json_lines, "{\"i\":0}\n{\"i\":1}\n{\"i\":2}\n{\"i\":3}\n");
  EXPECT_EQ(whole.record_count, 4);
  EXPECT_THAT(whole.process_time_ns, ElementsAre(100, 101, 102, 103));
  EXPECT_EQ(whole.compute_nanos, 20);
  EXPECT_EQ(whole.nodes.at("n").record_count, 4);
  EXPECT_EQ(whole.records_retried, 0);
}

TEST(ChunkAssemblyTest, RecordsThatWouldMakeTheOutputsTooLargeFail) {
  const std::string large(40 * 1024 * 1024, 'x');
  ChunkAssembly assembly(3, {});
  for (const int32_t index : {0, 1, 2}) {
    model::ChunkOutcome part = PartOf({index});
    if (index < 2) part.json_lines = "\"" + large + "\"\n";
    assembly.Add({index}, std::move(part), false);
  }
  const model::ChunkOutcome whole = assembly.Finish();
  EXPECT_LT(whole.json_lines.size(), 64u * 1024 * 1024);
  ASSERT_THAT(whole.failures, SizeIs(1));
  EXPECT_EQ(whole.failures[0].index, 1);
  EXPECT_EQ(whole.failures[0].code, "OUTPUT_INVALID");
  EXPECT_EQ(whole.json_lines.substr(whole.json_lines.size() - 13), "null\n{\"i\":2}\n") << "what still fits is kept";
}

TEST(ChunkAssemblyTest, ATransientFailureIsLeftWithItsWarningsAndTheOthersStay) {
  ChunkAssembly assembly(3, {});
  assembly.Add({0, 1, 2}, PartOf({0, 1, 2}, {1}), false);
  EXPECT_THAT(assembly.left(), ElementsAre(1));
  assembly.BeginAttempt(2);
  assembly.Add({1}, PartOf({1}), false);
  const model::ChunkOutcome whole = assembly.Finish();
  EXPECT_EQ(whole.json_lines, "{\"i\":0}\n{\"i\":1}\n{\"i\":2}\n");
  EXPECT_THAT(whole.failures, IsEmpty());
  EXPECT_THAT(whole.warnings, IsEmpty());
  EXPECT_EQ(whole.records_retried, 1);
  EXPECT_EQ(whole.nodes.at("n").record_count, 4) << "every run counts";
}

TEST(ChunkAssemblyTest, TheLastAttemptTakesATransientFailureWithTheNumberOfRetries) {
  ChunkAssembly assembly(2, {});
  assembly.Add({0, 1}, PartOf({0, 1}, {1}), false);
  assembly.BeginAttempt(2);
  assembly.Add({1}, PartOf({1}, {1}), false);
  assembly.BeginAttempt(3);
  assembly.Add({1}, PartOf({1}, {1}), true);
  const model::ChunkOutcome whole = assembly.Finish();
  ASSERT_THAT(whole.failures, SizeIs(1));
  EXPECT_EQ(whole.failures[0].index, 1);
  EXPECT_EQ(whole.failures[0].code, "BUSY");
  EXPECT_EQ(whole.failures[0].retries, 2);
  EXPECT_EQ(whole.json_lines, "{\"i\":0}\nnull\n");
  EXPECT_THAT(whole.warnings, SizeIs(1));
}

model::SummarySpec AllOperators(bool ignore_error) {
  using Op = model::AggregationOperator;
  return {.ignore_error = ignore_error,
          .aggregations = {{"v", Op::kSum}, {"v", Op::kCount}, {"v", Op::kMin}, {"v", Op::kMax}, {"v", Op::kMean}}};
}

model::ChunkOutcome WithSummary(model::ChunkOutcome part, const std::vector<double>& values, int64_t count) {
  const model::SummarySpec spec = AllOperators(true);
  for (size_t i = 0; i < values.size(); ++i) {
    part.summary.push_back({.output_name = "v",
                            .op = spec.aggregations[i].op,
                            .has_value = count > 0 || i < 2,
                            .value = values[i],
                            .count = count});
  }
  return part;
}

TEST(ChunkAssemblyTest, SummariesOfPartsAddUp) {
  ChunkAssembly assembly(5, AllOperators(false));
  assembly.Add({0, 1}, WithSummary(PartOf({0, 1}), {3, 2, 1, 2, 1.5}, 2), false);
  assembly.Add({4}, WithSummary(PartOf({4}), {0, 0, 0, 0, 0}, 0), false);
  assembly.Add({2, 3}, WithSummary(PartOf({2, 3}), {-4, 2, -5, 1, -2}, 2), false);
  const model::ChunkOutcome whole = assembly.Finish();
  ASSERT_THAT(whole.summary, SizeIs(5));
  const double expected[] = {-1, 4, -5, 2, -0.25};
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(whole.summary[i].value, expected[i]) << i;
    EXPECT_EQ(whole.summary[i].count, 4) << i;
  }
}

TEST(ChunkAssemblyTest, ASummaryIsLeftOutWhereRecordsFailedUnlessThatIsIgnored) {
  for (const bool ignore : {false, true}) {
    ChunkAssembly assembly(2, AllOperators(ignore));
    assembly.Add({0, 1}, WithSummary(PartOf({0, 1}, {1}), {3, 1, 3, 3, 3}, 1), true);
    const model::ChunkOutcome whole = assembly.Finish();
    EXPECT_THAT(whole.summary, SizeIs(ignore ? 5 : 0));
    EXPECT_EQ(whole.summary_error, ignore ? "" : "1 of 2 records failed");
  }
}

class HeldChunksTest : public ::testing::Test {
 protected:
  static HeldChunk Held(int32_t attempts, int32_t records = 1) {
    HeldChunk held{.attempts = attempts, .assembly = ChunkAssembly(records, {})};
    return held;
  }
  const model::JobKey job_{"default", "job-1"};
};

TEST_F(HeldChunksTest, WhatIsPutIsTakenOnce) {
  HeldChunks held;
  held.Put(job_, 3, Held(2));
  const HeldChunk taken = held.Take(job_, 3);
  EXPECT_EQ(taken.attempts, 2);
  EXPECT_TRUE(taken.assembly.has_value());
  EXPECT_EQ(held.bytes(), 0u);
  EXPECT_EQ(held.Take(job_, 3).attempts, 0);
}

TEST_F(HeldChunksTest, BeyondTheBoundOnlyTheAttemptsAreHeld) {
  const size_t one = ChunkAssembly(10, {}).bytes();
  HeldChunks held(2 * one);
  for (const int64_t sequence : {1, 2, 3}) held.Put(job_, sequence, Held(1, 10));
  EXPECT_EQ(held.bytes(), 2 * one);
  const HeldChunk third = held.Take(job_, 3);
  EXPECT_EQ(third.attempts, 1);
  EXPECT_FALSE(third.assembly.has_value());
}

TEST_F(HeldChunksTest, ChunksOfAJobThatEndedAreLetGo) {
  HeldChunks held;
  const model::JobKey other{"default", "job-2"};
  held.Put(job_, 1, Held(1));
  held.Put(job_, 2, Held(1));
  held.Put(other, 1, Held(1));
  held.Forget(job_);
  EXPECT_EQ(held.Take(job_, 1).attempts, 0);
  EXPECT_EQ(held.Take(job_, 2).attempts, 0);
  EXPECT_EQ(held.Take(other, 1).attempts, 1);
  EXPECT_EQ(held.bytes(), 0u);
}

TEST(ChunkAssemblyTest, LabelsComeInTheOrderOfTheRecordsAndNotFromThoseThatFailForTheirSize) {
  const std::string large(40 * 1024 * 1024, 'x');
  ChunkAssembly assembly(3, {});
  for (const int32_t index : {2, 0, 1}) {
    model::ChunkOutcome part = PartOf({index});
    if (index < 2) part.json_lines = "\"" + large + "\"\n";
    part.labels = {{index, "SEEN", 1}, {index, absl::StrCat("L", index), 1}};
    assembly.Add({index}, std::move(part), false);
  }
  std::vector<std::string> labels;
  for (const model::RecordLabel& label : assembly.Finish().labels) {
    labels.push_back(absl::StrCat(label.index, " ", label.label));
  }
  EXPECT_THAT(labels, ElementsAre("0 SEEN", "0 L0", "2 SEEN", "2 L2"));
}

}  // namespace
}  // namespace millrace::execution
