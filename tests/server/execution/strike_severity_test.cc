// The example service over the example data, as the demonstration runs it.

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/core/json_struct.h"
#include "tests/server/execution/service_harness.h"

namespace millrace::execution {
namespace {

constexpr char kFolder[] = MILLRACE_SOURCE_FOLDER;

std::string ReadFile(const std::string& path) {
  std::ifstream file(std::string(kFolder) + "/" + path);
  EXPECT_TRUE(file.is_open()) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// The file quotes nothing and ends its lines with "\r\n".
std::vector<std::string> Cells(std::string row) {
  if (!row.empty() && row.back() == '\r') row.pop_back();
  std::vector<std::string> cells;
  std::stringstream stream(row);
  for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
  if (!row.empty() && row.back() == ',') cells.emplace_back();
  return cells;
}

std::vector<std::string> StrikeRecords() {
  const std::vector<std::string> rows = Lines(ReadFile("data/birdstrikes.csv"));
  const std::vector<std::string> header = Cells(rows.at(0));
  std::vector<std::string> records;
  for (size_t i = 1; i < rows.size(); ++i) {
    const std::vector<std::string> cells = Cells(rows[i]);
    std::string record = "{";
    for (size_t j = 0; j < header.size(); ++j) {
      if (j > 0) record.push_back(',');
      core::AppendJsonString(header[j], record);
      record.push_back(':');
      core::AppendJsonString(cells.at(j), record);
    }
    records.push_back(record + "}");
  }
  return records;
}

TEST(StrikeSeverityTest, TheExampleGivesTheKnownFigures) {
  ServiceHarness service(ReadFile("services/strike-severity.yaml"));
  const model::ChunkOutcome outcome = service.Run(
      StrikeRecords(),
      {.summary = {.ignore_error = true, .aggregations = {{"energy_j", model::AggregationOperator::kSum}}}});
  EXPECT_EQ(outcome.record_count, 10'000);
  std::map<std::string, int> failures;
  for (const model::RecordFailure& failure : outcome.failures) ++failures[failure.code + ": " + failure.message];
  EXPECT_THAT(failures, ::testing::UnorderedElementsAre(
                            std::pair("INPUT_MISSING: input knots (field 'Speed IAS in knots') is missing", 2'836),
                            std::pair("UNKNOWN_DAMAGE: unknown damage 'B'", 1),
                            std::pair("UNKNOWN_DAMAGE: unknown damage 'C'", 13)));
  ASSERT_EQ(outcome.summary.size(), 1u);
  EXPECT_EQ(outcome.summary[0].count, 7'150);
  EXPECT_NEAR(outcome.summary[0].value, 20'060'335.15, 0.005);
}

TEST(StrikeSeverityTest, AnUnknownSizeFailsUnderItsCode) {
  ServiceHarness service(ReadFile("services/strike-severity.yaml"));
  EXPECT_EQ(service.FailureOf(R"({"Wildlife Size":"Huge","Speed IAS in knots":"10","Effect Amount of damage":"None"})"),
            "UNKNOWN_SIZE: unknown size 'Huge'");
  EXPECT_EQ(service.RunOne(R"({"Wildlife Size":"Large","Speed IAS in knots":"100","Effect Amount of damage":"None"})"),
            R"({"energy_j":5293.05258272,"mass_kg":4,"speed_mps":51.4444})");
}

}  // namespace
}  // namespace millrace::execution
