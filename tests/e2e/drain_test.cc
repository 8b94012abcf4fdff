// How a server ends when it is asked to: whole when there is time, at once when there is none, and nothing is lost.
#include <csignal>

#include "client/cpp/errors.h"
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
    v1::ExplainJobRequest request;
    request.set_job_id("waits");
    Await("an outcome that waits", [&] {
      const auto explanation = client.ExplainJob(request);
      EXPECT_TRUE(explanation.ok()) << explanation.status();
      return explanation.ok() && explanation->chunks_running() == 0 && explanation->chunks_committing() == 1;
    });
  }

  /// The port answers all the while: whoever connects hears that the server serves, and then that it does not.
  void AwaitNotServing() const {
    absl::Status health;
    Await("the drain begins", [&] {
      health = Connect().CheckHealth();
      return !health.ok();
    });
    EXPECT_EQ(health.message(), "the server is NOT_SERVING");
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

TEST_F(DrainTest, WhoComesMeanwhileIsAnsweredAndSentAway) {
  StartLoggedServer({"--drain-timeout", "3600"});
  PushEndlessChunk();
  server_->Send(SIGTERM);
  AwaitNotServing();
  EXPECT_NE(RunCli({"health"}), 0);
  EXPECT_NE(Stderr().find("NOT_SERVING"), std::string::npos) << Stderr();
  client::ClientOptions options;
  options.endpoint = server_->address();
  options.retry.max_elapsed = absl::ZeroDuration();
  const client::Client fresh = *client::Client::Connect(options);
  v1::PushRequest push;
  push.set_pipeline_id("busy");
  push.set_request_id("late");
  push.mutable_inputs()->set_json_lines("{\"n\":1}\n");
  const absl::Status refused = fresh.Push(push).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(client::ErrorReasonOf(refused), v1::SERVER_NOT_READY) << refused;
  AwaitNotServing();
  server_->Send(SIGTERM);
  EXPECT_EQ(server_->Wait(), 3) << Log();
  ExpectNothingLost();
}

TEST_F(DrainTest, ASecondSignalEndsItAtOnceAndTheLogSaysWhatIsLeft) {
  StartLoggedServer({"--drain-timeout", "3600"});
  PushEndlessChunk();
  server_->Send(SIGTERM);
  AwaitNotServing();
  server_->Send(SIGINT);
  EXPECT_EQ(server_->Wait(), 3) << Log();
  EXPECT_NE(Log().find("1 chunks and "), std::string::npos) << Log();
  ExpectNothingLost();
}

}  // namespace
}  // namespace millrace::e2e
