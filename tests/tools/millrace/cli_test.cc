// What is typed wrong, asked for, or taken from the environment.
#include "tools/millrace/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/cpp/mocks/mock_connection.h"
#include "tests/tools/millrace/cli_fixture.h"

namespace millrace::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::NiceMock;
using ::testing::StartsWith;

class CliTest : public CliFixture {};

TEST_F(CliTest, HelpGoesToStdoutAndSucceeds) {
  EXPECT_EQ(Run({"--help"}), 0);
  EXPECT_THAT(out(), HasSubstr("Exit codes:"));
  EXPECT_THAT(out(), HasSubstr("MILLRACE_SERVER"));
  EXPECT_EQ(err(), "");
}

TEST_F(CliTest, EveryCommandHasExamples) {
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{{"run"},
                                                                                       {"services", "create"},
                                                                                       {"services", "list"},
                                                                                       {"services", "show"},
                                                                                       {"services", "versions"},
                                                                                       {"services", "test"},
                                                                                       {"services", "delete"},
                                                                                       {"pipelines", "create"},
                                                                                       {"pipelines", "push"},
                                                                                       {"pipelines", "pull"},
                                                                                       {"pipelines", "ack"},
                                                                                       {"pipelines", "status"},
                                                                                       {"pipelines", "close"},
                                                                                       {"pipelines", "cancel"},
                                                                                       {"pipelines", "describe"},
                                                                                       {"jobs", "list"},
                                                                                       {"jobs", "records"},
                                                                                       {"jobs", "show"},
                                                                                       {"exceptions", "list"},
                                                                                       {"jobs", "export"},
                                                                                       {"jobs", "summary"},
                                                                                       {"jobs", "delete"},
                                                                                       {"exceptions", "groups"},
                                                                                       {"exceptions", "show"},
                                                                                       {"exceptions", "resolve"},
                                                                                       {"exceptions", "answer"},
                                                                                       {"jobs", "retry"},
                                                                                       {"exceptions", "reprocess"},
                                                                                       {"exceptions", "export"},
                                                                                       {"health"},
                                                                                       {"version"},
                                                                                       {"completion"}}) {
    std::vector<std::string> arguments = command;
    arguments.push_back("--help");
    EXPECT_EQ(Run(arguments), 0);
    EXPECT_THAT(out(), HasSubstr("Examples:\n  ")) << command.back();
  }
}

TEST_F(CliTest, NoCommandIsAUsageError) {
  EXPECT_EQ(Run({}), 2);
  EXPECT_THAT(err(), StartsWith("millrace: "));
}

TEST_F(CliTest, AnUnknownCommandIsNamedWithTheHelpThatLists) {
  EXPECT_EQ(Run({"jobs", "lst"}), 2);
  EXPECT_EQ(err(),
            "millrace: no such command: millrace jobs lst\n"
            "hint: `millrace jobs --help` shows what can be given\n");
}

TEST_F(CliTest, AnUnknownOptionIsNamed) {
  EXPECT_EQ(Run({"jobs", "list", "--colour"}), 2);
  EXPECT_THAT(err(), HasSubstr("--colour"));
  EXPECT_THAT(err(), HasSubstr("millrace jobs list --help"));
}

TEST_F(CliTest, AMissingOptionIsNamed) {
  EXPECT_EQ(Run({"run", "a/b", "--output", "x"}), 2);
  EXPECT_THAT(err(), HasSubstr("--input"));
}

TEST_F(CliTest, AWrongOutputModeIsRefused) { EXPECT_EQ(Run({"jobs", "list", "-o", "yaml"}), 2); }

TEST_F(CliTest, AWrongDurationIsRefusedWithAnExample) {
  EXPECT_EQ(Run({"pipelines", "pull", "p", "--wait", "5q"}), 2);
  EXPECT_THAT(err(), HasSubstr("--wait: expected a duration like 30s"));
}

TEST_F(CliTest, AWrongStateIsRefusedBeforeAnythingIsAsked) {
  EXPECT_EQ(Run({"jobs", "list", "--state", "RUNNING"}), 2);
}

TEST_F(CliTest, AWrongSummaryIsRefused) {
  for (const char* summary : {"SUM", "SUM:", "MEDIAN:x", "AGGREGATION_OPERATOR_UNSPECIFIED:x"}) {
    EXPECT_EQ(Run({"run", "a/b", "--input", "x.csv", "--output", "y.csv", "--summary", summary}), 2) << summary;
  }
  EXPECT_THAT(err(), HasSubstr("--summary: expected SUM, COUNT, MIN, MAX or MEAN"));
}

TEST_F(CliTest, AWrongParameterIsRefused) {
  EXPECT_EQ(Run({"run", "a/b", "--input", "x.csv", "--output", "y.csv", "--param", "year"}), 2);
  EXPECT_THAT(err(), HasSubstr("--param: expected NAME=VALUE, not year"));
}

TEST_F(CliTest, AWrongWorkerLabelIsRefused) {
  const std::vector<std::string> run = {"run", "a/b", "--input", "x.csv", "--output", "y.csv", "--worker-label"};
  for (const char* wrong : {"paris", "=paris", "site=", "site=a b"}) {
    std::vector<std::string> arguments = run;
    arguments.emplace_back(wrong);
    EXPECT_EQ(Run(arguments), 2) << wrong;
    EXPECT_THAT(err(), HasSubstr("--worker-label")) << wrong;
  }
}

TEST_F(CliTest, AnInputOfUnknownFormatIsRefused) {
  EXPECT_EQ(Run({"run", "a/b", "--input", "-", "--output", "y.csv"}), 2);
  EXPECT_THAT(err(), HasSubstr("give --format"));
}

TEST_F(CliTest, FilesThatWouldOverwriteEachOtherAreRefused) {
  const std::string in = WriteFile("in.csv", "a\n1\n");
  EXPECT_EQ(Run({"run", "a/b", "--input", in, "--output", in}), 2);
  EXPECT_EQ(Run({"run", "a/b", "--input", in, "--output", "y.csv", "--rejects", in}), 2);
  EXPECT_EQ(Run({"run", "a/b", "--input", in, "--output", "y.csv", "--rejects", "y.csv"}), 2);
  EXPECT_EQ(Run({"run", "a/b", "--input", in, "--output", "y.csv", "--rejects", "r.jsonl"}), 2);
  EXPECT_EQ(Run({"run", "a/b", "--input", in, "--output", "-", "-o", "json"}), 2);
  EXPECT_EQ(Run({"run", "a/b", "--input", in, "--output", "y.csv", "--skip-bad-rows"}), 2);
  EXPECT_EQ(ReadFile("in.csv"), "a\n1\n");
}

TEST_F(CliTest, AMissingInputFileFails) {
  EXPECT_EQ(Run({"run", "a/b", "--input", "/no/such.csv", "--output", "y.csv"}), 1);
  EXPECT_THAT(err(), HasSubstr("millrace: cannot read the input: cannot open /no/such.csv"));
}

TEST_F(CliTest, TheServerComesFromTheOptionThenTheEnvironmentThenTheDefault) {
  auto connection = std::make_shared<NiceMock<client::MockConnection>>();
  Run({"health"}, connection);
  EXPECT_EQ(client_options_.endpoint, "127.0.0.1:7400");
  variables_["MILLRACE_SERVER"] = "db7:1";
  Run({"health"}, connection);
  EXPECT_EQ(client_options_.endpoint, "db7:1");
  Run({"health", "--server", "db8:2"}, connection);
  EXPECT_EQ(client_options_.endpoint, "db8:2");
}

TEST_F(CliTest, OptionsOfEveryCommandMayStandBeforeIt) {
  auto connection = std::make_shared<NiceMock<client::MockConnection>>();
  EXPECT_EQ(Run({"-o", "json", "--server", "db8:2", "--retry-for", "3s", "health"}, connection), 0);
  EXPECT_EQ(client_options_.endpoint, "db8:2");
  EXPECT_EQ(client_options_.retry.max_elapsed, absl::Seconds(3));
  EXPECT_THAT(out(), HasSubstr("\"status\": \"SERVING\""));
}

TEST_F(CliTest, AServerThatDoesNotServeHasAnExitCodeOfItsOwn) {
  auto connection = std::make_shared<NiceMock<client::MockConnection>>();
  ON_CALL(*connection, CheckHealth).WillByDefault(::testing::Return(absl::UnavailableError("refused")));
  EXPECT_EQ(Run({"health"}, connection), 5);
  EXPECT_THAT(err(), HasSubstr("hint: is millraced running at 127.0.0.1:7400?"));
  EXPECT_EQ(Run({"health", "-o", "json"}, connection), 5);
  EXPECT_THAT(out(), HasSubstr("NOT_SERVING"));
}

TEST_F(CliTest, ColourIsForTerminalsWithoutNoColor) {
  is_terminal_ = true;
  Run({"jobs", "lst"});
  EXPECT_THAT(err(), StartsWith("\x1b[31mmillrace:\x1b[0m"));
  variables_["NO_COLOR"] = "1";
  Run({"jobs", "lst"});
  EXPECT_THAT(err(), StartsWith("millrace:"));
}

TEST_F(CliTest, VersionWorksWithoutServer) {
  auto connection = std::make_shared<NiceMock<client::MockConnection>>();
  ON_CALL(*connection, DescribePipelines).WillByDefault(::testing::Return(absl::UnavailableError("refused")));
  EXPECT_EQ(Run({"version"}, connection), 0);
  EXPECT_EQ(out(), "millrace " + Version() + "\nserver   not reachable at 127.0.0.1:7400\n");
}

}  // namespace
}  // namespace millrace::cli
