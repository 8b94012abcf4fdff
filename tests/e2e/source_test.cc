// Jobs that read their records by themselves, through kills of the server.
#include <gmock/gmock.h>

#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/cpp/errors.h"
#include "client/cpp/pipeline.h"
#include "tests/e2e/e2e_fixture.h"
#include "tests/server/queries/databases/test_databases.h"

namespace millrace::e2e {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kRecords = 20'000;
constexpr char kService[] = R"(
service: test/number
version: 1.0.0
inputs: {n: {type: integer}}
nodes: {m: {lua: "n"}}
outputs: [m]
)";

class SourceTest : public E2eFixture {
 protected:
  SourceTest() {
    std::filesystem::create_directories(Path("in"));
    more_flags_ = {"--source-dir", Path("in").string(), "--source-dir", Source("data").string()};
  }

  void CreateService() const {
    v1::CreateServiceVersionRequest request;
    request.set_definition(kService);
    ASSERT_TRUE(Connect().CreateServiceVersion(request).ok());
  }

  /// Slow enough, and with so little room, that the source is read as long as the job runs.
  static v1::SubmitJobRequest SlowJob(const std::string& id) {
    v1::SubmitJobRequest request;
    request.set_service("test/number");
    request.set_request_id(id);
    request.set_job_id(id);
    request.set_chunk_size(50);
    request.mutable_options()->set_input_buffer_bytes(20'000);
    request.mutable_options()->mutable_throttle()->set_records_per_second(20'000);
    return request;
  }

  static v1::Job GetJob(const client::Client& client, const std::string& id) {
    v1::GetJobRequest request;
    request.set_job_id(id);
    const absl::StatusOr<v1::Job> job = client.GetJob(request);
    EXPECT_TRUE(job.ok()) << job.status();
    return job.value_or(v1::Job());
  }

  /// Lets the server know a database of each kind that there is, with the numbers in a table, and returns their names.
  std::vector<std::string> AddConnections() {
    const std::string numbers = absl::StrCat(
        "CREATE TABLE numbers AS WITH RECURSIVE i(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM i WHERE n < ",
        kRecords - 1, ") SELECT n FROM i; CREATE UNIQUE INDEX numbers_n ON numbers (n)");
    testing::RunSqlite(Path("lite.db"), numbers);
    std::ofstream file(Path("connections.yaml"), std::ios::binary);
    file << "lite: {sqlite: " << Path("lite.db").string() << "}\n";
    std::vector<std::string> names = {"lite"};
    if (testing::PostgresServer* postgres = testing::PostgresServer::Get(); postgres != nullptr) {
      postgres->Run("DROP TABLE IF EXISTS numbers; " + numbers + "; ALTER ROLE owner PASSWORD 'hush'");
      setenv("MILLRACE_TEST_SECRET", "hush", 1);
      file << "post:\n  postgresql: '" << postgres->target() << "'\n  password_env: MILLRACE_TEST_SECRET\n";
      names.push_back("post");
    }
    more_flags_.insert(more_flags_.end(), {"--source-connections", Path("connections.yaml").string()});
    return names;
  }

  static v1::Source Query(const std::string& connection) {
    v1::Source source;
    source.mutable_query()->set_connection(connection);
    source.mutable_query()->set_query("SELECT n FROM numbers");
    source.mutable_query()->add_key_columns("n");
    return source;
  }

  /// Asks until so many records of each job were read.
  static void AwaitRead(const client::Client& client, const std::vector<std::string>& ids, int64_t records) {
    for (const std::string& id : ids) {
      AwaitJob(client, id, [&](const v1::Job& job) { return job.source_progress().records_read() >= records; });
    }
  }

  /// How often each number came out, once the job has ended.
  static std::map<int64_t, int> Numbers(const client::Client& client, const std::string& id) {
    std::map<int64_t, int> numbers;
    auto pipeline = client::Pipeline::Attach(client, id);
    EXPECT_TRUE(pipeline.ok()) << pipeline.status();
    const auto puller = pipeline->NewPuller({.page_size = 1'000});
    for (;;) {
      const auto result = (*puller)->Next();
      EXPECT_TRUE(result.ok()) << result.status();
      if (!result.ok() || !result->has_value()) return numbers;
      for (const auto& line : absl::StrSplit((**result).json_lines(), '\n', absl::SkipEmpty())) {
        int64_t number = -1;
        EXPECT_TRUE(absl::SimpleAtoi(line.substr(line.find(':') + 1, line.rfind('}') - line.find(':') - 1), &number))
            << line;
        ++numbers[number];
      }
    }
  }
};

TEST_F(SourceTest, KillsNeitherLoseNorRepeatARecord) {
  std::string lines;
  std::map<int64_t, int> expected;
  for (int64_t n = 0; n < kRecords; ++n) {
    absl::StrAppend(&lines, "{\"n\": ", n, "}\n");
    expected[n] = 1;
  }
  std::ofstream(Path("in") / "numbers.jsonl", std::ios::binary) << lines;
  std::vector<std::string> ids = AddConnections();
  StartServer();
  CreateService();
  const client::Client client = Connect();
  std::vector<v1::SubmitJobRequest> requests;
  for (const std::string& connection : ids)
    *requests.emplace_back(SlowJob(connection)).mutable_source() = Query(connection);
  v1::SubmitJobRequest file = SlowJob("file");
  file.mutable_source()->mutable_file()->set_path("numbers.jsonl");
  v1::SubmitJobRequest range = SlowJob("range");
  range.mutable_source()->mutable_range()->set_count(kRecords);
  ids.insert(ids.end(), {"file", "range"});
  requests.insert(requests.end(), {file, range});
  for (const v1::SubmitJobRequest& request : requests) {
    const absl::StatusOr<v1::Job> job = client.SubmitJob(request);
    ASSERT_TRUE(job.ok()) << job.status();
  }
  for (const int64_t read : {1, 3'000, 8'000, 13'000, 19'000}) {
    AwaitRead(client, ids, read);
    KillAndRestartServer();
  }
  for (const std::string& id : ids) {
    EXPECT_EQ(Numbers(client, id), expected) << id;
    const v1::Job job = GetJob(client, id);
    EXPECT_EQ(job.state(), v1::JOB_STATE_COMPLETED);
    EXPECT_EQ(job.outcome(), v1::OUTCOME_SUCCEEDED);
    EXPECT_EQ(job.summary().records_submitted(), kRecords);
    EXPECT_TRUE(job.source_progress().exhausted());
    EXPECT_EQ(job.source_progress().total_records(), kRecords);
  }
}

TEST_F(SourceTest, KillsLoseAndRepeatNothingOfAnyPart) {
  StartServer();
  CreateService();
  const client::Client client = Connect();
  // One source under three partitionings at once.
  v1::SubmitJobRequest all = SlowJob("all");
  all.mutable_source()->mutable_range()->set_count(kRecords);
  all.set_partitioning("size_700");
  v1::SubmitJobRequest dealt = SlowJob("dealt");
  dealt.mutable_source()->mutable_source_of()->set_job_id("all");
  dealt.set_partitioning("every_7");
  v1::SubmitJobRequest some = dealt;
  some.set_request_id("some");
  some.set_job_id("some");
  some.add_parts()->set_first(3);
  some.add_parts()->set_first(5);
  for (const v1::SubmitJobRequest& request : {all, dealt, some}) {
    const absl::StatusOr<v1::Job> job = client.SubmitJob(request);
    ASSERT_TRUE(job.ok()) << job.status();
  }
  v1::ContinueJobRequest go_on;
  go_on.set_job_id("some");
  for (const int64_t read : {1, 4'000, 9'000, 15'000}) {
    AwaitRead(client, {"all", "dealt", "some"}, read);
    KillAndRestartServer();
    ASSERT_TRUE(client.ContinueJob(go_on).ok());
  }
  std::map<int64_t, int> expected;
  for (int64_t n = 0; n < kRecords; ++n) expected[n] = 1;
  const std::map<std::string, int64_t> parts = {{"all", 29}, {"dealt", 7}, {"some", 7}};
  for (const auto& [id, count] : parts) {
    EXPECT_EQ(Numbers(client, id), expected) << id;
    EXPECT_EQ(GetJob(client, id).state(), v1::JOB_STATE_COMPLETED);
    std::map<int64_t, int64_t> records;
    v1::ListChunksRequest chunks;
    chunks.set_job_id(id);
    const absl::Status walked = client.AllChunks(chunks).ForEach([&](const v1::ChunkInfo& chunk) {
      EXPECT_TRUE(chunk.has_part());
      records[chunk.part()] += chunk.record_count();
      return absl::OkStatus();
    });
    EXPECT_TRUE(walked.ok()) << walked;
    EXPECT_EQ(static_cast<int64_t>(records.size()), count) << id;
    EXPECT_EQ(records[0], id == "all" ? 700 : 2'858);
  }
}

TEST_F(SourceTest, TheCommandLineRunsASampleOfAFileOfTheServer) {
  StartServer();
  CreateStrikeService();
  EXPECT_EQ(RunCli({"jobs", "submit", "aviation/strike-severity", "--file", "birdstrikes.csv", "--sample-every", "100",
                    "--wait", "--allow-exceptions"}),
            0)
      << Stderr();
  EXPECT_THAT(Stdout(), HasSubstr("COMPLETED"));
  EXPECT_THAT(Stdout(), HasSubstr("birdstrikes.csv, one in 100"));
  EXPECT_THAT(Stdout(), HasSubstr("all 100 records"));
  EXPECT_EQ(RunCli({"jobs", "submit", "aviation/strike-severity", "--file", "../README.md", "--format", "jsonl"}), 1);
  EXPECT_THAT(Stderr(), HasSubstr("source.file.path: "));
}

TEST_F(SourceTest, TheCommandLineRunsASampleOfAQuery) {
  AddConnections();
  StartServer();
  CreateService();
  EXPECT_EQ(RunCli({"jobs", "submit", "test/number", "--connection", "lite", "--query", "SELECT n FROM numbers",
                    "--key", "n", "--sample-every", "100", "--wait"}),
            0)
      << Stderr();
  EXPECT_THAT(Stdout(), HasSubstr("a query of lite, one in 100"));
  EXPECT_THAT(Stdout(), HasSubstr("all 200 records"));
  EXPECT_EQ(RunCli({"jobs", "submit", "test/number", "--connection", "lite", "--query", "SELECT n FROM nobody", "--key",
                    "n"}),
            1);
  EXPECT_THAT(Stderr(), HasSubstr("no such table: nobody"));
}

TEST_F(SourceTest, AServerWithAWrongFileOfConnectionsDoesNotStart) {
  std::ofstream(Path("connections.yaml"), std::ios::binary) << "lite:\n  sqlite: lite.db\n";
  EXPECT_EQ(RunAnything({MILLRACED_BINARY, "--data-dir", Path("data").string(), "--listen", "127.0.0.1:0",
                         "--source-connections", Path("connections.yaml").string()}),
            1);
  EXPECT_THAT(Stderr(), HasSubstr("connections.yaml:2: lite.sqlite: expected an absolute path"));
}

TEST_F(SourceTest, AServerWithoutSourceFoldersSaysSo) {
  more_flags_.clear();
  StartServer();
  CreateService();
  v1::SubmitJobRequest request = SlowJob("file");
  request.mutable_source()->mutable_file()->set_path("numbers.jsonl");
  const absl::StatusOr<v1::Job> job = Connect().SubmitJob(request);
  EXPECT_EQ(client::ErrorReasonOf(job.status()), v1::SOURCE_FILES_NOT_ENABLED) << job.status();
}

TEST_F(SourceTest, AFileThatGoesAwayFailsTheJobAndSaysWhy) {
  StartServer();
  CreateService();
  v1::SubmitJobRequest request = SlowJob("file");
  std::string lines;
  for (int64_t n = 0; n < kRecords; ++n) absl::StrAppend(&lines, "{\"n\": ", n, "}\n");
  std::ofstream(Path("in") / "numbers.jsonl", std::ios::binary) << lines;
  request.mutable_source()->mutable_file()->set_path("numbers.jsonl");
  const client::Client client = Connect();
  ASSERT_TRUE(client.SubmitJob(request).ok());
  AwaitRead(client, {"file"}, 1);
  std::filesystem::remove(Path("in") / "numbers.jsonl");
  const v1::Job job =
      AwaitJob(client, "file", [](const v1::Job& now) { return now.state() != v1::JOB_STATE_IN_PROGRESS; });
  EXPECT_EQ(job.state(), v1::JOB_STATE_FAILED);
  EXPECT_THAT(job.state_reason(), HasSubstr("cannot be opened: No such file"));
}

}  // namespace
}  // namespace millrace::e2e
