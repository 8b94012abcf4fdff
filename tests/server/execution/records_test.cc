#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/model/limits.h"
#include "tests/server/execution/service_harness.h"

namespace millrace::execution {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// A service that gives back its input x, declared as `settings`.
ServiceHarness Echo(const std::string& settings) {
  return ServiceHarness("inputs: {x: " + settings + "}\nnodes: {y: {lua: x}, kind: {lua: math.type(x) or type(x)}}\n" +
                        "outputs: [y, kind]");
}

std::string Nested(size_t levels) {
  return "{\"x\":" + std::string(levels - 1, '[') + "1" + std::string(levels - 1, ']') + "}";
}

TEST(RecordsTest, WhatIsNoJsonFailsAlone) {
  ServiceHarness service = Echo("{}");
  const model::ChunkOutcome outcome = service.Run({R"({"x":1})", R"({"x":)", "", R"({"x":2} tail)", R"({"x":3})"});
  EXPECT_EQ(outcome.json_lines, "{\"y\":1,\"kind\":\"integer\"}\nnull\nnull\nnull\n{\"y\":3,\"kind\":\"integer\"}\n");
  ASSERT_EQ(outcome.failures.size(), 3u);
  for (const model::RecordFailure& failure : outcome.failures) {
    EXPECT_EQ(failure.code, "RECORD_NOT_JSON");
    EXPECT_EQ(failure.node, "");
    EXPECT_THAT(failure.message, StartsWith("the record is not JSON: "));
  }
  EXPECT_EQ(outcome.failures[2].index, 3);
  EXPECT_EQ(outcome.failures[2].input, R"({"x":2} tail)");
  EXPECT_EQ(outcome.record_count, 5);
  EXPECT_EQ(outcome.process_time_ns.size(), 5u);
}

TEST(RecordsTest, ARecordMustBeAnObject) {
  ServiceHarness service = Echo("{}");
  EXPECT_EQ(service.FailureOf("[1,2]"), "RECORD_NOT_OBJECT: the record is an array; expected a JSON object");
  EXPECT_EQ(service.FailureOf("\"text\""), "RECORD_NOT_OBJECT: the record is the text 'text'; expected a JSON object");
  EXPECT_EQ(service.FailureOf("null"), "RECORD_NOT_OBJECT: the record is null; expected a JSON object");
  EXPECT_EQ(service.FailureOf("17"), "RECORD_NOT_OBJECT: the record is 17; expected a JSON object");
}

TEST(RecordsTest, ARecordMustBeUtf8) {
  EXPECT_EQ(Echo("{}").FailureOf("{\"x\":\"\xff\"}"), "RECORD_NOT_UTF8: the record is not UTF-8");
  EXPECT_EQ(Echo("{}").FailureOf("{\"x\":\"\xed\xa0\x80\"}"), "RECORD_NOT_UTF8: the record is not UTF-8");
}

TEST(RecordsTest, NestingIsLimitedExactly) {
  ServiceHarness service = Echo("{}");
  EXPECT_EQ(service.Run({Nested(model::kRecordDepthMax)}).failures.size(), 0u);
  EXPECT_EQ(service.FailureOf(Nested(model::kRecordDepthMax + 1)),
            "RECORD_TOO_DEEP: the record is nested deeper than 64 levels");
  // A record for which the parser has to grow must not change the limit.
  EXPECT_EQ(service.Run({"{\"x\":\"" + std::string(2'000'000, 'a') + "\"}"}).failures.size(), 0u);
  EXPECT_THAT(service.FailureOf(Nested(model::kRecordDepthMax + 1)), StartsWith("RECORD_TOO_DEEP"));
  EXPECT_THAT(service.FailureOf(Nested(1'000'000)), StartsWith("RECORD_TOO_DEEP"));
}

TEST(RecordsTest, SizeIsLimited) {
  ServiceHarness service = Echo("{}");
  const std::string large = "{\"x\":\"" + std::string(model::kRecordBytesMax, 'a') + "\"}";
  EXPECT_THAT(service.FailureOf(large), StartsWith("RECORD_TOO_LARGE: the record has 16777224 bytes; at most"));
  EXPECT_EQ(service.RunOne(R"({"x":1})"), R"({"y":1,"kind":"integer"})");
}

TEST(RecordsTest, OfAFieldGivenTwiceTheLastCounts) {
  EXPECT_EQ(Echo("{}").RunOne(R"({"x":1,"z":0,"x":2})"), R"({"y":2,"kind":"integer"})");
}

TEST(RecordsTest, FieldsMayComeInAnyOrderAndNumber) {
  ServiceHarness service("inputs: {a: {}, b: {from: B b}}\nnodes: {sum: {lua: a + b}}\noutputs: [sum]");
  EXPECT_EQ(service
                .Run({R"({"a":1,"B b":2})", R"({"B b":3,"a":1})", R"({"z":{"a":9},"a":1,"y":[],"B b":4})",
                      R"({"a":1,"B\u0020b":5})", R"({"a":1,"B b":2})"})
                .json_lines,
            "{\"sum\":3}\n{\"sum\":4}\n{\"sum\":5}\n{\"sum\":6}\n{\"sum\":3}\n");
}

TEST(RecordsTest, SeveralInputsMayReadOneField) {
  ServiceHarness service(
      "inputs: {text: {from: v, type: string}, number: {from: v, type: number}}\n"
      "nodes: {n: {lua: \"text .. '=' .. number\"}}\noutputs: [n]");
  EXPECT_EQ(service.RunOne(R"({"v":"1.50"})"), R"({"n":"1.50=1.5"})");
}

TEST(RecordsTest, MissingNullAndBlankAreMissing) {
  const std::string missing = "INPUT_MISSING: input x (field 'x') is missing";
  EXPECT_EQ(Echo("{}").FailureOf("{}"), missing);
  EXPECT_EQ(Echo("{}").FailureOf(R"({"x":null})"), missing);
  for (const char* type : {"number", "integer", "boolean", "object", "array"}) {
    EXPECT_EQ(Echo("{type: " + std::string(type) + "}").FailureOf(R"({"x":" "})"), missing) << type;
  }
  EXPECT_EQ(Echo("{type: string}").RunOne(R"({"x":""})"), R"({"y":"","kind":"string"})");
  EXPECT_EQ(Echo("{}").RunOne(R"({"x":""})"), R"({"y":"","kind":"string"})");
  EXPECT_EQ(Echo("{required: false}").RunOne("{}"), R"({"y":null,"kind":"nil"})");
}

TEST(RecordsTest, MissingInputsNameTheirField) {
  ServiceHarness service("inputs: {knots: {from: \"Speed IAS in knots\", type: number}}\noutputs: [knots]");
  EXPECT_EQ(service.FailureOf(R"({"Speed IAS in knots":""})"),
            "INPUT_MISSING: input knots (field 'Speed IAS in knots') is missing");
}

TEST(RecordsTest, DefaultsStandInAndAreFreshForEachRecord) {
  ServiceHarness service(R"yaml(
inputs: {list: {default: [1, {k: v}]}}
nodes: {n: {lua: "table.insert(list, 3) return #list"}}
outputs: [n, list])yaml");
  EXPECT_EQ(service.Run({"{}", R"({"list":null})", R"({"list":[]})"}).json_lines,
            "{\"n\":3,\"list\":[1,{\"k\":\"v\"}]}\n{\"n\":3,\"list\":[1,{\"k\":\"v\"}]}\n{\"n\":1,\"list\":[]}\n");
  EXPECT_EQ(Echo("{default: 'text'}").RunOne("{}"), R"({"y":"text","kind":"string"})");
  EXPECT_EQ(Echo("{type: number, default: 2.5}").RunOne(R"({"x":""})"), R"({"y":2.5,"kind":"float"})");
}

TEST(RecordsTest, NumbersMayBeTexts) {
  ServiceHarness number = Echo("{type: number}");
  EXPECT_EQ(number.RunOne(R"({"x":3})"), R"({"y":3,"kind":"integer"})");
  EXPECT_EQ(number.RunOne(R"({"x":3.0})"), R"({"y":3,"kind":"float"})");
  EXPECT_EQ(number.RunOne(R"({"x":" 300 "})"), R"({"y":300,"kind":"integer"})");
  EXPECT_EQ(number.RunOne(R"({"x":"-1.5e3"})"), R"({"y":-1500,"kind":"float"})");
  for (const char* text : {"12,5", "0x10", "nan", "inf", "1e999", "1 2", "abc", "99999999999999999999"}) {
    EXPECT_EQ(number.FailureOf("{\"x\":\"" + std::string(text) + "\"}"),
              "INPUT_TYPE: input x (field 'x') is the text '" + std::string(text) + "'; expected a number");
  }
  EXPECT_EQ(number.FailureOf(R"({"x":[1]})"), "INPUT_TYPE: input x (field 'x') is an array; expected a number");
  EXPECT_EQ(number.FailureOf(R"({"x":true})"), "INPUT_TYPE: input x (field 'x') is true; expected a number");
}

TEST(RecordsTest, IntegersAreWhole) {
  ServiceHarness integer = Echo("{type: integer}");
  EXPECT_EQ(integer.RunOne(R"({"x":3.0})"), R"({"y":3,"kind":"integer"})");
  EXPECT_EQ(integer.RunOne(R"({"x":"4.0"})"), R"({"y":4,"kind":"integer"})");
  EXPECT_EQ(integer.RunOne(R"({"x":-9223372036854775808})"), R"({"y":-9223372036854775808,"kind":"integer"})");
  EXPECT_THAT(integer.FailureOf(R"({"x":3.5})"), HasSubstr("is 3.5; expected a whole number within 64 bits"));
  EXPECT_THAT(integer.FailureOf(R"({"x":1e300})"), HasSubstr("expected a whole number within 64 bits"));
}

TEST(RecordsTest, WholeNumbersOutside64BitsFailClearly) {
  EXPECT_EQ(Echo("{}").FailureOf(R"({"x":9223372036854775808})"),
            "INPUT_TYPE: input x (field 'x') is 9223372036854775808; expected a value whose whole numbers fit into "
            "64 bits");
  EXPECT_THAT(Echo("{type: number}").FailureOf(R"({"x":18446744073709551615})"), StartsWith("INPUT_TYPE"));
  EXPECT_THAT(Echo("{}").FailureOf(R"({"x":[[9223372036854775808]]})"), StartsWith("INPUT_TYPE"));
  EXPECT_EQ(Echo("{}").FailureOf(R"({"x":1,"z":99999999999999999999})"),
            "RECORD_NOT_JSON: the record is not JSON: a number is malformed or does not fit into 64 bits");
  EXPECT_EQ(Echo("{}").RunOne(R"({"x":1,"z":9223372036854775808})"), R"({"y":1,"kind":"integer"})");
}

TEST(RecordsTest, BooleansMayBeTexts) {
  ServiceHarness boolean = Echo("{type: boolean}");
  EXPECT_EQ(boolean.RunOne(R"({"x":true})"), R"({"y":true,"kind":"boolean"})");
  EXPECT_EQ(boolean.RunOne(R"({"x":"False"})"), R"({"y":false,"kind":"boolean"})");
  EXPECT_EQ(boolean.FailureOf(R"({"x":"yes"})"),
            "INPUT_TYPE: input x (field 'x') is the text 'yes'; expected true or false");
  EXPECT_THAT(boolean.FailureOf(R"({"x":1})"), HasSubstr("is 1; expected true or false"));
}

TEST(RecordsTest, OtherTypesAreTakenAsTheyAre) {
  EXPECT_EQ(Echo("{type: object}").RunOne(R"({"x":{"b":1,"a":[true,null,"t"]}})"),
            R"({"y":{"a":[true,null,"t"],"b":1},"kind":"table"})");
  EXPECT_THAT(Echo("{type: object}").FailureOf(R"({"x":[1]})"), HasSubstr("is an array; expected an object"));
  EXPECT_THAT(Echo("{type: array}").FailureOf(R"({"x":{}})"), HasSubstr("is an object; expected an array"));
  EXPECT_THAT(Echo("{type: string}").FailureOf(R"({"x":5})"), HasSubstr("is 5; expected a text"));
}

TEST(RecordsTest, WhateverTheBytesEachRecordGivesOneLine) {
  ServiceHarness service(
      "inputs: {a: {required: false}, b: {required: false, type: number}}\n"
      "nodes: {n: {lua: 'b'}}\noutputs: ['*', n]");
  const std::string valid = R"({"a":{"k":[1,"t\u00e9\n",null,-2.5e3]},"b":"17","c":"\"}"})";
  std::mt19937_64 random(20240607);
  std::vector<std::string> records;
  for (int i = 0; i < 20'000; ++i) {
    std::string record = valid;
    for (uint64_t changes = random() % 4; changes > 0; --changes) {
      const size_t at = random() % record.size();
      const char byte = random() % 2 == 0 ? static_cast<char>(random()) : valid[random() % valid.size()];
      if (byte != '\n') record[at] = byte;
    }
    records.push_back(record.substr(0, random() % 8 == 0 ? random() % record.size() : record.size()));
  }
  const model::ChunkOutcome outcome = service.Run(records);
  const std::vector<std::string> lines = Lines(outcome.json_lines);
  ASSERT_EQ(lines.size(), records.size());
  const auto nulls = static_cast<size_t>(std::count(lines.begin(), lines.end(), "null"));
  EXPECT_EQ(nulls, outcome.failures.size());
  EXPECT_GT(nulls, 1'000u);
  EXPECT_LT(nulls, 19'000u);
}

TEST(RecordsTest, LongTextsAreCutInMessages) {
  const std::string text(500, 'a');
  EXPECT_EQ(Echo("{type: number}").FailureOf("{\"x\":\"" + text + "\"}"),
            "INPUT_TYPE: input x (field 'x') is the text '" + std::string(64, 'a') + "…'; expected a number");
}

}  // namespace
}  // namespace millrace::execution
