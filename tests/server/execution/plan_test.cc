#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/model/errors.h"
#include "tests/server/execution/service_harness.h"

namespace millrace::execution {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> NodeOrder(std::string_view body) {
  const auto plan = PlanService(body);
  EXPECT_TRUE(plan.ok()) << plan.status();
  std::vector<std::string> names;
  for (const core::ServiceNode& node : plan->nodes) names.push_back(node.name);
  return names;
}

TEST(PlanTest, NodesRunAfterWhatTheyNameAndByNameElsewhere) {
  EXPECT_THAT(NodeOrder(R"yaml(
inputs: {x: {}}
nodes:
  a: {lua: "z + 1"}
  z: {lua: "x * 2"}
  m: {lua: "x"}
  b: {lua: "x", when: "a > 0"}
outputs: [a])yaml"),
              ElementsAre("m", "z", "a", "b"));
}

TEST(PlanTest, DependenciesAreSortedAndCoverWhenToo) {
  const auto plan = PlanService(R"yaml(
inputs: {x: {}, y: {}}
nodes: {n: {lua: "y * params.rate", when: "x > 1 and math.abs(x) > 2"}}
outputs: [n])yaml");
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(plan->nodes[0].depends_on, ElementsAre("x", "y"));
}

TEST(PlanTest, LocalsTextsCommentsAndKeysAreNoNames) {
  EXPECT_THAT(NodeOrder(R"yaml(
inputs: {x: {}}
nodes:
  a: {lua: "local b = x; local t = {b = 1, c = 'b'}; --[[ b ]] return t.b + b -- b"}
  b: {lua: "a"}
outputs: [b])yaml"),
              ElementsAre("a", "b"));
}

TEST(PlanTest, NamesInsideNestedFunctionsCount) {
  EXPECT_THAT(NodeOrder(R"yaml(
inputs: {x: {}}
nodes:
  a: {lua: "(function() return (function() return z end)() end)()"}
  z: {lua: "x"}
outputs: [a])yaml"),
              ElementsAre("z", "a"));
}

TEST(PlanTest, NamesBehindManyConstantsAndLongNamesAreFound) {
  std::string table = "({";
  for (int i = 0; i < 400; ++i) table += "k" + std::to_string(i) + "='v" + std::to_string(i) + "',";
  const std::string long_name(60, 'n');
  EXPECT_THAT(NodeOrder("inputs: {x: {}}\nnodes:\n  a: {lua: \"" + table + "})[z] .. " + long_name +
                        "\"}\n  z: {lua: x}\n  " + long_name + ": {lua: x}\noutputs: [a]"),
              ElementsAre(long_name, "z", "a"));
}

TEST(PlanTest, CyclesAreDrawn) {
  EXPECT_EQ(PlanError(R"yaml(
nodes: {a: {lua: b}, b: {lua: c}, c: {lua: b}, d: {lua: "1"}}
outputs: [d])yaml"),
            "nodes: a cycle, each node needing the next: b -> c -> b");
  EXPECT_THAT(PlanError("nodes: {a: {lua: a + 1}}\noutputs: [a]"), HasSubstr("a -> a"));
  EXPECT_THAT(PlanError("nodes: {a: {lua: '1', when: b}, b: {lua: a}}\noutputs: [a]"), HasSubstr("a -> b -> a"));
}

TEST(PlanTest, UnknownNamesAreRefusedWithTheNearestKnownOne) {
  EXPECT_EQ(PlanError("inputs: {speed: {}}\nnodes: {n: {lua: sped * 2}}\noutputs: [n]"),
            "nodes.n.lua: unknown name 'sped': it is no input, no node and not in the sandbox; did you mean 'speed'?");
  EXPECT_EQ(PlanError("nodes: {n: {lua: '1', when: zebra}}\noutputs: [n]"),
            "nodes.n.when: unknown name 'zebra': it is no input, no node and not in the sandbox");
}

TEST(PlanTest, ErrorsAreServiceDefinitionInvalid) {
  const absl::Status status = PlanService("nodes: {n: {lua: zebra}}\noutputs: [n]").status();
  EXPECT_TRUE(model::HasReason(status, model::Reason::kServiceDefinitionInvalid));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
}

TEST(PlanTest, WhatTheSandboxLacksIsRefusedByName) {
  for (const char* name : {"io", "os", "load", "loadfile", "dofile", "require", "debug", "pcall", "coroutine", "print",
                           "collectgarbage", "setmetatable", "getmetatable", "rawset", "rawget", "package"}) {
    EXPECT_EQ(PlanError("nodes: {n: {lua: " + std::string(name) + "}}\noutputs: [n]"),
              "nodes.n.lua: '" + std::string(name) + "' is not in the sandbox");
  }
  EXPECT_THAT(PlanError("nodes: {n: {lua: xpcall}}\noutputs: [n]"), HasSubstr("unknown name 'xpcall'"));
}

TEST(PlanTest, AssignmentsToGlobalsAreRefused) {
  EXPECT_THAT(PlanError("nodes: {n: {lua: 'total = 5 return total'}}\noutputs: [n]"),
              HasSubstr("nodes.n.lua: assigns to the global 'total'; declare it with `local`"));
  EXPECT_THAT(PlanError("inputs: {x: {}}\nnodes: {n: {lua: 'function x() end return 1'}}\noutputs: [n]"),
              HasSubstr("assigns to the global 'x'"));
}

TEST(PlanTest, TheEnvironmentIsNotForUse) {
  for (const char* code : {"_ENV", "_ENV[x]", "_ENV.x", "local e = _ENV return e.x", "_ENV = {}",
                           "(function() return _ENV end)()", "local function f() _ENV = nil end return 1"}) {
    EXPECT_THAT(PlanError("inputs: {x: {}}\nnodes: {n: {lua: '" + std::string(code) + "'}}\noutputs: [n]"),
                HasSubstr("_ENV is not in the sandbox"))
        << code;
  }
  EXPECT_THAT(PlanError("nodes: {n: {lua: _G}}\noutputs: [n]"), HasSubstr("unknown name '_G'"));
}

TEST(PlanTest, LuaThatDoesNotCompileIsShownByLine) {
  EXPECT_EQ(PlanError("nodes: {n: {lua: '1 +'}}\noutputs: [n]"), "nodes.n.lua: line 1: unexpected symbol near <eof>");
  EXPECT_EQ(PlanError("nodes: {n: {lua: \"local a = 1\\nreturn a +\"}}\noutputs: [n]"),
            "nodes.n.lua: line 2: unexpected symbol near <eof>");
  EXPECT_THAT(PlanError("nodes: {n: {lua: '  '}}\noutputs: [n]"), HasSubstr("empty; expected a Lua expression"));
  EXPECT_THAT(PlanError("nodes: {n: {lua: '1 end, function() return 2'}}\noutputs: [n]"), HasSubstr("line 1"));
  EXPECT_THAT(PlanError("nodes: {n: {lua: '...'}}\noutputs: [n]"), HasSubstr("cannot use '...' outside"));
  EXPECT_THAT(PlanError("nodes: {n: {lua: \"\\x1bLua\"}}\noutputs: [n]"), HasSubstr("nodes.n.lua"));
}

TEST(PlanTest, MoreNamesThanAFunctionTakesAreRefused) {
  std::string inputs, sum = "0";
  for (int i = 0; i < 300; ++i) {
    inputs += (i > 0 ? ", x" : "x") + std::to_string(i) + ": {}";
    sum += " + x" + std::to_string(i);
  }
  EXPECT_THAT(PlanError("inputs: {" + inputs + "}\nnodes: {n: {lua: " + sum + "}}\noutputs: [n]"),
              HasSubstr("too many local variables"));
}

TEST(PlanTest, DeepNestingIsRefusedNotFatal) {
  const std::string deep = std::string(10'000, '(') + "1" + std::string(10'000, ')');
  EXPECT_THAT(PlanError("nodes: {n: {lua: '" + deep + "'}}\noutputs: [n]"), HasSubstr("overflow"));
}

TEST(PlanTest, ExpressionsAndBlocksBothGiveAValue) {
  EXPECT_EQ(Evaluate("a + 1 -- a comment at the end", R"({"a":1})"), "2");
  EXPECT_EQ(Evaluate("local x = a\nif x > 1 then return 'large' end\nreturn 'small'", R"({"a":2})"), R"("large")");
  EXPECT_EQ(Evaluate("if a then fail('no') end"), "null");
  EXPECT_EQ(Evaluate("1, 2"), "1");
}

TEST(PlanTest, MessagesCountLinesAsTheDefinitionDoes) {
  EXPECT_EQ(EvaluateFailure("local x = 1\n\nreturn x + a"),
            "LUA_ERROR: value:3: attempt to perform arithmetic on a nil value (local 'a')");
}

}  // namespace
}  // namespace millrace::execution
