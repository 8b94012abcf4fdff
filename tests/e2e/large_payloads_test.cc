// Records of megabytes and streams that nobody reads, over the wire between two programs.
#include <csignal>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/cpp/errors.h"
#include "client/cpp/pipeline.h"
#include "tests/e2e/e2e_fixture.h"
#include "tests/support/sanitized.h"

namespace millrace::e2e {
namespace {

constexpr size_t kLargeRecord = 15'900'000;
constexpr size_t kGrpcDefaultLimit = 4 * 1024 * 1024;

/// A record of about `bytes` bytes.
std::string RecordOf(size_t bytes) { return "{\"text\":\"" + std::string(bytes, 'x') + "\"}\n"; }

class LargePayloadsTest : public E2eFixture {
 protected:
  LargePayloadsTest() {
    StartServer();
    CreateService("demo/echo", "text");
    CreateService("demo/refuse", "fail('REFUSED', 'never')");
  }

  void CreateService(const std::string& name, const std::string& lua) {
    v1::CreateServiceVersionRequest request;
    request.set_definition("{service: " + name + ", version: 1.0.0, inputs: {text: {}}, nodes: {out: {lua: \"" + lua +
                           "\"}}, outputs: [out]}");
    const auto created = Connect().CreateServiceVersion(request);
    ASSERT_TRUE(created.ok()) << created.status();
  }

  client::Pipeline NewPipeline(const std::string& service) { return *client::Pipeline::Create(Connect(), service); }

  static v1::Chunk ChunkOf(const std::string& id, std::string json_lines) {
    v1::Chunk chunk;
    chunk.set_id(id);
    chunk.mutable_data()->mutable_inputs()->set_json_lines(std::move(json_lines));
    return chunk;
  }

  static absl::Status PushOne(client::Pipeline& pipeline, v1::Chunk chunk) {
    const auto pusher = pipeline.NewPusher();
    if (!pusher.ok()) return pusher.status();
    if (const auto id = (*pusher)->Push(std::move(chunk)); !id.ok()) return id.status();
    return (*pusher)->Flush();
  }

  int64_t ServerMemoryBytes() const {
    std::ifstream statm("/proc/" + std::to_string(server_->pid()) + "/statm");
    int64_t pages = 0, resident = 0;
    statm >> pages >> resident;
    return resident * 4096;
  }
};

TEST_F(LargePayloadsTest, ARecordOfNearly16MegabytesRunsThroughTheCommandLine) {
  std::ofstream(Path("in.jsonl")) << RecordOf(kLargeRecord);
  ASSERT_EQ(RunCli({"run", "demo/echo", "--input", Path("in.jsonl").string(), "--output", Path("out.jsonl").string()}),
            0)
      << Stderr();
  EXPECT_EQ(Read(Path("out.jsonl")), "{\"out\":\"" + std::string(kLargeRecord, 'x') + "\"}\n");
}

TEST_F(LargePayloadsTest, AChunkOf60MegabytesTravelsInEveryWay) {
  client::Pipeline pipeline = NewPipeline("demo/echo");
  std::string lines;
  for (int i = 0; i < 60; ++i) lines += RecordOf(1'000'000);
  const absl::Status pushed = PushOne(pipeline, ChunkOf("large", std::move(lines)));
  ASSERT_TRUE(pushed.ok()) << pushed;
  ASSERT_TRUE(pipeline.Close().ok());
  const auto streamed = (*pipeline.NewPuller({.after = 0}))->Next();
  ASSERT_TRUE(streamed.ok()) << streamed.status();
  EXPECT_EQ((*streamed)->record_count(), 60);
  EXPECT_GT((*streamed)->json_lines().size(), 60'000'000u);

  v1::PullRequest request;
  request.set_pipeline_id(pipeline.id());
  request.set_after(0);
  const auto pulled = Connect().Pull(request);
  ASSERT_TRUE(pulled.ok()) << pulled.status();
  EXPECT_EQ(pulled->results(0).json_lines(), (*streamed)->json_lines());
}

TEST_F(LargePayloadsTest, ACallerWithTheDefaultLimitOfGrpcTakesALargeResultInParts) {
  client::Pipeline pipeline = NewPipeline("demo/echo");
  ASSERT_TRUE(PushOne(pipeline, ChunkOf("large", RecordOf(kLargeRecord))).ok());
  ASSERT_TRUE(pipeline.Close().ok());
  client::ClientOptions options;
  options.endpoint = server_->address();
  options.max_receive_message_bytes = kGrpcDefaultLimit;
  const client::Client small = *client::Client::Connect(options);

  v1::PullRequest request;
  request.set_pipeline_id(pipeline.id());
  request.mutable_wait()->set_seconds(30);
  EXPECT_EQ(small.Pull(request).status().code(), absl::StatusCode::kResourceExhausted);

  const auto stream = small.PullStream();
  v1::PullStreamRequest start;
  start.mutable_start()->set_pipeline_id(pipeline.id());
  start.mutable_start()->set_follow(true);
  start.mutable_start()->set_max_message_bytes(4'000'000);
  ASSERT_TRUE(stream->Write(start));
  std::string serialised;
  for (v1::PullStreamResponse response; !response.result_ends();) {
    ASSERT_TRUE(stream->Read(response)) << stream->Finish();
    serialised += response.result_part();
  }
  v1::ChunkResult result;
  ASSERT_TRUE(result.ParseFromString(serialised));
  EXPECT_EQ(result.json_lines(), "{\"out\":\"" + std::string(kLargeRecord, 'x') + "\"}\n");
}

TEST_F(LargePayloadsTest, AChunkOverTheLimitIsRefusedWithTheLimitAndItsName) {
  client::Pipeline pipeline = NewPipeline("demo/echo");
  const absl::Status status = PushOne(pipeline, ChunkOf("too-large", RecordOf(65 * 1024 * 1024)));
  EXPECT_EQ(client::ErrorReasonOf(status), v1::CHUNK_TOO_LARGE);
  EXPECT_NE(std::string(status.message()).find("chunk too-large: "), std::string::npos) << status;
  EXPECT_NE(std::string(status.message()).find("67108864"), std::string::npos) << status;
}

TEST_F(LargePayloadsTest, ALargeRecordThatFailsIsListedAndCanBeTested) {
  client::Pipeline pipeline = NewPipeline("demo/refuse");
  ASSERT_TRUE(PushOne(pipeline, ChunkOf("a", RecordOf(kLargeRecord))).ok());
  ASSERT_TRUE(pipeline.Close().ok());
  ASSERT_TRUE((*pipeline.NewPuller({.after = 0}))->Next().ok());
  v1::ListExceptionsRequest list;
  list.set_job_id(pipeline.id());
  const auto exceptions = Connect().ListExceptions(list);
  ASSERT_TRUE(exceptions.ok()) << exceptions.status();
  EXPECT_GT(exceptions->exceptions(0).input().size(), kLargeRecord);

  v1::TestServiceRequest test;
  test.set_service("demo/echo");
  test.mutable_inputs()->set_json_lines(RecordOf(kLargeRecord));
  const auto tested = Connect().TestService(test);
  ASSERT_TRUE(tested.ok()) << tested.status();
  EXPECT_GT(tested->result().json_lines().size(), kLargeRecord);
}

TEST_F(LargePayloadsTest, AStreamThatIsCutInTheMiddleOfAChunkLeavesNothingHalf) {
  std::ofstream input(Path("in.jsonl"));
  for (int i = 0; i < 30; ++i) input << RecordOf(1'000'000);
  input.close();
  client::Pipeline pipeline = NewPipeline("demo/echo");
  const std::vector<std::string> push = Cli({"pipelines", "push", pipeline.id(), "--input", Path("in.jsonl").string(),
                                             "--chunk-prefix", "cut", "--chunk-size", "10"});
  const auto cut = harness::Program::Start(push);
  ASSERT_TRUE(cut.ok());
  (*cut)->End(SIGKILL);
  ASSERT_EQ(RunAnything(push), 0) << Stderr();
  const auto status = pipeline.Status();
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(status->records_submitted(), 30);
}

TEST_F(LargePayloadsTest, AnInputThatIsCutInAnotherWayAddsNothingToWhatWasPushed) {
  client::Pipeline pipeline = NewPipeline("demo/echo");
  std::ofstream input(Path("in.jsonl"));
  for (int n = 0; n < 2'000; ++n) input << "{\"text\":" << n << "}\n";
  input.close();
  const auto push = [&](const std::string& size) {
    return std::vector<std::string>{"pipelines",      "push", pipeline.id(),  "--input", Path("in.jsonl").string(),
                                    "--chunk-prefix", "a",    "--chunk-size", size};
  };
  ASSERT_EQ(RunAnything(Cli(push("300"))), 0) << Stderr();
  EXPECT_EQ(RunAnything(Cli(push("100"))), 1);
  EXPECT_NE(Stderr().find("CHUNK_ID_TAKEN"), std::string::npos) << Stderr();
  const auto status = pipeline.Status();
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(status->records_submitted(), 2'000);
}

TEST_F(LargePayloadsTest, StreamsThatNobodyReadCostTheServerLittle) {
  constexpr int kChunks = 400;
  constexpr int kSleepers = 20;
  client::Pipeline pipeline = NewPipeline("demo/echo");
  {
    const auto pusher = *pipeline.NewPusher();
    for (int i = 0; i < kChunks; ++i) ASSERT_TRUE(pusher->Push(ChunkOf("", RecordOf(100'000))).ok());
    ASSERT_TRUE(pusher->Flush().ok());
  }
  ASSERT_TRUE(pipeline.Close().ok());
  const auto read_all = [&] {
    const auto puller = *pipeline.NewPuller({.after = 0});
    int results = 0;
    for (auto result = puller->Next(); result.ok() && result->has_value(); result = puller->Next()) ++results;
    return results;
  };
  ASSERT_EQ(read_all(), kChunks);
  const int64_t before = ServerMemoryBytes();
  const client::Client client = Connect();
  std::vector<std::unique_ptr<client::PullStreamCall>> sleepers;
  for (int i = 0; i < kSleepers; ++i) {
    sleepers.push_back(client.PullStream());
    v1::PullStreamRequest start;
    start.mutable_start()->set_pipeline_id(pipeline.id());
    start.mutable_start()->set_after(0);
    start.mutable_start()->set_window(1'000);
    ASSERT_TRUE(sleepers.back()->Write(start));
  }
  EXPECT_EQ(read_all(), kChunks) << "the others go on";
  // All of it would be 800 MB. Each stream reads 1 MiB ahead, and gRPC holds some on the way.
  if (!testing::kSanitized) {
    EXPECT_LT(ServerMemoryBytes() - before, 200'000'000);
  }
}

}  // namespace
}  // namespace millrace::e2e
