// `run`, from files to files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/tools/millrace/cli_fixture.h"
#include "tests/tools/millrace/fake_server.h"

namespace millrace::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class RunTest : public CliFixture {
 protected:
  /// Five rows of which the second and the last fail.
  const std::string kCsv = "n,text\n1,one\n2,bad\n3,\"th,ree\"\n4,four\n5,bad too\n";

  std::vector<std::string> RunArguments(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"run",          "demo/echo",
                                          "--input",      Path("in.csv"),
                                          "--output",     Path("out.jsonl"),
                                          "--rejects",    Path("rejects.csv"),
                                          "--chunk-size", "2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  const std::string kOutput =
      "{\"echo\":{\"n\":\"1\",\"text\":\"one\"}}\n"
      "{\"echo\":{\"n\":\"3\",\"text\":\"th,ree\"}}\n"
      "{\"echo\":{\"n\":\"4\",\"text\":\"four\"}}\n";
  const std::string kRejects =
      "n,text,_reject_code,_reject_node,_reject_message\n"
      "2,bad,BAD_RECORD,check,the record is bad\n"
      "5,bad too,BAD_RECORD,check,the record is bad\n";

  std::shared_ptr<FakeServer> server_ = std::make_shared<FakeServer>();
};

TEST_F(RunTest, OutputsAndRejectsAreWrittenInInputOrder) {
  WriteFile("in.csv", kCsv);
  server_->FinishInReverseEvery(3);
  EXPECT_EQ(Run(RunArguments(), server_), 3) << err();
  EXPECT_EQ(ReadFile("out.jsonl"), kOutput);
  EXPECT_EQ(ReadFile("rejects.csv"), kRejects);
  EXPECT_THAT(server_->chunk_ids(), ElementsAre("c-000001", "c-000002", "c-000003"));
  EXPECT_EQ(server_->job().pipeline_state(), v1::PIPELINE_STATE_CLOSED);
}

TEST_F(RunTest, TheSummaryCountsRecordsResultsAndExceptionsByGroup) {
  WriteFile("in.csv", kCsv);
  Run(RunArguments({"--summary", "count:echo", "--summary", "SUM:echo"}), server_);
  EXPECT_THAT(out(), HasSubstr("records     5\n"));
  EXPECT_THAT(out(), HasSubstr("results     3 -> "));
  EXPECT_THAT(out(), HasSubstr("exceptions  2 -> "));
  EXPECT_THAT(out(), HasSubstr("COUNT echo  3\n"));
  EXPECT_THAT(out(), HasSubstr("SUM echo    3\n"));
  EXPECT_THAT(out(), HasSubstr("    2  BAD_RECORD  check  the record is bad  00000000000000aa\n"));
}

TEST_F(RunTest, TheJsonSummaryIsOneDocument) {
  WriteFile("in.csv", kCsv);
  Run(RunArguments({"-o", "json", "--id", "p1"}), server_);
  EXPECT_THAT(out(), HasSubstr("\"pipelineId\": \"p1\""));
  EXPECT_THAT(out(), HasSubstr("\"results\": 3,"));
  EXPECT_THAT(out(), HasSubstr("\"exceptions\": 2,"));
  EXPECT_THAT(out(), HasSubstr("\"state\": \"JOB_STATE_COMPLETED\""));
}

TEST_F(RunTest, ExceptionsMayBeAllowed) {
  WriteFile("in.csv", kCsv);
  EXPECT_EQ(Run(RunArguments({"--allow-exceptions"}), server_), 0) << err();
}

TEST_F(RunTest, MendedRejectsArePushedAsTheyAre) {
  WriteFile("in.csv", "n,text,_reject_code,_reject_node,_reject_message\n2,good,BAD_RECORD,check,why\n");
  EXPECT_EQ(Run(RunArguments(), server_), 0) << err();
  EXPECT_EQ(server_->InputOf("c-000001"), "{\"n\":\"2\",\"text\":\"good\"}\n");
  EXPECT_EQ(ReadFile("rejects.csv"), "n,text,_reject_code,_reject_node,_reject_message\n");
}

TEST_F(RunTest, ARepeatedRunUnderTheSameIdDoublesNothing) {
  WriteFile("in.csv", kCsv);
  ASSERT_EQ(Run(RunArguments({"--id", "p1"}), server_), 3) << err();
  WriteFile("out.jsonl", "lost");
  EXPECT_EQ(Run(RunArguments({"--id", "p1"}), server_), 3) << err();
  EXPECT_EQ(ReadFile("out.jsonl"), kOutput);
  EXPECT_EQ(ReadFile("rejects.csv"), kRejects);
  EXPECT_EQ(server_->chunk_ids().size(), 3u);
  EXPECT_EQ(server_->duplicate_chunks(), 3);
  EXPECT_THAT(err(), HasSubstr("going on with pipeline p1"));
}

TEST_F(RunTest, ARunThatFailedHalfWayIsCompletedByARepetition) {
  WriteFile("in.csv", kCsv);
  server_->FailPush(1, absl::UnavailableError("the server is gone"));
  EXPECT_EQ(Run(RunArguments({"--id", "p1"}), server_), 5);
  EXPECT_THAT(err(), HasSubstr("repeat the command with --id p1"));
  EXPECT_FALSE(Exists("out.jsonl"));
  EXPECT_EQ(Run(RunArguments({"--id", "p1"}), server_), 3) << err();
  EXPECT_EQ(ReadFile("out.jsonl"), kOutput);
}

TEST_F(RunTest, AChangedInputIsFoundOutWhenARunIsRepeated) {
  WriteFile("in.csv", kCsv);
  ASSERT_EQ(Run(RunArguments({"--id", "p1"}), server_), 3) << err();
  WriteFile("in.csv", "n,text\n1,uno\n2,bad\n");
  EXPECT_EQ(Run(RunArguments({"--id", "p1"}), server_), 1);
  EXPECT_THAT(err(), HasSubstr("CHUNK_ID_TAKEN"));
}

TEST_F(RunTest, AnotherParameterIsFoundOutWhenARunIsRepeated) {
  WriteFile("in.csv", kCsv);
  ASSERT_EQ(Run(RunArguments({"--id", "p1", "--param", "year=2024"}), server_), 3) << err();
  EXPECT_EQ(Run(RunArguments({"--id", "p1", "--param", "year=2025"}), server_), 1);
  EXPECT_THAT(err(), HasSubstr("pipeline p1 exists, with other parameters"));
}

TEST_F(RunTest, APipelineMayBeKeptOpen) {
  WriteFile("in.csv", kCsv);
  EXPECT_EQ(Run(RunArguments({"--keep-open"}), server_), 3) << err();
  EXPECT_EQ(server_->job().pipeline_state(), v1::PIPELINE_STATE_OPEN);
  EXPECT_EQ(ReadFile("out.jsonl"), kOutput);
  EXPECT_EQ(server_->acknowledged(), 3);
}

TEST_F(RunTest, AnInputWithoutRecordsGivesEmptyFiles) {
  WriteFile("in.csv", "n,text\n");
  EXPECT_EQ(Run(RunArguments({"--keep-open"}), server_), 0) << err();
  EXPECT_EQ(ReadFile("out.jsonl"), "");
}

TEST_F(RunTest, CsvOutputHasTheOutputsOfTheServiceAsColumns) {
  WriteFile("in.jsonl", "{\"n\":1}\n{\"n\":\"bad\"}\n");
  EXPECT_EQ(
      Run({"run", "demo/echo", "--input", Path("in.jsonl"), "--output", Path("out.csv"), "--keep-failed"}, server_), 3)
      << err();
  EXPECT_EQ(ReadFile("out.csv"), "echo\n\"{\"\"n\"\":1}\"\n\"\"\n");
}

TEST_F(RunTest, AllFieldsAsCsvColumnsAreThoseOfTheCsvInput) {
  ON_CALL(*server_, GetServiceVersion).WillByDefault([](const auto&, const auto&) {
    v1::ServiceVersion version;
    for (const char* output : {"*", "echo", "n"}) version.add_outputs(output);
    return version;
  });
  WriteFile("in.csv", kCsv);
  EXPECT_EQ(Run({"run", "demo/echo", "--input", Path("in.csv"), "--output", Path("out.csv")}, server_), 3) << err();
  EXPECT_THAT(ReadFile("out.csv"), ::testing::StartsWith("n,text,echo\n"));
}

TEST_F(RunTest, AllFieldsAsCsvColumnsAreRefusedForJsonLines) {
  ON_CALL(*server_, GetServiceVersion).WillByDefault([](const auto&, const auto&) {
    v1::ServiceVersion version;
    version.add_outputs("*");
    return version;
  });
  EXPECT_EQ(Run({"run", "demo/echo", "--input", WriteFile("in.jsonl", "{}"), "--output", Path("out.csv"), "--id", "p1"},
                server_),
            1);
  EXPECT_THAT(err(), HasSubstr("repeat the command with --id p1 and an --output that ends in .jsonl"));
}

TEST_F(RunTest, ARaggedRowStopsTheRunBeforeItsChunkIsPushed) {
  WriteFile("in.csv", "n,text\n1,one\n2,two\n3\n4,four\n");
  EXPECT_EQ(Run(RunArguments(), server_), 1);
  EXPECT_THAT(err(), HasSubstr("in.csv:4: expected 2 cells as in the header, found 1"));
  EXPECT_THAT(server_->chunk_ids(), ElementsAre("c-000001"));
  EXPECT_FALSE(Exists("out.jsonl"));
}

TEST_F(RunTest, BadRowsMayGoToTheRejectsInTheirPlace) {
  WriteFile("in.csv", "n,text\n0\n1,one\n2,bad\n3\n4,four\n5\n");
  EXPECT_EQ(Run(RunArguments({"--skip-bad-rows"}), server_), 3) << err();
  const std::string ragged = ",CSV_ROW_RAGGED,,\"expected 2 cells as in the header, found 1\"\n";
  EXPECT_EQ(ReadFile("rejects.csv"), absl::StrCat("n,text,_reject_code,_reject_node,_reject_message\n0", ragged,
                                                  "2,bad,BAD_RECORD,check,the record is bad\n3", ragged, "5", ragged));
  EXPECT_THAT(out(), HasSubstr("skipped rows  3 -> "));
}

TEST_F(RunTest, AFileOfNothingButBadRowsIsAllRejects) {
  WriteFile("in.csv", "n,text\n0\n1\n");
  EXPECT_EQ(Run(RunArguments({"--skip-bad-rows"}), server_), 3) << err();
  EXPECT_THAT(ReadFile("rejects.csv"), HasSubstr("\n1,CSV_ROW_RAGGED"));
  EXPECT_THAT(server_->chunk_ids(), IsEmpty());
}

TEST_F(RunTest, AnUnknownServiceLeavesNoFileAndSaysWhatToDo) {
  WriteFile("in.csv", kCsv);
  EXPECT_EQ(Run({"run", "demo/nothing", "--input", Path("in.csv"), "--output", Path("out.jsonl")}, server_), 1);
  EXPECT_THAT(err(), HasSubstr("millrace: cannot create the pipeline: no service demo/nothing (SERVICE_NOT_FOUND)\n"));
  EXPECT_THAT(err(), HasSubstr("hint: `millrace services list`"));
  EXPECT_FALSE(Exists("out.jsonl"));
  EXPECT_FALSE(Exists("out.jsonl.partial"));
}

TEST_F(RunTest, AnInterruptedRunSaysHowToGoOnOrToCancel) {
  WriteFile("in.csv", kCsv);
  ON_CALL(*server_, ClosePipeline).WillByDefault([this](const auto&, const auto&) {
    stop_.request_stop();
    return absl::CancelledError("stopped by the caller");
  });
  EXPECT_EQ(Run(RunArguments({"--id", "p1"}), server_), 4);
  EXPECT_THAT(err(), HasSubstr("millrace: interrupted\n"));
  EXPECT_THAT(err(), HasSubstr("--id p1"));
  EXPECT_THAT(err(), HasSubstr("millrace pipelines cancel p1"));
}

TEST_F(RunTest, TheRateSpreadsPushesOverTime) {
  WriteFile("in.csv", kCsv);
  Run(RunArguments({"--rate", "10"}), server_);
  EXPECT_EQ(timer_.Elapsed(), absl::Milliseconds(500)) << "five records at ten a second";
}

TEST_F(RunTest, AMalformedIdIsNamedAsItWasTyped) {
  const std::string input = WriteFile("in.csv", "a\n1\n");
  EXPECT_NE(Run({"run", "demo/echo", "--input", input, "--output", Path("out.jsonl"), "--id", "no spaces"}), 0);
  EXPECT_THAT(err(), HasSubstr("--id: "));
}

TEST_F(RunTest, QuietPrintsNothing) {
  WriteFile("in.csv", kCsv);
  EXPECT_EQ(Run(RunArguments({"--quiet"}), server_), 3);
  EXPECT_EQ(out() + err(), "");
}

TEST_F(RunTest, MetadataReachesTheServer) {
  WriteFile("in.csv", kCsv);
  Run(RunArguments({"--name", "nightly", "--tag", "a", "--tag", "b", "--project", "x"}), server_);
  EXPECT_EQ(server_->job().metadata().name(), "nightly");
  EXPECT_THAT(server_->job().metadata().tags(), ElementsAre("a", "b"));
}

TEST_F(RunTest, ATransientFailureIsToldWhenItBeginsAndWhenItIsOver) {
  WriteFile("in.csv", kCsv);
  ON_CALL(*server_, ListExceptionGroups).WillByDefault([&](const auto&, const auto&) {
    client_options_.retry.on_retry(absl::UnavailableError("connection refused"), absl::Seconds(1));
    client_options_.retry.on_retry(absl::UnavailableError("connection refused"), absl::Seconds(1));
    return v1::ListExceptionGroupsResponse();
  });
  EXPECT_EQ(Run(RunArguments(), server_), 3);
  const std::string away = "the server is away (connection refused); nothing is lost";
  EXPECT_THAT(err(), HasSubstr(away));
  EXPECT_EQ(err().find(away), err().rfind(away)) << "said once per outage";
}

}  // namespace
}  // namespace millrace::cli
