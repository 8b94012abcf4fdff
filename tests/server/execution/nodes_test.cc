#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/execution/service_harness.h"

namespace millrace::execution {
namespace {

using ::testing::ElementsAre;

constexpr char kService[] = R"yaml(
inputs: {x: {}}
nodes:
  big: {lua: "x * 10", when: "x > 5"}
  checked: {lua: "x < 0 and fail('NEGATIVE', 'below zero') or (x == 0 and hold('is zero right?')) or x"}
  late: {lua: "(big or 0) + checked"}
outputs: [big, late])yaml";

TEST(NodesTest, WhenDecidesWhetherANodeRuns) {
  ServiceHarness service(kService);
  EXPECT_EQ(service.Run({R"({"x":9})", R"({"x":1})"}).json_lines,
            "{\"big\":90,\"late\":99}\n{\"big\":null,\"late\":1}\n");
}

TEST(NodesTest, AnErrorInWhenFailsTheNode) {
  ServiceHarness service("inputs: {x: {}}\nnodes: {n: {lua: '1', when: 'x > 1'}}\noutputs: [n]");
  const model::ChunkOutcome outcome = service.Run({R"({"x":"text"})"});
  ASSERT_EQ(outcome.failures.size(), 1u);
  EXPECT_EQ(outcome.failures[0].node, "n");
  EXPECT_EQ(outcome.failures[0].code, "LUA_ERROR");
  EXPECT_EQ(outcome.failures[0].message, "n.when:1: attempt to compare number with string");
  EXPECT_EQ(outcome.nodes.at("n").failure_count, 1);
}

TEST(NodesTest, FailuresCarryAllThatIsNeededToMendTheRecord) {
  ServiceHarness service(kService);
  const model::ChunkOutcome outcome = service.Run({R"({"x":1})", R"( {"x":-1,"y":"kept"} )", R"({"x":0})"});
  ASSERT_EQ(outcome.failures.size(), 2u);
  EXPECT_EQ(outcome.failures[0].index, 1);
  EXPECT_EQ(outcome.failures[0].node, "checked");
  EXPECT_EQ(outcome.failures[0].code, "NEGATIVE");
  EXPECT_EQ(outcome.failures[0].message, "below zero");
  EXPECT_EQ(outcome.failures[0].input, R"( {"x":-1,"y":"kept"} )");
  EXPECT_EQ(outcome.failures[1].code, "HELD");
  EXPECT_EQ(outcome.failures[1].message, "is zero right?");
  EXPECT_TRUE(outcome.failures[1].held);
  EXPECT_FALSE(outcome.failures[0].held);
  EXPECT_EQ(outcome.json_lines, "{\"big\":null,\"late\":1}\nnull\nnull\n");
}

TEST(NodesTest, HoldReturnsTheAnswerToItsQuestionInItsNodeOfItsRecord) {
  ServiceHarness service(R"yaml(
inputs: {x: {}}
nodes:
  a: {lua: "hold('how much?')"}
  b: {lua: "hold('how much?') .. '/' .. hold('for ' .. x .. '?')"}
outputs: [a, b])yaml");
  const std::vector<std::string> records = {R"({"x":1})", R"({"x":2})"};
  ChunkSettings settings;
  settings.answers = {{.index = 0, .node = "a", .question = "how much?", .answer = "5"},
                      {.index = 0, .node = "b", .question = "how much?", .answer = "6"},
                      {.index = 0, .node = "b", .question = "for 1?", .answer = "Ann"},
                      {.index = 1, .node = "a", .question = "how much?", .answer = "7"},
                      {.index = 1, .node = "b", .question = "for 1?", .answer = "nobody"}};
  const model::ChunkOutcome outcome = service.Run(records, settings);
  EXPECT_EQ(outcome.json_lines, "{\"a\":\"5\",\"b\":\"6/Ann\"}\nnull\n");
  ASSERT_EQ(outcome.failures.size(), 1u);
  EXPECT_EQ(outcome.failures[0].node, "b");
  EXPECT_EQ(outcome.failures[0].message, "how much?");
  EXPECT_EQ(service.RunSome({records[1]}, {1}, settings).failures[0].message, "how much?");
  EXPECT_EQ(service.RunSome({records[0]}, {0}, settings).failures.size(), 0u) << "by its index in the chunk";
  EXPECT_EQ(service.Run(records).failures.size(), 2u) << "the next chunk has none";
}

TEST(NodesTest, AQuestionIsFoundInTheFormInWhichItWasShown) {
  ServiceHarness service("inputs: {x: {}}\nnodes: {n: {lua: 'hold(x)'}}\noutputs: [n]");
  const std::string record = "{\"x\":\"" + std::string(5'000, 'q') + "\"}";
  const model::ChunkOutcome asks = service.Run({record});
  ASSERT_EQ(asks.failures.size(), 1u);
  ChunkSettings settings;
  settings.answers = {{.index = 0, .node = "n", .question = asks.failures[0].message, .answer = "yes"}};
  EXPECT_EQ(service.RunOne(record, settings), "{\"n\":\"yes\"}");
}

TEST(NodesTest, StatisticsCountWhatEachNodeDid) {
  const SteppingClock clock(1'000);
  ServiceHarness service(kService, &clock);
  const model::ChunkOutcome outcome =
      service.Run({R"({"x":9})", R"({"x":1})", R"({"x":-1})", R"({"x":0})", "broken", "{}"});
  const model::NodeStatistics& big = outcome.nodes.at("big");
  EXPECT_EQ(big.record_count, 4);
  EXPECT_EQ(big.success_count, 1);
  EXPECT_EQ(big.skipped_count, 3);
  const model::NodeStatistics& checked = outcome.nodes.at("checked");
  EXPECT_EQ(checked.record_count, 4);
  EXPECT_EQ(checked.success_count, 2);
  EXPECT_EQ(checked.failure_count, 1);
  EXPECT_EQ(checked.hold_count, 1);
  EXPECT_EQ(checked.skipped_count, 0);
  EXPECT_EQ(outcome.nodes.at("late").record_count, 2);
  // The clock moves by a microsecond a look, and it is looked at once between two nodes.
  EXPECT_EQ(checked.run_nanos, 4'000);
  EXPECT_EQ(checked.max_nanos, 1'000);
  EXPECT_EQ(big.run_nanos, 1'000);
}

TEST(NodesTest, ProcessTimesAddUpToTheComputeTime) {
  const SteppingClock clock(1'000);
  ServiceHarness service(kService, &clock);
  const model::ChunkOutcome outcome = service.Run({R"({"x":9})", "broken"});
  // Begin of the nodes, end of each of the three, end of the record; the broken one has only its end.
  EXPECT_THAT(outcome.process_time_ns, ElementsAre(5'000, 1'000));
  EXPECT_EQ(outcome.compute_nanos, 6'000);
}

TEST(NodesTest, WarningsNameRecordAndNode) {
  ServiceHarness service(R"yaml(
inputs: {x: {}}
nodes:
  a: {lua: "if x > 1 then warn('x is ' .. x) end return x"}
  b: {lua: "warn('always') if a > 2 then fail('too much') end return a"}
outputs: [b])yaml");
  const model::ChunkOutcome outcome = service.Run({R"({"x":1})", R"({"x":2})", R"({"x":3})"});
  std::vector<std::string> seen;
  for (const model::RecordWarning& warning : outcome.warnings) {
    seen.push_back(std::to_string(warning.index) + " " + warning.node + " " + warning.message);
  }
  EXPECT_THAT(seen, ElementsAre("0 b always", "1 a x is 2", "1 b always", "2 a x is 3", "2 b always"));
  EXPECT_EQ(outcome.failures.size(), 1u);
  EXPECT_EQ(outcome.json_lines, "{\"b\":1}\n{\"b\":2}\nnull\n");
}

TEST(NodesTest, WarningsOfARecordAreLimited) {
  ServiceHarness service("nodes: {n: {lua: 'for i = 1, 1000 do warn(i) end return 1'}}\noutputs: [n]");
  const model::ChunkOutcome outcome = service.Run({"{}", "{}"});
  ASSERT_EQ(outcome.warnings.size(), 2 * model::kWarningsPerRecordMax);
  EXPECT_EQ(outcome.warnings.back().index, 1);
  EXPECT_EQ(outcome.warnings.back().message, "16");
}

TEST(NodesTest, ManyNodesRun) {
  std::string nodes = "  n0: {lua: x}\n";
  for (int i = 1; i < 1000; ++i) {
    nodes += "  n" + std::to_string(i) + ": {lua: n" + std::to_string(i - 1) + " + 1, when: 'true'}\n";
  }
  ServiceHarness service("inputs: {x: {}}\nnodes:\n" + nodes + "outputs: [n999]");
  EXPECT_EQ(service.Run({R"({"x":0})", "{}", R"({"x":5})"}).json_lines, "{\"n999\":999}\nnull\n{\"n999\":1004}\n");
}

std::vector<std::string> LabelsOf(const model::ChunkOutcome& outcome) {
  std::vector<std::string> labels;
  for (const model::RecordLabel& label : outcome.labels) {
    labels.push_back(std::to_string(label.index) + " " + label.label + " " + std::to_string(label.count));
  }
  return labels;
}

TEST(NodesTest, WhoeverFailsWithTheCodeOfHoldAsksAPerson) {
  ServiceHarness service("nodes: {n: {lua: \"fail('HELD', 'why?')\"}}\noutputs: [n]");
  const model::ChunkOutcome outcome = service.Run({"{}"});
  EXPECT_TRUE(outcome.failures.at(0).held);
  EXPECT_EQ(outcome.nodes.at("n").hold_count, 1);
}

TEST(NodesTest, LabelsAreCountedForRecordsThatSucceed) {
  ServiceHarness service(R"yaml(
inputs: {x: {type: number}}
nodes:
  a: {lua: "count(x > 1 and 'BIG' or 'SMALL') count('SEEN') return x"}
  b: {lua: "count('SEEN') if a > 2 then fail('too much') end return a"}
outputs: [b]
)yaml");
  const model::ChunkOutcome outcome = service.Run({R"({"x":1})", R"({"x":3})", R"({"x":2})"});
  EXPECT_EQ(LabelsOf(outcome), (std::vector<std::string>{"0 SMALL 1", "0 SEEN 2", "2 BIG 1", "2 SEEN 2"}));
}

TEST(NodesTest, ARecordHasSoManyLabelsAndTheOthersAreOne) {
  ServiceHarness service("nodes: {n: {lua: 'for i = 1, 100 do count(i) count(1) end return 1'}}\noutputs: [n]");
  const model::ChunkOutcome outcome = service.Run({"{}", "{}"});
  ASSERT_EQ(outcome.labels.size(), 2 * (model::kLabelsPerRecordMax + 1));
  EXPECT_EQ(LabelsOf(outcome).front(), "0 1 101");
  EXPECT_EQ(LabelsOf(outcome).back(), "1 OTHER 84");
}

TEST(NodesTest, ALabelIsAShortText) {
  const std::string refused = "LUA_ERROR: value:1: count: a label is a text of 1 to 64 bytes";
  EXPECT_EQ(EvaluateFailure("count('')"), refused);
  EXPECT_EQ(EvaluateFailure("count(string.rep('x', 65))"), refused);
  EXPECT_THAT(EvaluateFailure("count()"), ::testing::HasSubstr("string expected, got no value"));
  EXPECT_THAT(EvaluateFailure("count({})"), ::testing::HasSubstr("string expected, got table"));
  EXPECT_EQ(Evaluate("count(string.rep('x', 64)) or 1"), "1");
}

TEST(NodesTest, AnInputMayBeCalledCountAsItCouldBefore) {
  ServiceHarness service("inputs: {count: {type: number}}\nnodes: {n: {lua: 'count * 2'}}\noutputs: [n]");
  EXPECT_EQ(service.RunOne(R"({"count":4})"), "{\"n\":8}");
}

}  // namespace
}  // namespace millrace::execution
