// What docs/SERVICES.md shows must work.

#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/execution/service_harness.h"

namespace millrace::execution {
namespace {

// The YAML blocks of the guide, by the name of their service.
std::map<std::string, std::string> GuideServices() {
  std::ifstream file(std::string(MILLRACE_SOURCE_FOLDER) + "/docs/SERVICES.md");
  EXPECT_TRUE(file.is_open());
  std::map<std::string, std::string> services;
  std::string block;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line == "```yaml") {
      inside = true;
      block.clear();
    } else if (inside && line == "```") {
      inside = false;
      const auto definition = core::ParseServiceDefinition(block);
      EXPECT_TRUE(definition.ok()) << definition.status() << "\n" << block;
      if (definition.ok()) services[definition->service] = block;
    } else if (inside) {
      block += line + "\n";
    }
  }
  return services;
}

TEST(GuideTest, TheFirstExampleGivesWhatIsSaid) {
  ServiceHarness service(GuideServices().at("aviation/strike-severity"));
  EXPECT_EQ(service.RunOne(R"({"Wildlife Size": "Large", "Speed IAS in knots": "100"})"),
            R"({"energy_j":5293.05258272})");
}

TEST(GuideTest, InputsAreTakenAsDescribed) {
  ServiceHarness service(GuideServices().at("examples/inputs"));
  EXPECT_EQ(service.RunOne(R"json({"id":1,"type":"invoice","Amount (EUR)":"12.50"})json"),
            R"json({"id":1,"kind":"invoice","amount":12.5,"currency":"EUR","note":null})json");
}

TEST(GuideTest, NodesRunAsDescribed) {
  ServiceHarness service(GuideServices().at("examples/nodes"));
  const ChunkSettings settings{.job_parameters_json = R"({"rate":0.25,"bands":[100,1000]})"};
  const auto outcome = service.Run({R"({"value":250})", R"({"value":5000,"country":"CH"})"}, settings);
  EXPECT_EQ(outcome.json_lines,
            "{\"value\":250,\"net\":200,\"band\":2,\"duty\":10}\n"
            "{\"value\":5000,\"country\":\"CH\",\"net\":4000,\"band\":3,\"duty\":null}\n");
  ASSERT_EQ(outcome.warnings.size(), 1u);
  EXPECT_EQ(outcome.warnings[0].message, "beyond the last band");
}

TEST(GuideTest, RecipesWork) {
  const auto services = GuideServices();
  ServiceHarness lookup(services.at("examples/lookup"));
  EXPECT_EQ(lookup.RunOne(R"({"damage":"Medium"})"), R"({"weight":2})");
  EXPECT_EQ(lookup.FailureOf(R"({"damage":"C"})"), "UNKNOWN_DAMAGE: unknown damage 'C'");

  ServiceHarness checks(services.at("examples/checks"));
  const ChunkSettings limit{.job_parameters_json = R"({"limit":1000})"};
  EXPECT_EQ(checks.RunOne(R"({"amount":800,"payee":"Ann"})", limit), R"({"amount":800,"fee":1.6})");
  EXPECT_EQ(checks.FailureOf(R"({"amount":1001,"payee":"Ann"})", limit), "HELD: may Ann be paid this much?");
  ChunkSettings answered = limit;
  answered.answers = {{.index = 0, .node = "checked", .question = "may Ann be paid this much?", .answer = "yes"}};
  EXPECT_EQ(checks.RunOne(R"({"amount":1250,"payee":"Ann"})", answered), R"({"amount":1250,"fee":2.5})");
  answered.answers[0].answer = "no";
  EXPECT_EQ(checks.FailureOf(R"({"amount":1001,"payee":"Ann"})", answered), "REFUSED: is not to be paid");
  EXPECT_EQ(checks.FailureOf(R"({"amount":-1,"payee":"Ann"})", limit), "NEGATIVE_AMOUNT: the amount is negative");

  ServiceHarness lines(services.at("examples/lines"));
  EXPECT_EQ(lines.RunOne(R"({"lines":[{"article":"b","price":"2.5","count":2},{"article":"a","price":1},)"
                         R"({"article":"b","price":0}]})"),
            R"({"total":6,"articles":["a","b"]})");
}

}  // namespace
}  // namespace millrace::execution
