// A server and a command line client as a user has them: two programs and a folder.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "client/cpp/client.h"
#include "client/cpp/clock.h"
#include "tools/harness/program.h"
#include "tools/harness/server_process.h"
#include "tools/harness/temporary_folder.h"

namespace millrace::e2e {

class E2eFixture : public ::testing::Test {
 protected:
  static std::filesystem::path Source(const std::string& path) {
    return std::filesystem::path(MILLRACE_SOURCE_DIR) / path;
  }
  std::filesystem::path Path(const std::string& name) const { return folder_.path() / name; }

  static std::string Read(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  /// Starts the server, on the port of the run before if there was one.
  void StartServer() {
    std::vector<std::string> flags = {"--log-level", "warn"};
    flags.insert(flags.end(), more_flags_.begin(), more_flags_.end());
    auto server = harness::ServerProcess::Start(MILLRACED_BINARY, Path("data"), port_, flags);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    port_ = server_->port();
  }

  void KillAndRestartServer() {
    server_->Kill();
    StartServer();
  }

  client::Client Connect() const {
    client::ClientOptions options;
    options.endpoint = server_->address();
    return *client::Client::Connect(options);
  }

  /// The command line client with the server filled in.
  std::vector<std::string> Cli(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {MILLRACE_BINARY, "--server", server_->address()});
    return arguments;
  }

  /// Runs the client to its end; what it prints is in stdout() and stderr() afterwards.
  int RunCli(const std::vector<std::string>& arguments) const { return RunAnything(Cli(arguments)); }

  int RunAnything(const std::vector<std::string>& command) const {
    auto program = harness::Program::Start(command, {.stdout_file = Path("stdout"), .stderr_file = Path("stderr")});
    return program.ok() ? (*program)->Wait() : -1;
  }

  std::string Stdout() const { return Read(Path("stdout")); }
  std::string Stderr() const { return Read(Path("stderr")); }

  void CreateStrikeService() {
    ASSERT_EQ(RunCli({"services", "create", Source("services/strike-severity.yaml").string()}), 0) << Stderr();
  }

  /// The main job: 10,000 reports in 34 chunks.
  std::vector<std::string> MainJob(const std::string& output, const std::string& rejects,
                                   std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {"run",
                                          "aviation/strike-severity",
                                          "--input",
                                          Source("data/birdstrikes.csv").string(),
                                          "--output",
                                          Path(output).string(),
                                          "--rejects",
                                          Path(rejects).string(),
                                          "--summary",
                                          "SUM:energy_j",
                                          "--allow-exceptions"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  /// Asks until it is so, a millisecond apart. A test that waits in vain for minutes fails, and says for what.
  static void Await(const std::string& what, const std::function<bool()>& is_so) {
    constexpr int kLooksMax = 120'000;
    for (int looks = 0; looks < kLooksMax; ++looks) {
      if (HasFailure() || is_so()) return;
      client::SystemClock()->Sleep(absl::Milliseconds(1), {});
    }
    FAIL() << "waited in vain: " << what;
  }

  /// Asks for a job until it is as `is_so` says, and returns it.
  static v1::Job AwaitJob(const client::Client& client, const std::string& id,
                          const std::function<bool(const v1::Job&)>& is_so) {
    v1::Job job;
    Await("job " + id, [&] {
      v1::GetJobRequest request;
      request.set_job_id(id);
      auto found = client.GetJob(request);
      EXPECT_TRUE(found.ok()) << found.status();
      if (!found.ok()) return true;
      job.Swap(&*found);
      return is_so(job);
    });
    return job;
  }

  /// A job as it was when it ended.
  static v1::Job AwaitEnd(const client::Client& client, const std::string& id) {
    return AwaitJob(client, id, [](const v1::Job& job) { return job.has_complete_time(); });
  }

  /// Asks until the pipeline has this many committed chunks, across restarts of the server.
  void AwaitCommitted(const client::Client& client, const std::string& pipeline_id, int64_t chunks) const {
    v1::GetPipelineStatusRequest request;
    request.set_pipeline_id(pipeline_id);
    Await(pipeline_id + " commits chunks", [&] {
      const absl::StatusOr<v1::PipelineStatus> status = client.GetPipelineStatus(request);
      // Not there yet: the client under test is still on its way to create it.
      if (absl::IsNotFound(status.status())) return false;
      EXPECT_TRUE(status.ok()) << status.status();
      return status.ok() && status->chunks_completed() >= chunks;
    });
  }

  /// Pushes one chunk that runs for many seconds, and returns when it runs.
  void PushEndlessChunk() {
    v1::CreateServiceVersionRequest service;
    service.set_definition(
        "{service: test/busy, version: 1.0.0, inputs: {n: {type: number}}, outputs: [m],"
        " nodes: {m: {lua: \"(function() local s = 0 for i = 1, 10000000 do s = s + i end return s end)()\"}}}");
    const client::Client client = Connect();
    ASSERT_TRUE(client.CreateServiceVersion(service).ok());
    v1::CreatePipelineRequest create;
    create.set_service("test/busy");
    create.set_pipeline_id("busy");
    create.set_request_id("busy");
    ASSERT_TRUE(client.CreatePipeline(create).ok());
    v1::PushRequest push;
    push.set_pipeline_id("busy");
    push.set_request_id("push");
    std::string lines;
    for (int i = 0; i < 300; ++i) lines += "{\"n\":1}\n";
    push.mutable_inputs()->set_json_lines(lines);
    ASSERT_TRUE(client.Push(push).ok());
    Await("the chunk runs", [&] {
      const auto description = client.DescribePipelines();
      EXPECT_TRUE(description.ok()) << description.status();
      return description.ok() && description->tenant().workers_in_use() > 0;
    });
  }

  const harness::TemporaryFolder folder_;
  /// Of the server, besides those that every test needs.
  std::vector<std::string> more_flags_;
  int port_ = 0;
  std::unique_ptr<harness::ServerProcess> server_;
};

}  // namespace millrace::e2e
