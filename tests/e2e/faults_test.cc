// What befalls a server that nobody planned for: it stands still, it has more clients than files, its clients push
// crumbs.
#include <sys/resource.h>

#include <iterator>
#include <map>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "client/cpp/pipeline.h"
#include "tests/e2e/e2e_fixture.h"
#include "tools/harness/silent_clients.h"

namespace millrace::e2e {
namespace {

// Before the first call of a virtual function, UndefinedBehaviorSanitizer looks at the object through a pipe. Where no file is
// left for one, it takes the object for no object.
#if defined(__has_feature)
#if __has_feature(undefined_behavior_sanitizer)
#define MILLRACE_LOOKS_THROUGH_PIPES
#endif
#endif
#ifdef MILLRACE_LOOKS_THROUGH_PIPES
constexpr bool kLooksThroughPipes = true;
#else
constexpr bool kLooksThroughPipes = false;
#endif

constexpr char kService[] = R"(
service: test/double
version: 1.0.0
inputs: {n: {type: number}}
nodes: {m: {lua: "n * 2"}}
outputs: [m]
)";

class FaultsTest : public E2eFixture {
 protected:
  FaultsTest() {
    StartServer();
    v1::CreateServiceVersionRequest request;
    request.set_definition(kService);
    EXPECT_TRUE(Connect().CreateServiceVersion(request).ok());
  }

  static v1::Chunk ChunkOf(int64_t number) {
    v1::Chunk chunk;
    chunk.set_id(absl::StrCat("c", number));
    chunk.mutable_data()->mutable_inputs()->set_json_lines(absl::StrCat("{\"n\":", number, "}\n"));
    return chunk;
  }

  /// How often each chunk has a result, once the pipeline is closed and drained.
  static std::map<std::string, int> CloseAndCount(client::Pipeline& pipeline) {
    EXPECT_TRUE(pipeline.Close().ok());
    std::map<std::string, int> results;
    const auto puller = pipeline.NewPuller({.page_size = 1'000});
    for (;;) {
      const auto result = (*puller)->Next();
      EXPECT_TRUE(result.ok()) << result.status();
      if (!result.ok() || !result->has_value()) return results;
      ++results[(**result).chunk_id()];
    }
  }

  int64_t OpenFiles() const {
    const std::filesystem::directory_iterator files(absl::StrCat("/proc/", server_->pid(), "/fd"));
    return std::distance(files, std::filesystem::directory_iterator());
  }

  int64_t PeakMebibytes() const {
    std::istringstream words(Read(absl::StrCat("/proc/", server_->pid(), "/status")));
    std::string word;
    int64_t kibibytes = 0;
    while (words >> word && !(word == "VmHWM:" && words >> kibibytes)) {
    }
    return kibibytes / 1024;
  }
};

TEST_F(FaultsTest, APushToAStoppedServerTimesOutAndCanBeMadeAgain) {
  std::vector<absl::StatusCode> failures;
  client::ClientOptions options;
  options.endpoint = server_->address();
  options.retry.on_retry = [&](const absl::Status& failure, absl::Duration) {
    failures.push_back(failure.code());
    server_->Thaw();
  };
  const client::Client client = *client::Client::Connect(options);
  absl::StatusOr<client::Pipeline> pipeline = client::Pipeline::Create(client, "test/double");
  ASSERT_TRUE(pipeline.ok()) << pipeline.status();
  v1::PushRequest push;
  push.set_pipeline_id(pipeline->id());
  for (int i = 0; i < 10; ++i) *push.add_chunks() = ChunkOf(i);
  server_->Freeze();
  // Whether the first attempt was carried out, nobody knows. The second one makes sure.
  EXPECT_TRUE(client.Push(push, {.timeout = absl::Milliseconds(300)}).ok());
  ASSERT_FALSE(failures.empty());
  EXPECT_EQ(failures.front(), absl::StatusCode::kDeadlineExceeded);
  const std::map<std::string, int> results = CloseAndCount(*pipeline);
  EXPECT_EQ(results.size(), 10u);
  for (const auto& [chunk, count] : results) EXPECT_EQ(count, 1) << chunk;
}

TEST_F(FaultsTest, MoreConnectionsThanFilesAreRefusedAndTheOthersAreServed) {
  if (kLooksThroughPipes) GTEST_SKIP() << "a server without files would end in its own sanitizer";
  const client::Client client = Connect();
  ASSERT_TRUE(client.DescribePipelines().ok());
  const rlim_t files = static_cast<rlim_t>(OpenFiles()) + 20;
  const rlimit limit{.rlim_cur = files, .rlim_max = files};
  ASSERT_EQ(prlimit(server_->pid(), RLIMIT_NOFILE, &limit, nullptr), 0);

  harness::SilentClients clients(server_->port());
  ASSERT_TRUE(clients.Connect(1).ok());
  EXPECT_TRUE(clients.NewestIsServed());
  ASSERT_TRUE(clients.Connect(60).ok());
  EXPECT_FALSE(clients.NewestIsServed());
  EXPECT_TRUE(client.DescribePipelines().ok());

  clients.CloseAll();
  client::ClientOptions another;
  another.endpoint = server_->address();
  // A connection of its own, not the one that is open.
  another.user_agent_prefix = "another/1";
  EXPECT_TRUE(client::Client::Connect(another)->DescribePipelines().ok());
}

TEST_F(FaultsTest, ManyChunksOfOneRecordTakeBoundedMemory) {
  constexpr int kPushes = 8;
  constexpr int kChunksPerPush = 1'000;
  absl::StatusOr<client::Pipeline> pipeline = client::Pipeline::Create(Connect(), "test/double");
  ASSERT_TRUE(pipeline.ok()) << pipeline.status();
  for (int push = 0; push < kPushes; ++push) {
    std::vector<v1::Chunk> chunks;
    chunks.reserve(kChunksPerPush);
    for (int i = 0; i < kChunksPerPush; ++i) chunks.push_back(ChunkOf(push * kChunksPerPush + i));
    ASSERT_TRUE(pipeline->Push(std::move(chunks)).ok());
  }
  EXPECT_EQ(CloseAndCount(*pipeline).size(), size_t{kPushes} * kChunksPerPush);
  EXPECT_LT(PeakMebibytes(), 512);
}

}  // namespace
}  // namespace millrace::e2e
