#include "server/core/service_definition.h"

#include <algorithm>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/model/built_in.h"
#include "storage/model/errors.h"
#include "storage/model/limits.h"

namespace millrace::core {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string Whole(const std::string& body) { return "service: folder/name\nversion: 1.2.3\n" + body; }

std::string ErrorOf(const std::string& text) {
  const absl::Status status = ParseServiceDefinition(text).status();
  EXPECT_TRUE(status.ok() || model::HasReason(status, model::Reason::kServiceDefinitionInvalid)) << status;
  return std::string(status.message());
}

std::string ErrorOfBody(const std::string& body) { return ErrorOf(Whole(body)); }

std::string DefaultJson(const std::string& yaml) {
  const auto definition = ParseServiceDefinition(Whole("inputs: {x: {default: " + yaml + "}}\noutputs: [x]"));
  return definition.ok() ? definition->inputs[0].default_json : std::string(definition.status().message());
}

TEST(ServiceDefinitionTest, ReadsAllThatIsGiven) {
  const auto definition = ParseServiceDefinition(R"(
service: aviation/strike-severity
version: 1.0.0-rc.1
description: Energy of a strike.
inputs:
  size: {from: "Wildlife Size", type: string, required: false}
  knots: {type: number, default: 5}
nodes:
  energy: {lua: "knots * 2", when: "size"}
outputs: ["*", energy, knots]
)");
  ASSERT_TRUE(definition.ok()) << definition.status();
  EXPECT_EQ(definition->service, "aviation/strike-severity");
  EXPECT_EQ(definition->version, "1.0.0-rc.1");
  EXPECT_EQ(definition->description, "Energy of a strike.");
  ASSERT_EQ(definition->inputs.size(), 2u);
  EXPECT_EQ(definition->inputs[0].name, "knots");
  EXPECT_EQ(definition->inputs[0].from, "knots");
  EXPECT_EQ(definition->inputs[0].type, InputType::kNumber);
  EXPECT_TRUE(definition->inputs[0].required);
  EXPECT_EQ(definition->inputs[0].default_json, "5");
  EXPECT_EQ(definition->inputs[1].from, "Wildlife Size");
  EXPECT_FALSE(definition->inputs[1].required);
  ASSERT_EQ(definition->nodes.size(), 1u);
  EXPECT_EQ(definition->nodes[0].lua, "knots * 2");
  EXPECT_EQ(definition->nodes[0].when, "size");
  EXPECT_THAT(definition->outputs, ElementsAre("*", "energy", "knots"));
}

TEST(ServiceDefinitionTest, JsonIsReadToo) {
  const auto definition = ParseServiceDefinition(
      "{\t\"service\":\"a/b\",\"version\":\"1.0.0\",\r\n\t\"inputs\":{\"x\":{\"default\":\"\\ud83d\\ude00\\/\"}},"
      "\"nodes\":{\"n\":{\"lua\":\"x .. '\\\"'\"}},\"outputs\":[\"n\"]}");
  ASSERT_TRUE(definition.ok()) << definition.status();
  EXPECT_EQ(definition->inputs[0].default_json, "\"\xf0\x9f\x98\x80/\"");
  EXPECT_EQ(definition->nodes[0].lua, "x .. '\"'");
}

TEST(ServiceDefinitionTest, LayoutAndOrderDoNotChangeTheHash) {
  const auto yaml = ParseServiceDefinition(Whole(R"(
description: one
inputs:   # a comment
  b: {from: b, type: any, required: true}
  a: {default: {y: 1, x: [2]}}
nodes: {m: {lua: a}, n: {lua: b}}
outputs: [n, m])"));
  const auto json = ParseServiceDefinition(
      R"({"version":"9.9.9","service":"other/name","outputs":["n","m"],"nodes":{"n":{"lua":"b"},"m":{"lua":"a"}},)"
      R"("inputs":{"a":{"default":{"x":[2],"y":1}},"b":{}}})");
  ASSERT_TRUE(yaml.ok()) << yaml.status();
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ(CanonicalJson(*yaml), CanonicalJson(*json));
  EXPECT_EQ(ConfigHash(*yaml), ConfigHash(*json));
  EXPECT_EQ(CanonicalJson(*yaml),
            R"({"inputs":[{"name":"a","from":"a","type":"any","required":true,"default":{"x":[2],"y":1}},)"
            R"({"name":"b","from":"b","type":"any","required":true,"default":null}],)"
            R"("nodes":[{"name":"m","lua":"a","when":""},{"name":"n","lua":"b","when":""}],"outputs":["n","m"]})");
}

TEST(ServiceDefinitionTest, TheHashIsTheSameInEveryVersionOfMillrace) {
  const auto definition = ParseServiceDefinition(Whole("inputs: {x: {}}\nnodes: {n: {lua: x}}\noutputs: [n]"));
  ASSERT_TRUE(definition.ok()) << definition.status();
  EXPECT_EQ(ConfigHash(*definition), "685e055d8eb43b939e81b2266dfc369e279d852ba49b5520aa2cd6fdaa91ef50");
}

TEST(ServiceDefinitionTest, TheOrderOfNodesInAPlanDoesNotChangeTheHash) {
  auto definition = ParseServiceDefinition(Whole("nodes: {a: {lua: b}, b: {lua: '1'}}\noutputs: [a]"));
  ASSERT_TRUE(definition.ok()) << definition.status();
  const std::string hash = ConfigHash(*definition);
  std::reverse(definition->nodes.begin(), definition->nodes.end());
  EXPECT_EQ(ConfigHash(*definition), hash);
  definition->nodes[0].lua += " ";
  EXPECT_NE(ConfigHash(*definition), hash);
}

TEST(ServiceDefinitionTest, DefaultsFollowTheCoreSchema) {
  EXPECT_EQ(DefaultJson("17"), "17");
  EXPECT_EQ(DefaultJson("-0x1F"), "\"-0x1F\"");
  EXPECT_EQ(DefaultJson("0x1F"), "31");
  EXPECT_EQ(DefaultJson("0o17"), "15");
  EXPECT_EQ(DefaultJson("1.50"), "1.5");
  EXPECT_EQ(DefaultJson("+.5e1"), "5");
  EXPECT_EQ(DefaultJson("True"), "true");
  EXPECT_EQ(DefaultJson("yes"), "\"yes\"");
  EXPECT_EQ(DefaultJson("'17'"), "\"17\"");
  EXPECT_EQ(DefaultJson("\"true\""), "\"true\"");
  EXPECT_EQ(DefaultJson("1.2.3"), "\"1.2.3\"");
  EXPECT_EQ(DefaultJson("~"), "");
  EXPECT_EQ(DefaultJson("null"), "");
  EXPECT_EQ(DefaultJson("'null'"), "\"null\"");
  EXPECT_EQ(DefaultJson("{b: [1, ~], a: {}}"), R"({"a":{},"b":[1,null]})");
  EXPECT_THAT(DefaultJson(".nan"), HasSubstr("inputs.x.default: .nan has no place in JSON"));
  EXPECT_THAT(DefaultJson("99999999999999999999"), HasSubstr("is outside 64 bits"));
  EXPECT_THAT(DefaultJson("{a: 1, a: 2}"), HasSubstr("the key 'a' is given twice"));
}

TEST(ServiceDefinitionTest, DefaultsMustFitTheType) {
  EXPECT_EQ(ErrorOfBody("inputs: {x: {type: number, default: abc}}\noutputs: [x]"),
            "inputs.x.default: expected a value of type number");
  EXPECT_EQ(ErrorOfBody("inputs: {x: {type: integer, default: 1.5}}\noutputs: [x]"),
            "inputs.x.default: expected a value of type integer");
  EXPECT_EQ(ErrorOfBody("inputs: {x: {type: object, default: {}}, y: {type: boolean, default: no}}\noutputs: [x]"),
            "inputs.y.default: expected a value of type boolean");
}

TEST(ServiceDefinitionTest, UnknownKeysAreRefusedWithTheKnownOnes) {
  EXPECT_EQ(ErrorOfBody("output: [x]"),
            "unknown key 'output'; known are service, version, description, inputs, nodes and outputs");
  EXPECT_EQ(ErrorOfBody("inputs: {x: {form: y}}\noutputs: [x]"),
            "inputs.x: unknown key 'form'; known are from, type, required and default");
  EXPECT_EQ(ErrorOfBody("nodes: {n: {lua: '1', if: x}}\noutputs: [n]"),
            "nodes.n: unknown key 'if'; known are lua and when");
}

TEST(ServiceDefinitionTest, RemoteWorkersAreNotThereYet) {
  EXPECT_EQ(ErrorOfBody("worker: {}\noutputs: [x]"),
            "worker: this server runs nodes written in Lua only; write `lua: EXPRESSION` instead");
  EXPECT_THAT(ErrorOfBody("nodes: {n: {worker: ocr}}\noutputs: [n]"), StartsWith("nodes.n.worker: this server runs"));
}

TEST(ServiceDefinitionTest, MissingKeysAreNamed) {
  EXPECT_EQ(ErrorOf("version: 1.0.0\noutputs: [x]"), "service: missing; every service needs it");
  EXPECT_EQ(ErrorOf("service: a/b\noutputs: [x]"), "version: missing; every service needs it");
  EXPECT_EQ(ErrorOf("service: a/b\nversion: 1.0.0"), "outputs: missing; every service needs it");
  EXPECT_EQ(ErrorOfBody("nodes: {n: {when: '1'}}\noutputs: [n]"), "nodes.n.lua: missing; expected a Lua expression");
}

TEST(ServiceDefinitionTest, NameAndVersionAreChecked) {
  EXPECT_THAT(ErrorOf("service: nofolder\nversion: 1.0.0\ninputs: {x: {}}\noutputs: [x]"), StartsWith("service: "));
  EXPECT_THAT(ErrorOf("service: a/b\nversion: 1.0\ninputs: {x: {}}\noutputs: [x]"), StartsWith("version: "));
}

TEST(ServiceDefinitionTest, NamesMustBeFreeLuaNames) {
  EXPECT_THAT(ErrorOfBody("inputs: {wildlife size: {}}\noutputs: [x]"), HasSubstr("'wildlife size' is not a Lua name"));
  EXPECT_THAT(ErrorOfBody("inputs: {1x: {}}\noutputs: [x]"), HasSubstr("not beginning with a digit"));
  EXPECT_THAT(ErrorOfBody("inputs: {\"größe\": {}}\noutputs: [x]"), HasSubstr("is not a Lua name"));
  EXPECT_THAT(ErrorOfBody("nodes: {end: {lua: '1'}}\noutputs: [end]"), HasSubstr("'end' is a word that Lua keeps"));
  EXPECT_THAT(ErrorOfBody("nodes: {_ENV: {lua: '1'}}\noutputs: [_ENV]"), HasSubstr("'_ENV' is a word"));
  EXPECT_EQ(ErrorOfBody("inputs: {type: {}}\noutputs: [type]"),
            "inputs.type: 'type' is a name of the sandbox; choose another and write `from: type`");
  EXPECT_EQ(ErrorOfBody("nodes: {params: {lua: '1'}}\noutputs: [params]"),
            "nodes.params: 'params' is a name of the sandbox; choose another");
}

TEST(ServiceDefinitionTest, TwoThingsOfOneNameAreRefused) {
  EXPECT_THAT(ErrorOfBody("inputs: {x: {}}\nnodes: {x: {lua: '1'}}\noutputs: [x]"),
              StartsWith("nodes.x: an input bears this name too"));
  EXPECT_EQ(ErrorOfBody("inputs: {x: {}, x: {}}\noutputs: [x]"), "inputs: 'x' is given twice");
  EXPECT_EQ(ErrorOfBody("outputs: [x]\noutputs: [y]"), "'outputs' is given twice");
  EXPECT_EQ(ErrorOfBody("inputs: {x: {}}\noutputs: [x, x]"), "outputs[1]: 'x' is given twice");
}

TEST(ServiceDefinitionTest, OutputsMustBeMade) {
  EXPECT_EQ(ErrorOfBody("inputs: {x: {}}\noutputs: [x, y]"), "outputs[1]: 'y' is neither a node nor an input");
  EXPECT_EQ(ErrorOfBody("inputs: {x: {}}\noutputs: [x, '*']"), "outputs[1]: '*' must come first");
  EXPECT_THAT(ErrorOfBody("inputs: {x: {}}\noutputs: []"), StartsWith("outputs: expected a list of at least one name"));
  EXPECT_THAT(ErrorOfBody("inputs: {x: {}}\noutputs: x"), StartsWith("outputs: expected a list"));
  EXPECT_EQ(ErrorOfBody("inputs: {x: {}}\noutputs: [[x]]"), "outputs[0]: expected a name");
}

TEST(ServiceDefinitionTest, WrongShapesSayWhatWasExpected) {
  EXPECT_EQ(ErrorOf("just a text"), "expected a mapping with service, version, inputs, nodes and outputs");
  EXPECT_EQ(ErrorOf(""), "expected a YAML or JSON document, found none");
  EXPECT_THAT(ErrorOfBody("inputs: [x]\noutputs: [x]"), StartsWith("inputs: expected a mapping"));
  EXPECT_THAT(ErrorOfBody("inputs: {x: }\noutputs: [x]"), StartsWith("inputs.x: expected a mapping, such as {}"));
  EXPECT_THAT(ErrorOfBody("nodes: {n: '1 + 1'}\noutputs: [n]"),
              StartsWith("nodes.n: expected a mapping, such as {lua:"));
  EXPECT_EQ(ErrorOfBody("nodes: {n: {lua: [1]}}\noutputs: [n]"), "nodes.n.lua: expected a text");
  EXPECT_EQ(ErrorOfBody("inputs: {x: {type: float}}\noutputs: [x]"),
            "inputs.x.type: expected one of any, number, integer, string, boolean, object, array");
  EXPECT_EQ(ErrorOfBody("inputs: {x: {required: yes}}\noutputs: [x]"), "inputs.x.required: expected true or false");
}

TEST(ServiceDefinitionTest, BrokenYamlIsShownByPlace) {
  EXPECT_THAT(ErrorOf("service: a/b\nversion: [1.0.0"), StartsWith("line "));
  EXPECT_THAT(ErrorOf("service: a/b\nversion: 1.0.0\noutputs: [*]"), HasSubstr("the output * needs quotes"));
  EXPECT_EQ(ErrorOf("a: 1\n---\nb: 2"),
            "expected one YAML or JSON document, but it ends before line 2, column 1; is there a bracket too many?");
  EXPECT_EQ(ErrorOf("service: \xff"), "the definition is not UTF-8");
}

// They once made the server take all memory of the machine.
TEST(ServiceDefinitionTest, BracketsWithoutAPartnerAreAnError) {
  EXPECT_THAT(ErrorOf("{\"service\":\"a/b\",\"nodes\":{\"n\":{}}},\"outputs\":[\"n\"]}"),
              HasSubstr("is there a bracket too many?"));
  EXPECT_THAT(ErrorOf("service: a/b\n}"), StartsWith("line 2, column 1: not YAML"));
  EXPECT_THAT(ErrorOf("{service: a/b}]"), StartsWith("line 1, column 15: not YAML"));
}

TEST(ServiceDefinitionTest, LimitsAreKept) {
  EXPECT_THAT(ErrorOf(std::string(model::kDefinitionBytesMax + 1, ' ')), HasSubstr("at most 1048576 are allowed"));
  EXPECT_THAT(ErrorOfBody("description: " + std::string(model::kDescriptionBytesMax + 1, 'a') +
                          "\ninputs: {x: {}}\noutputs: [x]"),
              StartsWith("description: longer than"));
  std::string inputs = "inputs:\n";
  for (size_t i = 0; i <= model::kServiceInputsMax; ++i) inputs += "  x" + std::to_string(i) + ": {}\n";
  EXPECT_EQ(ErrorOfBody(inputs + "outputs: [x0]"), "inputs: 1001 names; at most 1000 are allowed");
}

TEST(ServiceDefinitionTest, AttacksOnTheParserAreRefused) {
  EXPECT_THAT(ErrorOf(std::string(500'000, '[')), StartsWith("line "));
  EXPECT_THAT(ErrorOf(std::string(500'000, '{')), StartsWith("line "));
  std::string deep = "{x: {default: " + std::string(100, '[') + std::string(100, ']') + "}}";
  EXPECT_THAT(ErrorOfBody("inputs: " + deep + "\noutputs: [x]"), HasSubstr("nested deeper than 64 levels"));
  EXPECT_THAT(ErrorOfBody("inputs: {x: {default: &a [*a]}}\noutputs: [x]"), HasSubstr("nested deeper than 64 levels"));
  std::string bomb = "&a0 [x, x, x, x, x, x, x, x, x, x]";
  for (int i = 1; i < 9; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    std::string level = "&a" + std::to_string(i) + " [" + before;
    for (int j = 0; j < 9; ++j) level += ", " + before;
    bomb += ", " + level + "]";
  }
  EXPECT_THAT(ErrorOfBody("inputs: {x: {default: [" + bomb + "]}}\noutputs: [x]"),
              HasSubstr("larger than 1048576 bytes"));
}

TEST(ServiceDefinitionTest, TheBuiltInServiceIsADefinitionLikeAnyOtherUnderItsHash) {
  const model::ServiceVersion& jobs = model::JobsService();
  const auto definition = ParseServiceDefinition(jobs.definition);
  ASSERT_TRUE(definition.ok()) << definition.status();
  EXPECT_EQ(definition->service, jobs.service);
  EXPECT_EQ(definition->version, jobs.version);
  EXPECT_EQ(definition->description, jobs.description);
  EXPECT_EQ(ConfigHash(*definition), jobs.config_hash);
}

}  // namespace
}  // namespace millrace::core
