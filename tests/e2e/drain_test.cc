// How a server ends when it is asked to: whole when there is time, at once when there is none, and nothing is lost.
#include <csignal>

#include "tests/e2e/e2e_fixture.h"

namespace millrace::e2e {
namespace {

class DrainTest : public E2eFixture {
 protected:
  void StartLoggedServer(const std::vector<std::string>& flags) {
    auto server = harness::ServerProcess::Start(MILLRACED_BINARY, Path("data"), port_, flags, {{}, Path("server.log")});
    ASSERT_TRUE(server.ok()) << server.status() << Log();
    server_ = *std::move(server);
    port_ = server_->port();
  }

  std::string Log() const { return Read(Path("server.log")); }

  /// After a restart the chunk is there as it was pushed.
  void ExpectNothingLost() {
    StartServer();
    v1::GetPipelineStatusRequest request;
    request.set_pipeline_id("busy");
    const auto status = Connect().GetPipelineStatus(request);
    ASSERT_TRUE(status.ok()) << status.status();
    EXPECT_EQ(status->chunks_submitted(), 1);
    EXPECT_EQ(status->chunks_completed(), 0);
    EXPECT_EQ(status->records_submitted(), 300);
  }

  /// A chunk of job `waits` is in flight, and none runs.
  void AwaitOneOutcomeThatWaits() const {
    const client::Client client = Connect();
    for (;;) {
      EXPECT_NE(RunCli({"jobs", "delete", "waits"}), 0) << "it has not ended";
      const auto description = client.DescribePipelines();
      ASSERT_TRUE(description.ok()) << description.status();
      const bool in_flight = Stderr().find("has 1 chunks running") != std::string::npos;
      if (in_flight && description->tenant().workers_in_use() == 0) return;
    }
  }

  /// The port answers as long as the drain has not begun.
  static void AwaitNotServing(const client::Client& client) {
    while (client.CheckHealth().ok()) {
    }
  }
};

TEST_F(DrainTest, ADrainUnderLoadLosesNothingAndEndsWithZero) {
  StartLoggedServer({});
  CreateStrikeService();
  ASSERT_EQ(RunCli(MainJob("reference.jsonl", "reference.csv")), 0) << Stderr();
  const auto run =
      harness::Program::Start(Cli(MainJob("out.jsonl", "rejects.csv", {"--id", "drained", "--rate", "10000"})),
                              {.stdout_file = Path("stdout"), .stderr_file = Path("stderr")});
  ASSERT_TRUE(run.ok()) << run.status();
  AwaitCommitted(Connect(), "drained", 5);
  EXPECT_EQ(server_->Terminate(), 0) << Log();
  EXPECT_NE(Log().find("drained\n"), std::string::npos) << Log();
  EXPECT_NE(Log().find("waits for "), std::string::npos) << Log();
  StartLoggedServer({});
  ASSERT_EQ((*run)->Wait(), 0) << Stderr();
  EXPECT_TRUE(Read(Path("out.jsonl")) == Read(Path("reference.jsonl")));
  EXPECT_TRUE(Read(Path("rejects.csv")) == Read(Path("reference.csv")));
}

/// The first chunk waits an hour for its next attempt, and the outcome of the second for the first.
TEST_F(DrainTest, AnOutcomeThatWaitsForAnEarlierChunkDoesNotHoldItUp) {
  StartLoggedServer({"--drain-timeout", "3600"});
  std::ofstream(Path("service.yaml")) << R"({service: test/waits, version: 1.0.0, inputs: {n: {type: number}},
    outputs: [m], nodes: {m: {lua: "n == 0 and retry('later') or n"}}})";
  std::ofstream(Path("in.jsonl")) << "{\"n\":0}\n{\"n\":1}\n";
  ASSERT_EQ(RunCli({"services", "create", Path("service.yaml").string()}), 0) << Stderr();
  ASSERT_EQ(RunCli({"pipelines", "create", "test/waits", "--id", "waits", "--order-results", "--retry-backoff", "1h",
                    "--retry-backoff-max", "1h"}),
            0)
      << Stderr();
  ASSERT_EQ(RunCli({"pipelines", "push", "waits", "--input", Path("in.jsonl").string(), "--chunk-size", "1"}), 0)
      << Stderr();
  AwaitOneOutcomeThatWaits();
  EXPECT_EQ(server_->Terminate(), 0) << Log();
  EXPECT_NE(Log().find("drained\n"), std::string::npos) << Log();
  EXPECT_EQ(RunAnything({MILLRACE_DB_BINARY, "verify", Path("data").string()}), 0) << Stdout();
}

TEST_F(DrainTest, TheEndOfTheTimeoutEndsItAndTheLogSaysWhatIsLeft) {
  StartLoggedServer({"--drain-timeout", "0"});
  PushEndlessChunk();
  EXPECT_EQ(server_->Terminate(), 3) << Log();
  EXPECT_NE(Log().find("waits for 1 chunks"), std::string::npos) << Log();
  EXPECT_NE(Log().find("1 chunks and "), std::string::npos) << Log();
  EXPECT_EQ(Log().find("drained\n"), std::string::npos) << Log();
  ExpectNothingLost();
}

TEST_F(DrainTest, ASecondSignalEndsItAtOnceAndTheLogSaysWhatIsLeft) {
  StartLoggedServer({"--drain-timeout", "3600"});
  PushEndlessChunk();
  const client::Client client = Connect();
  server_->Send(SIGTERM);
  AwaitNotServing(client);
  server_->Send(SIGINT);
  EXPECT_EQ(server_->Wait(), 3) << Log();
  EXPECT_NE(Log().find("1 chunks and "), std::string::npos) << Log();
  ExpectNothingLost();
}

}  // namespace
}  // namespace millrace::e2e
