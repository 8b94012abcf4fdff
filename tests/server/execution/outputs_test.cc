#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/execution/service_harness.h"

namespace millrace::execution {
namespace {

using ::testing::HasSubstr;

constexpr char kInvalid[] = "OUTPUT_INVALID: output 'value': ";

TEST(OutputsTest, ValuesBecomeTheJsonTheyStandFor) {
  EXPECT_EQ(Evaluate("nil"), "null");
  EXPECT_EQ(Evaluate("1 < 2"), "true");
  EXPECT_EQ(Evaluate("1 > 2"), "false");
  EXPECT_EQ(Evaluate("math.maxinteger"), "9223372036854775807");
  EXPECT_EQ(Evaluate("0.1 + 0.2"), "0.30000000000000004");
  EXPECT_EQ(Evaluate("1e300 * 10"), "1e+301");
  EXPECT_EQ(Evaluate("10 / 5"), "2");
  EXPECT_EQ(Evaluate("-0.0"), "-0.0");
  EXPECT_EQ(Evaluate("'say \"hi\"\\\\\\n\\t\\1'"), R"("say \"hi\"\\\n\t\u0001")");
  EXPECT_EQ(Evaluate("a", "{\"a\":\"Z\xc3\xbcrich \xf0\x9f\x98\x80\"}"), "\"Z\xc3\xbcrich \xf0\x9f\x98\x80\"");
}

TEST(OutputsTest, TablesBecomeArraysOrObjectsWithSortedKeys) {
  EXPECT_EQ(Evaluate("{1, 'two', {3}}"), R"([1,"two",[3]])");
  EXPECT_EQ(Evaluate("{zebra = 1, ant = {b = 1, a = 2}, ['key with \"'] = 3}"),
            R"({"ant":{"a":2,"b":1},"key with \"":3,"zebra":1})");
  EXPECT_EQ(Evaluate("{}"), "[]");
  EXPECT_EQ(Evaluate("{1, nil, 3}"), "[1,null,3]");
}

TEST(OutputsTest, EmptyObjectsOfTheRecordStayObjects) {
  EXPECT_EQ(Evaluate("{a, b}", R"({"a":{},"b":[]})"), "[{},[]]");
  EXPECT_EQ(Evaluate("a.x = 1 return a", R"({"a":{}})"), R"({"x":1})");
}

TEST(OutputsTest, WhatJsonLacksNamesTheOutput) {
  EXPECT_EQ(EvaluateFailure("0/0"), std::string(kInvalid) + "NaN has no form in JSON");
  EXPECT_EQ(EvaluateFailure("{x = {-1/0}}"), std::string(kInvalid) + "an infinite number has no form in JSON");
  EXPECT_EQ(EvaluateFailure("'\\xff'"), std::string(kInvalid) + "a text is not UTF-8");
  EXPECT_EQ(EvaluateFailure("{['\\xff'] = 1}"), std::string(kInvalid) + "a text is not UTF-8");
  EXPECT_EQ(EvaluateFailure("function() end"), std::string(kInvalid) + "a function has no form in JSON");
  EXPECT_EQ(EvaluateFailure("{1, x = 2}"), std::string(kInvalid) + "a table is both a list and an object");
  EXPECT_EQ(EvaluateFailure("{[1.5] = 2}"),
            std::string(kInvalid) + "a table has a key that is neither a text nor a place in a list");
  EXPECT_EQ(EvaluateFailure("{[1000000000] = 2}"), std::string(kInvalid) + "a list has more holes than values");
}

TEST(OutputsTest, ATableThatHoldsItselfFails) {
  EXPECT_THAT(EvaluateFailure("local t = {} t.t = t return t"), HasSubstr("nested deeper than 64 levels"));
}

TEST(OutputsTest, TablesThatUnfoldWithoutEndFail) {
  EXPECT_EQ(EvaluateFailure("local t = {} for i = 1, 60 do t = {t, t} end return t"),
            std::string(kInvalid) + "larger than 16 MiB");
}

TEST(OutputsTest, AnInvalidOutputNamesTheNodeThatMadeIt) {
  ServiceHarness service("nodes: {good: {lua: '1'}, bad: {lua: 0/0}}\noutputs: [good, bad]");
  const model::ChunkOutcome outcome = service.Run({"{}"});
  ASSERT_EQ(outcome.failures.size(), 1u);
  EXPECT_EQ(outcome.failures[0].node, "bad");
  EXPECT_EQ(outcome.json_lines, "null\n");
}

TEST(OutputsTest, ComeInTheOrderOfTheDefinition) {
  ServiceHarness service("inputs: {x: {}}\nnodes: {b: {lua: x + 1}, a: {lua: x + 2}}\noutputs: [b, x, a]");
  EXPECT_EQ(service.RunOne(R"({"x":1})"), R"({"b":2,"x":1,"a":3})");
}

TEST(OutputsTest, InputsAreEmittedAsTheyWereTaken) {
  ServiceHarness service(
      "inputs: {n: {type: number}, o: {required: false}}\n"
      "nodes: {change: {lua: 'if o then o.extra = 1 end'}}\noutputs: [n, o]");
  EXPECT_EQ(service.RunOne(R"({"n":"007.50","o":{"z":1,"a":{}}})"), R"({"n":7.5,"o":{"z":1,"a":{}}})");
  EXPECT_EQ(service.RunOne(R"({"n":1})"), R"({"n":1,"o":null})");
}

TEST(OutputsTest, SelectionLeavesTheOthersOut) {
  ServiceHarness service("inputs: {x: {}}\nnodes: {a: {lua: x}, b: {lua: fail('b ran')}}\noutputs: ['*', a, b]");
  EXPECT_EQ(service.FailureOf(R"({"x":1})", {.selected_outputs = {"a"}}), "FAILED: b ran");
  ServiceHarness mild("inputs: {x: {}}\nnodes: {a: {lua: x}, b: {lua: 0/0}}\noutputs: ['*', a, b]");
  EXPECT_EQ(mild.RunOne(R"({"x":1})", {.selected_outputs = {"a"}}), R"({"a":1})");
  EXPECT_EQ(mild.RunOne(R"({"x":1})", {.selected_outputs = {"a", "*"}}), R"({"x":1,"a":1})");
  EXPECT_EQ(mild.RunOne(R"({"x":1})", {.selected_outputs = {"*"}}), R"({"x":1})");
}

TEST(OutputsTest, AllFieldsComeFirstByteForByte) {
  ServiceHarness service("inputs: {x: {required: false}}\nnodes: {y: {lua: x}}\noutputs: ['*', y]");
  EXPECT_EQ(
      service.Run({R"( { "x" : 1.50, "z":"\u00e9}" } )", "{}", " {  } \r", R"({"x":1,"x":2})"}).json_lines,
      "{ \"x\" : 1.50, \"z\":\"\\u00e9}\" ,\"y\":1.5}\n{\"y\":null}\n{  \"y\":null}\n{\"x\":1,\"x\":2,\"y\":2}\n");
}

TEST(OutputsTest, AFieldWithTheNameOfAnOutputIsRefused) {
  ServiceHarness service("inputs: {x: {}}\nnodes: {y: {lua: x}}\noutputs: ['*', y]");
  EXPECT_EQ(service.FailureOf(R"({"x":1,"y":2})"),
            "OUTPUT_NAME_TAKEN: the record has a field 'y', which is the name of an output");
  EXPECT_EQ(service.RunOne(R"({"x":1,"y":2})", {.selected_outputs = {"*"}}), R"({"x":1,"y":2})");
  EXPECT_EQ(service.RunOne(R"({"x":1,"y":2})", {.selected_outputs = {"y"}}), R"({"y":1})");
  EXPECT_EQ(service.RunOne(R"({"x":1,"*":2})"), R"({"x":1,"*":2,"y":1})");
}

TEST(OutputsTest, AServiceWithoutNodesPicksFields) {
  ServiceHarness service("inputs: {id: {}, name: {from: full name, required: false}}\noutputs: [name, id]");
  EXPECT_EQ(service.RunOne(R"({"id":7,"full name":"Ann","rest":0})"), R"({"name":"Ann","id":7})");
}

}  // namespace
}  // namespace millrace::execution
