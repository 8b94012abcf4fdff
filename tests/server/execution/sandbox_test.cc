#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/core/service_definition.h"
#include "tests/server/execution/service_harness.h"

namespace millrace::execution {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(SandboxTest, HasExactlyTheNamesThatDefinitionsReserve) {
  for (const std::string_view name : core::SandboxNames()) {
    EXPECT_NE(Evaluate("type(" + std::string(name) + ")"), "\"nil\"") << name;
  }
}

TEST(SandboxTest, LibrariesHaveWhatTheGuideLists) {
  EXPECT_EQ(Evaluate("local t = {} for k in pairs(string) do t[#t + 1] = k end return table.concat(t, ' ')"),
            "\"byte char find format len lower rep reverse sub upper\"");
  EXPECT_EQ(Evaluate("local t = {} for k in pairs(table) do t[#t + 1] = k end return table.concat(t, ' ')"),
            "\"concat insert pack remove sort unpack\"");
  EXPECT_EQ(Evaluate("local t = {} for k in pairs(utf8) do t[#t + 1] = k end return table.concat(t, ' ')"),
            "\"char codepoint codes len offset\"");
  EXPECT_EQ(
      Evaluate("local t = {} for k in pairs(math) do t[#t + 1] = k end return table.concat(t, ' ')"),
      "\"abs acos asin atan ceil cos deg exp floor fmod huge log max maxinteger min mininteger modf pi rad random "
      "sin sqrt tan tointeger type ult\"");
}

TEST(SandboxTest, WhatLibrariesLackIsNamed) {
  for (const char* name : {"match", "gmatch", "gsub", "dump", "pack", "unpack", "packsize"}) {
    EXPECT_EQ(EvaluateFailure("string." + std::string(name) + "('a', 'b')"),
              "LUA_ERROR: value:1: 'string." + std::string(name) + "' is not in the sandbox");
    EXPECT_THAT(EvaluateFailure("('a'):" + std::string(name) + "('b')"), HasSubstr("is not in the sandbox"));
  }
  EXPECT_THAT(EvaluateFailure("table.move({}, 1, 2, 3)"), HasSubstr("'table.move' is not in the sandbox"));
  EXPECT_THAT(EvaluateFailure("math.randomseed(1)"), HasSubstr("'math.randomseed' is not in the sandbox"));
}

TEST(SandboxTest, StringFunctionsDoTheirWork) {
  EXPECT_EQ(Evaluate("('MillRace'):upper() .. string.lower('ABC') .. #'four' .. ('ab'):rep(3, '-')"),
            "\"MILLRACEabc4ab-ab-ab\"");
  EXPECT_EQ(Evaluate("{('hello'):sub(2, -2), ('abc'):reverse(), ('A'):byte(), string.char(66, 67), ('x'):len()}"),
            R"(["ell","cba",65,"BC",1])");
  EXPECT_EQ(Evaluate("string.format('%5.2f|%-4d|%s|%s|%x|%%|%q', 3.14159, 7, 'text', true, 255, 'q')"),
            R"(" 3.14|7   |text|true|ff|%|\"q\"")");
}

TEST(SandboxTest, FindLooksForPlainText) {
  EXPECT_EQ(Evaluate("{('hello world'):find('wor')}"), "[7,9]");
  EXPECT_EQ(Evaluate("{('hello'):find('l', 4), ('hello'):find('l', -2)}"), "[4,4,4]");
  EXPECT_EQ(Evaluate("('hello'):find('z')"), "null");
  EXPECT_EQ(Evaluate("{('hello'):find('', 6)}"), "[6,5]");
  EXPECT_EQ(Evaluate("('hello'):find('', 7)"), "null");
  EXPECT_EQ(Evaluate("('a.b'):find('.', 1, true)"), "2");
  EXPECT_THAT(EvaluateFailure("('a.b'):find('.')"), HasSubstr("there are no patterns in the sandbox"));
  EXPECT_THAT(EvaluateFailure("(('a'):rep(300)):find('.-.-.-b')"), HasSubstr("there are no patterns"));
}

TEST(SandboxTest, TextsOfTablesAndFunctionsHoldNoAddress) {
  EXPECT_EQ(Evaluate("{tostring({}), tostring(type), tostring(nil), tostring(1.5), string.format('%s %s', {}, pairs)}"),
            R"(["table","function","nil","1.5","table function"])");
  EXPECT_THAT(EvaluateFailure("string.format('%p', {})"), HasSubstr("there is no '%p' in the sandbox"));
  EXPECT_THAT(EvaluateFailure("string.format('%10p', 'a')"), HasSubstr("there is no '%p' in the sandbox"));
  EXPECT_THAT(EvaluateFailure("error({})"), Not(HasSubstr("0x")));
  EXPECT_THAT(EvaluateFailure("math[{}]"), Not(HasSubstr("0x")));
}

TEST(SandboxTest, TableFunctionsDoTheirWork) {
  EXPECT_EQ(
      Evaluate(
          "local t = {3, 1, 2} table.sort(t) table.insert(t, 4) table.insert(t, 1, 0) table.remove(t, 2) return t"),
      "[0,2,3,4]");
  EXPECT_EQ(
      Evaluate("{table.concat({1, 'b', 3}, ', '), table.concat({1, 2, 3}, '', 2, 3), table.unpack({1, 2, 3}, 2)}"),
      R"(["1, b, 3","23",2,3])");
  EXPECT_EQ(Evaluate("table.pack(1, nil, 3).n"), "3");
}

TEST(SandboxTest, SortKeepsEqualValuesInTheirOrder) {
  EXPECT_EQ(Evaluate(R"yaml(
local t = {}
for i = 1, 1000 do t[i] = {key = i % 7, place = i} end
table.sort(t, function(x, y) return x.key > y.key end)
for i = 2, #t do
  if t[i - 1].key < t[i].key or (t[i - 1].key == t[i].key and t[i - 1].place > t[i].place) then return i end
end
return 'sorted')yaml"),
            "\"sorted\"");
  EXPECT_THAT(EvaluateFailure("table.sort({1, 'a'})"), HasSubstr("attempt to compare"));
}

TEST(SandboxTest, PairsGoesThroughKeysInOrder) {
  EXPECT_EQ(Evaluate(R"yaml(
local t, out = {zebra = 1, ant = 2, [10] = 3, [2] = 4, [1.5] = 5, [true] = 6, [-1] = 7, bee = 8}, {}
for k, v in pairs(t) do out[#out + 1] = tostring(k) .. '=' .. v end
return table.concat(out, ' '))yaml"),
            "\"-1=7 1.5=5 2=4 10=3 ant=2 bee=8 zebra=1 true=6\"");
}

TEST(SandboxTest, PairsAllowsValuesToBeRemovedOnTheWay) {
  EXPECT_EQ(Evaluate("local t, n = {a = 1, b = 2, c = 3}, 0 for k in pairs(t) do t.b = nil n = n + 1 end return n"),
            "2");
}

TEST(SandboxTest, NextFollowsTheSameOrder) {
  EXPECT_EQ(
      Evaluate(
          "local t = {b = 2, a = 1} local k, v = next(t) local k2, v2 = next(t, k) return {k, v, k2, v2, next(t, k2)}"),
      R"(["a",1,"b",2])");
  EXPECT_EQ(Evaluate("next({}) == nil"), "true");
  EXPECT_THAT(EvaluateFailure("pairs({[{}] = 1})"), HasSubstr("a table as key has no place in an order"));
}

TEST(SandboxTest, OtherFunctionsDoTheirWork) {
  EXPECT_EQ(
      Evaluate("{select('#', 1, 2), select(-1, 1, 2), tonumber('0x10'), tonumber('z'), math.floor(2.7), type(a)}"),
      R"([2,2,16,null,2,"nil"])");
  EXPECT_EQ(Evaluate("local n = 0 for i, v in ipairs({1, 2, nil, 4}) do n = n + v end return n"), "3");
  EXPECT_EQ(Evaluate("utf8.len(a) .. utf8.char(8364)", "{\"a\":\"Z\xc3\xbc\"}"), "\"2€\"");
  EXPECT_THAT(EvaluateFailure("assert(a, 'no a')"), HasSubstr("no a"));
}

TEST(SandboxTest, TextsAreNoNumbers) {
  EXPECT_THAT(EvaluateFailure("a + 1", R"({"a":"1"})"), HasSubstr("attempt to perform arithmetic on a string value"));
}

TEST(SandboxTest, LibrariesAndParametersCannotBeChanged) {
  const ChunkSettings settings{.job_parameters_json = R"({"rate":0.5,"list":[1,2,3],"nested":{"x":1}})"};
  for (const char* code :
       {"math.pi = 3", "string.len = nil", "table.insert = 1", "utf8.x = 1", "params.rate = 1", "params.new = 1",
        "params.list[1] = 9", "params.nested.x = 2", "table.insert(params.list, 4)", "table.remove(params.list)",
        "table.sort(params.list)", "table.insert(math, 1)"}) {
    ServiceHarness service("nodes: {n: {lua: \"" + std::string(code) + " return 1\"}}\noutputs: [n]");
    EXPECT_THAT(service.FailureOf("{}", settings), HasSubstr("attempt to change a read-only table")) << code;
  }
}

TEST(SandboxTest, ParametersReadLikeTables) {
  const ChunkSettings settings{.job_parameters_json =
                                   R"({"rate":0.5,"list":[3,1,2],"nested":{"x":{"y":[true]}},"empty":{}})"};
  ServiceHarness service(R"yaml(
nodes:
  n:
    lua: |
      local out = {#params.list, params.rate, params.list[1], params.nested.x.y[1], table.concat(params.list, '-')}
      for i, v in ipairs(params.list) do out[#out + 1] = i * v end
      for k, v in pairs(params) do out[#out + 1] = k end
      out[#out + 1] = table.unpack(params.list, 3)
      out[#out + 1] = next(params.nested)
      out[#out + 1] = params.missing == nil
      return out
  all: {lua: params}
outputs: [n, all])yaml");
  EXPECT_EQ(service.RunOne("{}", settings),
            R"({"n":[3,0.5,3,true,"3-1-2",3,2,6,"empty","list","nested","rate",2,"x",true],)"
            R"("all":{"empty":{},"list":[3,1,2],"nested":{"x":{"y":[true]}},"rate":0.5}})");
}

TEST(SandboxTest, ChunkParametersOverrideJobParameters) {
  ServiceHarness service("nodes: {n: {lua: '{params.a, params.b, params.c}'}}\noutputs: [n]");
  ChunkSettings settings{.job_parameters_json = R"({"a":1,"b":{"x":1}})", .chunk_parameters_json = R"({"b":2,"c":3})"};
  EXPECT_EQ(service.RunOne("{}", settings), R"({"n":[1,2,3]})");
  settings.chunk_parameters_json = "";
  EXPECT_EQ(service.RunOne("{}", settings), R"({"n":[1,{"x":1}]})");
}

TEST(SandboxTest, FailStopsTheRecordUnderItsCode) {
  EXPECT_EQ(EvaluateFailure("a or fail('TOO_SMALL', 'size ' .. 3)"), "TOO_SMALL: size 3");
  EXPECT_EQ(EvaluateFailure("fail('just a message')"), "FAILED: just a message");
  EXPECT_EQ(EvaluateFailure("fail(17)"), "FAILED: 17");
  EXPECT_EQ(EvaluateFailure("fail('X', {})"), "X: table");
  EXPECT_THAT(EvaluateFailure("fail('lower case', 'text')"), HasSubstr("LUA_ERROR: value:1: fail: the code must be"));
  EXPECT_THAT(EvaluateFailure("fail()"), HasSubstr("LUA_ERROR"));
}

TEST(SandboxTest, MessagesAreUtf8AndCut) {
  EXPECT_EQ(EvaluateFailure("fail('a\\xffb')"),
            "FAILED: a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(EvaluateFailure("fail(a)", "{\"a\":\"" + std::string(1023, 'x') + "\xc3\xbc\"}"),
            "FAILED: " + std::string(1023, 'x'));
  EXPECT_EQ(EvaluateFailure("error('own words', 0)"), "LUA_ERROR: own words");
  EXPECT_EQ(EvaluateFailure("error({code = 1})"), "LUA_ERROR: error was called with a table, not with a text");
}

}  // namespace
}  // namespace millrace::execution
