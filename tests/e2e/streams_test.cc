// Streams between two programs, one of which dies, stops reading, or never pauses.
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/config.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "client/cpp/pipeline.h"
#include "tests/e2e/e2e_fixture.h"
#include "tests/support/sanitized.h"

namespace millrace::e2e {
namespace {

class StreamsTest : public E2eFixture {
 protected:
  void Begin(std::vector<std::string> flags = {}) {
    flags.insert(flags.begin(), {"--log-level", "warn"});
    auto server = harness::ServerProcess::Start(MILLRACED_BINARY, Path("data"), port_, flags);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    port_ = server_->port();
    v1::CreateServiceVersionRequest service;
    service.set_definition(
        "{service: demo/echo, version: 1.0.0, inputs: {text: {}}, nodes: {out: {lua: text}}, outputs: [out]}");
    ASSERT_TRUE(Connect().CreateServiceVersion(service).ok());
  }

  client::Pipeline NewPipeline(int64_t buffer_bytes = 0) {
    v1::CreatePipelineRequest request;
    request.set_service("demo/echo");
    if (buffer_bytes > 0) {
      request.mutable_options()->set_input_buffer_bytes(buffer_bytes);
      request.mutable_options()->set_output_buffer_bytes(buffer_bytes);
    }
    return *client::Pipeline::Create(Connect(), request);
  }

  static v1::Chunk ChunkOf(const std::string& text) {
    v1::Chunk chunk;
    chunk.mutable_data()->mutable_inputs()->set_json_lines(absl::StrCat(R"({"text":")", text, "\"}\n"));
    return chunk;
  }

  /// Reads every result, and returns how many there were; numbers without gaps, and no chunk twice.
  static int ReadAll(const client::Pipeline& pipeline) {
    const auto puller = *pipeline.NewPuller({.after = 0, .page_size = 10});
    std::set<int64_t> sequences;
    int64_t number = 0;
    for (;;) {
      const auto result = puller->Next();
      EXPECT_TRUE(result.ok()) << result.status();
      if (!result.ok() || !result->has_value()) return static_cast<int>(sequences.size());
      EXPECT_EQ((*result)->number(), ++number);
      EXPECT_TRUE(sequences.insert((*result)->sequence()).second) << "chunk " << (*result)->sequence() << " came twice";
    }
  }

  /// The most memory that the server ever had.
  int64_t PeakMemoryBytes() const {
    std::ifstream status("/proc/" + std::to_string(server_->pid()) + "/status");
    for (std::string word; status >> word;) {
      int64_t kilobytes = 0;
      if (word == "VmHWM:" && status >> kilobytes) return kilobytes * 1024;
    }
    ADD_FAILURE() << "no VmHWM";
    return 0;
  }
};

TEST_F(StreamsTest, ServersThatAreKilledLoseNothingAndDoubleNothing) {
  constexpr int kChunks = 3'000;
  Begin();
  client::Pipeline pipeline = NewPipeline();
  absl::Mutex mutex;
  int stored = 0;
  bool ended = false;
  const auto on_stored = [&](const v1::PushedChunk&) {
    absl::MutexLock lock(&mutex);
    ++stored;
  };
  int read = 0;
  absl::Status pushed;
  // Clients of their own: two programs would not share a connection either.
  std::thread reader([&] { read = ReadAll(*client::Pipeline::Attach(Connect(), pipeline.id())); });
  std::thread writer([&, writing = pipeline]() mutable {
    const auto pusher = *writing.NewPusher({.on_stored = on_stored});
    for (int i = 0; i < kChunks && pushed.ok(); ++i) pushed = pusher->Push(ChunkOf(absl::StrCat("n", i))).status();
    if (pushed.ok()) pushed = pusher->Flush();
    absl::MutexLock lock(&mutex);
    ended = true;
  });
  for (const int deaths_at : {400, 1'100, 1'800, 2'500}) {
    {
      absl::MutexLock lock(&mutex);
      const auto reached = [&] { return ended || stored >= deaths_at; };
      mutex.Await(absl::Condition(&reached));
    }
    KillAndRestartServer();
  }
  writer.join();
  EXPECT_TRUE(pushed.ok()) << pushed;
  EXPECT_TRUE(pipeline.Close().ok());
  reader.join();
  EXPECT_EQ(stored, kChunks);
  EXPECT_EQ(read, kChunks);
  const auto status = pipeline.Status();
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(status->records_submitted(), kChunks);
  EXPECT_EQ(status->records_completed(), kChunks);
}

TEST_F(StreamsTest, AClientThatPushesWithoutPauseIsHeldBack) {
  constexpr int kChunks = 2'000;
  const std::string text(200'000, 'x');
  Begin();
  client::Pipeline full = NewPipeline(/*buffer_bytes=*/1'000'000);
  const int64_t before = PeakMemoryBytes();
  const client::Client client = Connect();
  const std::unique_ptr<client::PushStreamCall> stream = client.PushStream();
  // Sends as fast as gRPC takes it, whatever the answers say.
  std::thread writer([&] {
    v1::PushStreamRequest request;
    request.mutable_start()->set_pipeline_id(full.id());
    stream->Write(request);
    for (int i = 0; i < kChunks; ++i) {
      *request.mutable_chunk() = ChunkOf(text);
      request.mutable_chunk()->set_id(absl::StrCat("c", i));
      if (!stream->Write(request)) return;
    }
    stream->WritesDone();
  });
  int answered = 0;
  std::thread answers([&] {
    for (v1::PushStreamResponse answer; stream->Read(answer);) answered += answer.has_chunk();
  });
  // Both buffers are full: nobody pulls.
  for (;;) {
    const auto status = full.Status();
    EXPECT_TRUE(status.ok()) << status.status();
    if (!status.ok() || status->input_buffer_remaining_bytes() < static_cast<int64_t>(text.size())) break;
  }
  client::Pipeline other = NewPipeline();
  {
    const auto pusher = *other.NewPusher();
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(pusher->Push(ChunkOf(absl::StrCat("n", i))).ok());
    ASSERT_TRUE(pusher->Flush().ok());
  }
  ASSERT_TRUE(other.Close().ok());
  EXPECT_EQ(ReadAll(other), 100) << "others are not held back";

  std::thread reader([&] { EXPECT_EQ(ReadAll(*client::Pipeline::Attach(Connect(), full.id())), kChunks); });
  writer.join();
  answers.join();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(answered, kChunks);
  EXPECT_TRUE(full.Close().ok());
  reader.join();
  // 400 MB went through. The server holds two buffers of 1 MB, 256 chunks of 0.1 MB of the stream (as they came, and as they
  // go to the store), and what gRPC and the storage engine have on the way.
  if (!testing::kSanitized) {
    EXPECT_LT(PeakMemoryBytes() - before, 200'000'000);
  }
}

TEST_F(StreamsTest, AServerThatDrainsWaitsForNoStream) {
  // Whoever waited for a stream would wait for an hour.
  Begin({"--drain-timeout", "3600"});
  client::Pipeline pipeline = NewPipeline();
  {
    const auto pusher = *pipeline.NewPusher();
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(pusher->Push(ChunkOf(std::string(100'000, 'x'))).ok());
    ASSERT_TRUE(pusher->Flush().ok());
  }
  const client::Client client = Connect();
  const auto idle = client.PushStream();
  v1::PushStreamRequest start_push;
  start_push.mutable_start()->set_pipeline_id(pipeline.id());
  ASSERT_TRUE(idle->Write(start_push));
  const auto sleeper = client.PullStream();
  v1::PullStreamRequest start_pull;
  start_pull.mutable_start()->set_pipeline_id(pipeline.id());
  start_pull.mutable_start()->set_follow(true);
  start_pull.mutable_start()->set_window(1'000);
  ASSERT_TRUE(sleeper->Write(start_pull));
  v1::PullStreamResponse first;
  ASSERT_TRUE(sleeper->Read(first));
  std::thread waiting([&] {
    v1::PushStreamResponse answer;
    EXPECT_FALSE(idle->Read(answer));
    EXPECT_EQ(idle->Finish().code(), absl::StatusCode::kUnavailable);
  });
  EXPECT_EQ(server_->Terminate(), 0);
  waiting.join();
}

}  // namespace
}  // namespace millrace::e2e
