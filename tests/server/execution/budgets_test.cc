// Whatever a node does, it ends, the server lives, and the next record runs as if nothing had been.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/execution/service_harness.h"

namespace millrace::execution {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Runs `code` for the first of two records; the second must run well in the same runner.
model::RecordFailure FailureBeside(std::string_view code, absl::Duration timeout = absl::Seconds(60)) {
  ServiceHarness service(absl::StrCat("inputs: {bad: {}}\nnodes:\n  n:\n    lua: |-\n      if bad then\n      ",
                                      std::string(code),
                                      "\n      end\n      local t = {}\n      for i = 1, 100 do t[i] = 'x' .. i end\n"
                                      "      return #table.concat(t)\noutputs: [n]"));
  const model::ChunkOutcome outcome = service.Run({R"({"bad":true})", R"({"bad":false})"}, {.record_timeout = timeout});
  EXPECT_EQ(outcome.json_lines, "null\n{\"n\":292}\n") << code;
  if (outcome.failures.size() != 1) {
    ADD_FAILURE() << code << " gave " << outcome.failures.size() << " failures";
    return {};
  }
  return outcome.failures[0];
}

class EndlessTest : public ::testing::TestWithParam<const char*> {};

TEST_P(EndlessTest, IsStoppedByItsInstructions) {
  const model::RecordFailure failure = FailureBeside(GetParam());
  EXPECT_EQ(failure.code, "INSTRUCTION_LIMIT");
  EXPECT_EQ(failure.message, "the record takes more than 50 million instructions");
  EXPECT_EQ(failure.node, "n");
}

INSTANTIATE_TEST_SUITE_P(
    Loops, EndlessTest,
    ::testing::Values(
        "while true do end", "repeat until false", "::top:: goto top", "for i = 1, math.huge do end",
        "local function f() return f() end f()", "table.sort({1, 2, 3}, function() while true do end end)",
        // Much work inside few instructions: each call is charged.
        "while true do string.rep('x', 1000000) end", "local s = ('x'):rep(1000000) while true do s:find('y') end",
        "local s = ('x'):rep(1000000) while true do s:lower() end",
        "local s = ('x'):rep(1000000) while true do utf8.len(s) end",
        "local t = {} for i = 1, 100000 do t[i] = i end while true do table.insert(t, 1, table.remove(t)) end",
        "local t = {} for i = 1, 100000 do t[i] = '' end while true do table.concat(t) end",
        "local t = {} for i = 1, 10000 do t[i] = i end while true do table.unpack(t) end",
        "local t = {} for i = 1, 10000 do t['k' .. i] = i end while true do next(t) end",
        "local t = {} for i = 1, 10000 do t['k' .. i] = i end while true do pairs(t) end"));

TEST(BudgetsTest, EndlessCallsOfEmptyRepEnd) {
  EXPECT_EQ(Evaluate("string.rep('', math.maxinteger)"), "\"\"");
  EXPECT_EQ(Evaluate("string.rep('', math.maxinteger, '')"), "\"\"");
  EXPECT_EQ(Evaluate("string.rep('x', -1)"), "\"\"");
  EXPECT_THAT(EvaluateFailure("string.rep('x', 1 << 40)"), HasSubstr("string.rep: the result is longer than 16 MiB"));
  EXPECT_THAT(EvaluateFailure("string.rep('', 1 << 40, 'xy')"), HasSubstr("string.rep: the result is longer"));
  EXPECT_THAT(EvaluateFailure("string.rep('x', math.maxinteger, 'y')"), HasSubstr("string.rep: the result is longer"));
}

TEST(BudgetsTest, EndlessRangesEnd) {
  EXPECT_THAT(FailureBeside("table.unpack({}, 1, math.maxinteger)").message, HasSubstr("too many results to unpack"));
  EXPECT_THAT(FailureBeside("table.unpack({}, math.mininteger, math.maxinteger)").message,
              HasSubstr("too many results"));
  EXPECT_THAT(FailureBeside("table.concat({}, ',', 1, math.maxinteger)").message,
              HasSubstr("invalid value (nil) at index 1"));
  EXPECT_THAT(FailureBeside("string.byte(('x'):rep(5000000), 1, -1)").message, HasSubstr("string slice too long"));
  EXPECT_THAT(FailureBeside("string.format('%999d', 1)").message, HasSubstr("invalid conversion"));
}

TEST(BudgetsTest, SearchingIsLinear) {
  // Quadratic search would take hours.
  EXPECT_EQ(Evaluate("local text = ('a'):rep(8000000) local part = ('a'):rep(3999999) .. 'b' .. ('a'):rep(3999999)\n"
                     "return text:find(part)"),
            "null");
}

TEST(BudgetsTest, MemoryIsLimited) {
  for (const char* code :
       {"local s = 'x' while true do s = s .. s end", "local t = {} while true do t[#t + 1] = {} end",
        "local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end",
        "local t = {} for i = 1, 1000 do t[i] = ('x'):rep(10000000) end",
        "local t = {} while true do t['k' .. #t] = 1 t[#t + 1] = function() return t end end",
        "local t = {} for i = 1, 1e9 do t[i] = i end"}) {
    const model::RecordFailure failure = FailureBeside(code);
    EXPECT_EQ(failure.code, "MEMORY_LIMIT") << code << failure.message;
    EXPECT_EQ(failure.message, "the record needs more than 64 MiB of memory");
  }
}

TEST(BudgetsTest, ManyBlocksOfManySizesStayWithinTheLimit) {
  // Free blocks of one size are of no use to another: what counts is what was taken from the system.
  const model::RecordFailure failure = FailureBeside(R"(for size = 1, 30 do
        local t = {}
        for i = 1, 40000000 // (size * 16 + 40) do t[i] = ('x'):rep(size * 16) .. i end
      end)");
  EXPECT_THAT(failure.code, AnyOf("MEMORY_LIMIT", "INSTRUCTION_LIMIT"));
}

TEST(BudgetsTest, AMemoryLimitInOneRecordLeavesTheNextItsFullMemory) {
  ServiceHarness service(R"yaml(
inputs: {bytes: {}}
nodes:
  n:
    lua: |
      local t = {}
      for i = 1, bytes // 1000 do t[i] = ('x'):rep(900) .. i end
      return #t
outputs: [n])yaml");
  std::vector<std::string> records;
  for (int i = 0; i < 2; ++i) {
    records.push_back(R"({"bytes":100000000})");
    records.push_back(R"({"bytes":40000000})");
  }
  const model::ChunkOutcome outcome = service.Run(records);
  ASSERT_EQ(outcome.failures.size(), 2u);
  for (const model::RecordFailure& failure : outcome.failures) {
    EXPECT_EQ(failure.index % 2, 0);
    EXPECT_EQ(failure.code, "MEMORY_LIMIT");
  }
}

TEST(BudgetsTest, DeepRecursionEnds) {
  for (const char* code : {"local function f() return 1 + f() end f()",
                           "local function f() table.sort({1, 2}, function() f() end) end f()"}) {
    EXPECT_THAT(FailureBeside(code).code, AnyOf("LUA_ERROR", "MEMORY_LIMIT"));
  }
}

TEST(BudgetsTest, DeepNestingOfLibraryCallsEnds) {
  EXPECT_THAT(FailureBeside("local f f = function(s) return ('x'):rep(#tostring(f(s .. 'x'))) end f('')").code,
              AnyOf("LUA_ERROR", "MEMORY_LIMIT"));
}

TEST(BudgetsTest, TheRecordTimeoutStopsLoops) {
  // Each look at the clock takes a millisecond; the count hook looks.
  const SteppingClock clock(1'000'000);
  ServiceHarness service("inputs: {n: {}}\nnodes: {x: {lua: 'for i = 1, n do end return n'}}\noutputs: [x]", &clock);
  EXPECT_EQ(service.FailureOf(R"({"n":40000000})", {.record_timeout = absl::Milliseconds(50)}),
            "RECORD_TIMEOUT: the record ran longer than 50ms");
  EXPECT_EQ(service.RunOne(R"({"n":100000})", {.record_timeout = absl::Milliseconds(50)}), R"({"x":100000})");
}

TEST(BudgetsTest, TheRecordTimeoutCountsNodesThatNeverLoop) {
  const SteppingClock clock(1'000'000);
  std::string nodes;
  for (int i = 10; i < 60; ++i) nodes += "  n" + std::to_string(i) + ": {lua: '1'}\n";
  ServiceHarness service("nodes:\n" + nodes + "outputs: [n10]", &clock);
  const model::ChunkOutcome outcome = service.Run({"{}"}, {.record_timeout = absl::Milliseconds(20)});
  ASSERT_EQ(outcome.failures.size(), 1u);
  EXPECT_EQ(outcome.failures[0].code, "RECORD_TIMEOUT");
  EXPECT_EQ(outcome.failures[0].node, "n29");
  EXPECT_EQ(outcome.nodes.at("n28").success_count, 1);
  EXPECT_EQ(outcome.nodes.at("n29").failure_count, 1);
  EXPECT_EQ(outcome.nodes.at("n30").record_count, 0);
}

TEST(BudgetsTest, BudgetsStartAnewWithEachRecord) {
  ServiceHarness service("nodes: {x: {lua: 'local n = 0 for i = 1, 15000000 do n = i end return n'}}\noutputs: [x]");
  EXPECT_EQ(service.Run({"{}", "{}", "{}"}, {.record_timeout = absl::Seconds(60)}).failures.size(), 0u);
}

TEST(BudgetsTest, LargeParametersDoNotMakeEachRecordStartAnew) {
  std::string list = "[1";
  for (int i = 0; i < 400'000; ++i) list += ",1";
  ServiceHarness service("nodes: {n: {lua: '#params.list'}}\noutputs: [n]");
  const model::ChunkOutcome outcome =
      service.Run(std::vector<std::string>(2'000, "{}"), {.job_parameters_json = "{\"list\":" + list + "]}"});
  EXPECT_EQ(outcome.failures.size(), 0u);
  EXPECT_THAT(outcome.json_lines, StartsWith("{\"n\":400001}\n"));
}

TEST(BudgetsTest, TheOutputOfAChunkIsLimited) {
  ServiceHarness service("nodes: {n: {lua: \"('x'):rep(15000000)\"}}\noutputs: [n]");
  const model::ChunkOutcome outcome = service.Run({"{}", "{}", "{}", "{}", "{}"});
  ASSERT_EQ(outcome.failures.size(), 1u);
  EXPECT_EQ(outcome.failures[0].index, 4);
  EXPECT_EQ(outcome.failures[0].code, "OUTPUT_INVALID");
  EXPECT_EQ(outcome.failures[0].message, "the outputs of the chunk exceed 64 MiB; push smaller chunks");
}

}  // namespace
}  // namespace millrace::execution
