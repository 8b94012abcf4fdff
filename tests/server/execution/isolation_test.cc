#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/execution/service_harness.h"

namespace millrace::execution {
namespace {

constexpr char kRandomService[] = R"yaml(
inputs: {id: {}}
nodes:
  roll: {lua: "math.random(6)"}
  share: {lua: "math.random()"}
  wide: {lua: "math.random(math.mininteger, math.maxinteger)"}
outputs: [roll, share, wide])yaml";

std::vector<std::string> Records(int count) {
  std::vector<std::string> records;
  for (int i = 0; i < count; ++i) records.push_back("{\"id\":" + std::to_string(i) + "}");
  return records;
}

TEST(IsolationTest, RandomNumbersFollowFromSeedAndRecord) {
  ServiceHarness first(kRandomService), second(kRandomService);
  const std::string once = first.Run(Records(50), {.random_seed = 7}).json_lines;
  EXPECT_EQ(first.Run(Records(50), {.random_seed = 7}).json_lines, once);
  EXPECT_EQ(second.Run(Records(50), {.random_seed = 7}).json_lines, once);
  EXPECT_NE(first.Run(Records(50), {.random_seed = 1007}).json_lines, once);
}

TEST(IsolationTest, ARecordsRandomNumbersDoNotDependOnTheOthers) {
  const std::string draw = "if n > 0 then for i = 1, n do math.random() end end return math.random(1000000)";
  ServiceHarness service("inputs: {n: {}}\nnodes: {x: {lua: '" + draw + "'}}\noutputs: [x]");
  const auto few = Lines(service.Run({R"({"n":1})", R"({"n":5})"}).json_lines);
  const auto many = Lines(service.Run({R"({"n":99})", R"({"n":5})"}).json_lines);
  EXPECT_EQ(few[1], many[1]);
  EXPECT_NE(few[0], many[0]);
}

TEST(IsolationTest, RandomNumbersAreSpread) {
  ServiceHarness service("nodes: {x: {lua: 'math.random(6)'}}\noutputs: [x]");
  std::vector<int> seen(7);
  for (const std::string& line : Lines(service.Run(std::vector<std::string>(6'000, "{}")).json_lines)) {
    const int roll = line[5] - '0';
    ASSERT_TRUE(roll >= 1 && roll <= 6) << line;
    ++seen[static_cast<size_t>(roll)];
  }
  for (int roll = 1; roll <= 6; ++roll) EXPECT_NEAR(seen[static_cast<size_t>(roll)], 1'000, 150) << roll;
}

TEST(IsolationTest, EmptyRandomRangesAreErrors) {
  EXPECT_EQ(EvaluateFailure("math.random(0)"), "LUA_ERROR: value:1: bad argument #1 to 'random' (interval is empty)");
  EXPECT_EQ(Evaluate("math.random(5, 5)"), "5");
}

TEST(IsolationTest, ResultsDoNotDependOnTheRunnerOrTheOrderOfKeys) {
  // A sum of floats over pairs would differ with Lua's own order, which is new in each state.
  constexpr char kSum[] = R"yaml(
inputs: {values: {type: object}}
nodes:
  sum: {lua: "local s = 0 for k, v in pairs(values) do s = s + v end return s"}
  first: {lua: "next(values)"}
outputs: [sum, first])yaml";
  std::string record = "{\"values\":{";
  for (int i = 0; i < 200; ++i)
    record += (i > 0 ? ",\"key" : "\"key") + std::to_string(i * 7919 % 200) + "\":" + std::to_string(1.0 / (i + 1));
  record += "}}";
  const std::string once = ServiceHarness(kSum).RunOne(record);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(ServiceHarness(kSum).RunOne(record), once);
}

TEST(IsolationTest, TablesOfOneRecordAreGoneForTheNext) {
  ServiceHarness service(R"yaml(
inputs: {list: {type: array}}
nodes:
  before: {lua: "#list"}
  change: {lua: "table.insert(list, before) return #list"}
outputs: [before, change])yaml");
  EXPECT_EQ(service.Run({R"({"list":[]})", R"({"list":[]})", R"({"list":[1]})"}).json_lines,
            "{\"before\":0,\"change\":1}\n{\"before\":0,\"change\":1}\n{\"before\":1,\"change\":2}\n");
}

TEST(IsolationTest, FunctionsKeepNothingFromRecordToRecord) {
  ServiceHarness service(R"yaml(
inputs: {x: {}}
nodes:
  counter: {lua: "local n = 0; return function() n = n + x return n end"}
  result: {lua: "counter() + counter()"}
outputs: [result])yaml");
  EXPECT_EQ(service.Run({R"({"x":1})", R"({"x":1})", R"({"x":2})"}).json_lines,
            "{\"result\":3}\n{\"result\":3}\n{\"result\":6}\n");
}

TEST(IsolationTest, AValueOfTheRecordBeforeIsNeverSeen) {
  ServiceHarness service(R"yaml(
inputs: {x: {required: false}}
nodes: {kept: {lua: x, when: "x ~= nil"}, shown: {lua: "kept or 'none'"}}
outputs: [x, kept, shown])yaml");
  EXPECT_EQ(service.Run({R"({"x":5})", "{}", "broken", R"({"x":null})"}).json_lines,
            "{\"x\":5,\"kept\":5,\"shown\":5}\n{\"x\":null,\"kept\":null,\"shown\":\"none\"}\nnull\n"
            "{\"x\":null,\"kept\":null,\"shown\":\"none\"}\n");
}

TEST(IsolationTest, ParametersOfOneChunkAreGoneForTheNext) {
  ServiceHarness service("nodes: {x: {lua: params.rate or 'none'}}\noutputs: [x]");
  EXPECT_EQ(service.RunOne("{}", {.job_parameters_json = R"({"rate":2})"}), R"({"x":2})");
  EXPECT_EQ(service.RunOne("{}"), R"({"x":"none"})");
}

TEST(IsolationTest, ParametersThatAreNoObjectFailEachRecord) {
  ServiceHarness service("nodes: {x: {lua: '1'}}\noutputs: [x]");
  const model::ChunkOutcome outcome = service.Run({"{}", "{}"}, {.job_parameters_json = "[1]"});
  ASSERT_EQ(outcome.failures.size(), 2u);
  EXPECT_EQ(outcome.failures[0].code, "INPUT_TYPE");
  EXPECT_EQ(outcome.record_count, 2);
  EXPECT_EQ(service.RunOne("{}"), R"({"x":1})");
}

}  // namespace
}  // namespace millrace::execution
