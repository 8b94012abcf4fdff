#include <csignal>

#include "tests/e2e/e2e_fixture.h"

namespace millrace::e2e {
namespace {

class ServerTest : public E2eFixture {
 protected:
  /// Runs a server that is expected to give up, and returns what it said.
  std::string StartExpectingFailure(const std::vector<std::string>& flags, int exit_code = 1) {
    std::vector<std::string> command = {MILLRACED_BINARY};
    command.insert(command.end(), flags.begin(), flags.end());
    EXPECT_EQ(RunAnything(command), exit_code);
    return Stderr() + Stdout();
  }
};

TEST_F(ServerTest, ASecondServerOnTheFolderEndsAndNamesIt) {
  StartServer();
  const std::string said = StartExpectingFailure({"--data-dir", Path("data").string(), "--listen", "127.0.0.1:0"});
  EXPECT_NE(said.find(Path("data").string()), std::string::npos) << said;
}

TEST_F(ServerTest, AFolderThatCannotBeWrittenIsNamed) {
  const std::string said = StartExpectingFailure({"--data-dir", "/proc/millrace", "--listen", "127.0.0.1:0"});
  EXPECT_NE(said.find("/proc/millrace"), std::string::npos) << said;
}

TEST_F(ServerTest, AFileInPlaceOfTheFolderIsNamed) {
  std::ofstream(Path("file")) << "x";
  const std::string said = StartExpectingFailure({"--data-dir", Path("file").string(), "--listen", "127.0.0.1:0"});
  EXPECT_NE(said.find(Path("file").string()), std::string::npos) << said;
}

TEST_F(ServerTest, APortThatIsTakenIsNamed) {
  StartServer();
  const std::string said =
      StartExpectingFailure({"--data-dir", Path("other").string(), "--listen", server_->address()});
  EXPECT_NE(said.find(server_->address()), std::string::npos) << said;
}

TEST_F(ServerTest, AnAddressThatOtherMachinesReachIsRefusedWithoutTheFlag) {
  const std::string said =
      StartExpectingFailure({"--data-dir", Path("data").string(), "--listen", "0.0.0.0:0"}, /*exit_code=*/2);
  EXPECT_NE(said.find("--allow-remote"), std::string::npos) << said;
}

TEST_F(ServerTest, TerminateDrainsAndEndsWithZero) {
  StartServer();
  CreateStrikeService();
  EXPECT_EQ(server_->Terminate(), 0);
  StartServer();
  EXPECT_EQ(RunCli({"services", "show", "aviation/strike-severity"}), 0) << Stderr();
}

TEST_F(ServerTest, AClientFindsARestartedServerWithinAFewSecondsOfRetries) {
  StartServer();
  client::ClientOptions options;
  options.endpoint = server_->address();
  options.retry.max_elapsed = absl::Seconds(4);
  const client::Client client = *client::Client::Connect(options);
  ASSERT_TRUE(client.DescribePipelines().ok());
  server_->Kill();
  // Breaks the connection for good before the server is back.
  EXPECT_FALSE(client.CheckHealth().ok());
  EXPECT_FALSE(client.CheckHealth().ok());
  StartServer();
  EXPECT_TRUE(client.DescribePipelines().ok());
}

TEST_F(ServerTest, HealthIsTrueWhileItServesAndFalseWhenItIsGone) {
  StartServer();
  EXPECT_EQ(RunCli({"health"}), 0) << Stderr();
  const std::vector<std::string> command = Cli({"health"});
  server_->Kill();
  EXPECT_NE(RunAnything(command), 0);
}

}  // namespace
}  // namespace millrace::e2e
