#include "server/app/config.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "tools/harness/temporary_folder.h"

namespace millrace::app {
namespace {

ParsedConfig Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "millraced");
  return ParseConfig(static_cast<int>(arguments.size()), arguments.data());
}

TEST(ConfigTest, DefaultsAreSafe) {
  const ParsedConfig parsed = Parse({"--data-dir", "d"});
  ASSERT_TRUE(parsed.config.has_value());
  EXPECT_EQ(parsed.config->listen, "127.0.0.1:7400");
  EXPECT_TRUE(parsed.config->sync);
  EXPECT_FALSE(parsed.config->allow_remote);
  EXPECT_GE(parsed.config->workers, 1);
}

TEST(ConfigTest, WrongCommandLinesEndWithTwo) {
  for (const std::vector<const char*>& arguments : std::vector<std::vector<const char*>>{
           {},
           {"--data-dir", "d", "--listen", "nowhere"},
           {"--data-dir", "d", "--listen", "127.0.0.1:70000"},
           {"--data-dir", "d", "--listen", "0.0.0.0:7400"},
           {"--data-dir", "d", "--listen", "10.0.0.1:7400"},
           {"--data-dir", "d", "--metrics-listen", "0.0.0.0:7401"},
           {"--data-dir", "d", "--metrics-listen", "unix:/tmp/m"},
           {"--data-dir", "d", "--slow-call", "soon"},
           {"--data-dir", "d", "--retention", "for ever"},
           {"--data-dir", "d", "--retention", "10ms"},
           {"--data-dir", "d", "--log-format", "xml"},
           {"--data-dir", "d", "--workers", "-1"},
           {"--data-dir", "d", "--durability", "maybe"},
           {"--data-dir", "d", "--no-such-flag"},
           {"--data-dir", "d", "--config", "/no/such/file"},
       }) {
    const ParsedConfig parsed = Parse(arguments);
    EXPECT_FALSE(parsed.config.has_value());
    EXPECT_EQ(parsed.exit_code, 2);
  }
}

TEST(ConfigTest, HelpAndVersionEndWithZero) {
  EXPECT_EQ(Parse({"--help"}).exit_code, 0);
  EXPECT_EQ(Parse({"--version"}).exit_code, 0);
}

TEST(ConfigTest, AnAddressThatOthersReachNeedsAWord) {
  const ParsedConfig parsed = Parse({"--data-dir", "d", "--listen", "0.0.0.0:7400", "--allow-remote"});
  ASSERT_TRUE(parsed.config.has_value());
  EXPECT_TRUE(parsed.config->allow_remote);
}

TEST(ConfigTest, JobsAreKeptForEverUnlessToldOtherwise) {
  EXPECT_EQ(Parse({"--data-dir", "d"}).config->retention, absl::ZeroDuration());
  EXPECT_EQ(Parse({"--data-dir", "d", "--retention", "720h"}).config->retention, absl::Hours(720));
}

TEST(ConfigTest, SourceFoldersMayBeSeveral) {
  EXPECT_TRUE(Parse({"--data-dir", "d"}).config->source_folders.empty());
  const ParsedConfig parsed = Parse({"--data-dir", "d", "--source-dir", "a", "--source-dir=b"});
  ASSERT_TRUE(parsed.config.has_value());
  EXPECT_EQ(parsed.config->source_folders, (std::vector<std::filesystem::path>{"a", "b"}));
  setenv("MILLRACE_SOURCE_DIR", "c", 1);
  EXPECT_EQ(Parse({"--data-dir", "d"}).config->source_folders, (std::vector<std::filesystem::path>{"c"}));
  unsetenv("MILLRACE_SOURCE_DIR");
}

TEST(ConfigTest, WorkersHaveTheLabelsOfFlagsEnvironmentOrFile) {
  const model::WorkerLabels both = {{"node", "n7"}, {"site", "paris"}};
  EXPECT_TRUE(Parse({"--data-dir", "d"}).config->worker_labels.empty());
  for (const std::vector<const char*>& arguments : std::vector<std::vector<const char*>>{
           {"--data-dir", "d", "--worker-label", "site=paris", "--worker-label=node=n7"},
           {"--data-dir", "d", "--worker-label", "site=paris,node=n7"},
       }) {
    const ParsedConfig parsed = Parse(arguments);
    ASSERT_TRUE(parsed.config.has_value());
    EXPECT_EQ(parsed.config->worker_labels, both);
  }
  setenv("MILLRACE_WORKER_LABEL", "node=n7,site=paris", 1);
  EXPECT_EQ(Parse({"--data-dir", "d"}).config->worker_labels, both);
  EXPECT_EQ(Parse({"--data-dir", "d", "--worker-label=gpu=yes"}).config->worker_labels,
            (model::WorkerLabels{{"gpu", "yes"}}));
  unsetenv("MILLRACE_WORKER_LABEL");
  const harness::TemporaryFolder folder;
  const std::string file = (folder.path() / "millrace.toml").string();
  std::ofstream(file) << "worker-label = [\"site=paris\", \"node=n7\"]\n";
  EXPECT_EQ(Parse({"--data-dir", "d", "--config", file.c_str()}).config->worker_labels, both);
}

TEST(ConfigTest, AWorkerLabelThatIsNoneIsNamed) {
  for (const char* wrong : {"site", "=paris", "site=", "site=a b", "site=paris,site=berlin"}) {
    ::testing::internal::CaptureStderr();
    const ParsedConfig parsed = Parse({"--data-dir", "d", "--worker-label", wrong});
    EXPECT_EQ(parsed.exit_code, 2) << wrong;
    EXPECT_NE(::testing::internal::GetCapturedStderr().find("--worker-label"), std::string::npos) << wrong;
  }
}

TEST(ConfigTest, FlagsWinOverEnvironmentAndEnvironmentOverFile) {
  const harness::TemporaryFolder folder;
  const std::string file = (folder.path() / "millrace.toml").string();
  std::ofstream(file) << "workers = 3\nlog-level = \"debug\"\ndata-dir = \"from-file\"\n";
  setenv("MILLRACE_WORKERS", "5", 1);
  setenv("MILLRACE_DATA_DIR", "from-environment", 1);
  const ParsedConfig parsed = Parse({"--config", file.c_str(), "--data-dir", "from-flag"});
  unsetenv("MILLRACE_WORKERS");
  unsetenv("MILLRACE_DATA_DIR");
  ASSERT_TRUE(parsed.config.has_value());
  EXPECT_EQ(parsed.config->data_folder, "from-flag");
  EXPECT_EQ(parsed.config->workers, 5);
  EXPECT_EQ(parsed.config->log_level, "debug");
}

TEST(ConfigTest, SlowCallsAreLoggedUnlessTheyAreSwitchedOff) {
  EXPECT_EQ(Parse({"--data-dir", "d"}).config->slow_call, absl::Seconds(1));
  EXPECT_EQ(Parse({"--data-dir", "d", "--slow-call", "250ms"}).config->slow_call, absl::Milliseconds(250));
  EXPECT_EQ(Parse({"--data-dir", "d", "--slow-call", "0"}).config->slow_call, absl::InfiniteDuration());
}

}  // namespace
}  // namespace millrace::app
