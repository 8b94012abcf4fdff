// Bulk runs through kills of the server, and by the command line.
#include <gmock/gmock.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/e2e/e2e_fixture.h"

namespace millrace::e2e {
namespace {

using ::testing::HasSubstr;

constexpr char kService[] = R"yaml(
service: test/number
version: 1.0.0
inputs: {n: {type: integer}}
nodes: {m: {lua: "n >= 0 and n * (params.by or 1) or fail('NEGATIVE', 'below zero')"}}
outputs: [m]
)yaml";

class BulkTest : public E2eFixture {
 protected:
  void Start() {
    StartServer();
    v1::CreateServiceVersionRequest request;
    request.set_definition(kService);
    ASSERT_TRUE(Connect().CreateServiceVersion(request).ok());
  }

  static std::string Leaf(const std::string& name, int records) {
    return absl::StrCat(R"({"name":")", name, R"(","service":"test/number","source":{"range":{"count":)", records,
                        "}},\"chunk_size\":10}");
  }
  /// A bulk run of `leaves` jobs of `records` records each.
  static std::string Nested(const std::string& name, int leaves, int records) {
    std::string children;
    for (int i = 0; i < leaves; ++i) {
      absl::StrAppend(&children, i > 0 ? "," : "", Leaf(absl::StrCat(name, "-", i), records));
    }
    return absl::StrCat(R"({"name":")", name,
                        R"(","service":"millrace/jobs","source":{"inline":{"records":{"structs":[)", children,
                        R"(]}}},"options":{"max_workers":2}})");
  }

  static v1::Job Get(const client::Client& client, const std::string& id) {
    v1::GetJobRequest request;
    request.set_job_id(id);
    const auto job = client.GetJob(request);
    EXPECT_TRUE(job.ok()) << job.status();
    return job.ok() ? *job : v1::Job();
  }
  static std::vector<v1::Job> Children(const client::Client& client, const std::string& id) {
    v1::ListJobsRequest request;
    request.set_parent_job_id(id);
    std::vector<v1::Job> children;
    const absl::Status walked = client.AllJobs(request).ForEach([&](const v1::Job& job) {
      children.push_back(job);
      return absl::OkStatus();
    });
    EXPECT_TRUE(walked.ok()) << walked;
    return children;
  }
};

TEST_F(BulkTest, KillsLoseNoJobOfABulkRunOfBulkRunsAndDoubleNone) {
  constexpr int kBulks = 4;
  constexpr int kLeaves = 5;
  constexpr int kRecords = 100;
  Start();
  v1::SubmitJobRequest request;
  request.set_service("millrace/jobs");
  request.set_job_id("all");
  request.mutable_options()->set_max_workers(3);
  std::string& lines = *request.mutable_source()->mutable_inline_()->mutable_records()->mutable_json_lines();
  for (int i = 0; i < kBulks; ++i) absl::StrAppend(&lines, Nested(absl::StrCat("bulk-", i), kLeaves, kRecords), "\n");
  const client::Client client = Connect();
  ASSERT_TRUE(client.SubmitJob(request).ok());

  for (const int64_t done : {0, 1, 3}) {
    AwaitJob(client, "all", [&](const v1::Job& job) { return job.summary().records_completed() >= done; });
    KillAndRestartServer();
  }
  const v1::Job all = AwaitEnd(client, "all");
  EXPECT_EQ(all.outcome(), v1::OUTCOME_SUCCEEDED) << all.ShortDebugString();

  std::set<std::string> names;
  for (const v1::Job& bulk : Children(client, "all")) {
    EXPECT_TRUE(names.insert(bulk.metadata().name()).second) << bulk.metadata().name() << " ran twice";
    EXPECT_EQ(bulk.outcome(), v1::OUTCOME_SUCCEEDED);
    for (const v1::Job& leaf : Children(client, bulk.id())) {
      EXPECT_TRUE(names.insert(leaf.metadata().name()).second) << leaf.metadata().name() << " ran twice";
      EXPECT_EQ(leaf.summary().records_completed(), kRecords);
    }
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(kBulks + kBulks * kLeaves));
  int64_t jobs = 0;
  ASSERT_TRUE(client.AllJobs()
                  .ForEach([&](const v1::Job&) {
                    ++jobs;
                    return absl::OkStatus();
                  })
                  .ok());
  EXPECT_EQ(jobs, 1 + kBulks + kBulks * kLeaves) << "and there are no others";

  v1::GetJobStatisticsRequest count;
  count.set_job_id("all");
  const auto statistics = client.GetJobStatistics(count);
  ASSERT_TRUE(statistics.ok()) << statistics.status();
  EXPECT_EQ(statistics->children().jobs_below(), kBulks + kBulks * kLeaves);
  EXPECT_EQ(statistics->children().records().completed(), kBulks * kLeaves * kRecords);
  EXPECT_EQ(statistics->children().percent(), 100);
}

TEST_F(BulkTest, AFileOfJobsIsSubmittedShownAndRetried) {
  Start();
  const std::string bad = R"({"name":"bad","service":"test/number","source":{"range":{"first":-1,"count":2}}})";
  std::ofstream(Path("jobs.json")) << R"({"metadata":{"project":"sales"},"parameters":{"by":3},"jobs":[)"
                                   << Leaf("good", 10) << "," << bad << "]}";
  ASSERT_EQ(RunCli({"bulk", "submit", Path("jobs.json").string(), "--id", "nightly", "--parallel", "2", "--wait"}), 3)
      << Stderr();
  ASSERT_EQ(RunCli({"bulk", "show", "nightly"}), 0) << Stderr();
  EXPECT_THAT(Stdout(), HasSubstr("good"));
  EXPECT_THAT(Stdout(), HasSubstr("COMPLETED, PARTIAL"));
  EXPECT_THAT(Stdout(), HasSubstr("12: 11 completed, 1 failed"));
  EXPECT_THAT(Stdout(), HasSubstr("1 of 2 records failed"));
  ASSERT_EQ(RunCli({"bulk", "list"}), 0) << Stderr();
  EXPECT_THAT(Stdout(), HasSubstr("nightly"));
  ASSERT_EQ(RunCli({"bulk", "retry", "nightly"}), 0) << Stderr();
  EXPECT_THAT(Stdout(), HasSubstr("1 job is run again"));
  const client::Client client = Connect();
  const v1::Job bulk = AwaitEnd(client, "nightly");
  EXPECT_EQ(bulk.outcome(), v1::OUTCOME_PARTIAL);
  EXPECT_EQ(Children(client, "nightly").size(), 3U) << "the one that failed ran as a new job";
  ASSERT_EQ(RunCli({"bulk", "show", "nightly"}), 0) << Stderr();
  EXPECT_THAT(Stdout(), HasSubstr(" (2)")) << "and is told as the second of its record";
  for (const v1::Job& child : Children(client, "nightly")) EXPECT_EQ(child.metadata().project(), "sales");
}

TEST_F(BulkTest, TheSameDocumentUnderOneRequestIdIsOneBulkRun) {
  Start();
  std::ofstream(Path("jobs.json")) << R"({"request_id":"monday","jobs":[)" << Leaf("a", 3) << "," << Leaf("b", 3)
                                   << "]}";
  const std::string submit =
      absl::StrCat("for i in 1 2 3 4 5 6 7 8; do ", MILLRACE_BINARY, " --server ", server_->address(),
                   " bulk submit - < ", Path("jobs.json").string(), " || exit 1; done");
  ASSERT_EQ(RunAnything({"/bin/sh", "-c", submit}), 0) << Stderr();
  v1::ListJobsRequest bulk_runs;
  bulk_runs.set_service("millrace/jobs");
  const auto jobs = Connect().ListJobs(bulk_runs);
  ASSERT_TRUE(jobs.ok()) << jobs.status();
  EXPECT_EQ(jobs->jobs_size(), 1);
}

TEST_F(BulkTest, AJobThatWaitsForItsResultsToBePulledIsNamed) {
  Start();
  std::ofstream(Path("jobs.json")) << R"({"name":"full","service":"test/number","source":{"range":{"count":100000}},)"
                                      R"("options":{"output_buffer_bytes":10000},"chunk_size":100})";
  ASSERT_EQ(RunCli({"bulk", "submit", Path("jobs.json").string(), "--id", "stuck"}), 0) << Stderr();
  const std::string why = "its output buffer is full";
  Await("the buffer is full", [&] {
    return RunCli({"jobs", "explain", "stuck"}) != 0 || Stdout().find(why) != std::string::npos;
  });
  ASSERT_EQ(RunCli({"bulk", "show", "stuck"}), 0) << Stderr();
  EXPECT_THAT(Stdout(), HasSubstr(why));
  EXPECT_THAT(Stderr(), HasSubstr("millrace pipelines pull "));
}

TEST_F(BulkTest, ACancelReachesTheJobsAndASecondServerFindsNothingToDo) {
  Start();
  // Its second chunk would start in an hour.
  const std::string slow = R"({"service":"test/number","source":{"range":{"count":2}},"chunk_size":1,)"
                           R"("options":{"throttle":{"delay_between_chunks":"3600s"}}})";
  std::ofstream(Path("jobs.jsonl")) << slow << "\n" << Leaf("b", 10) << "\n" << Leaf("c", 10) << "\n";
  ASSERT_EQ(RunCli({"bulk", "submit", Path("jobs.jsonl").string(), "--id", "later", "--sequential"}), 0) << Stderr();
  const client::Client client = Connect();
  Await("its first job", [&] { return !Children(client, "later").empty(); });
  ASSERT_EQ(RunCli({"jobs", "explain", "later"}), 0) << Stderr();
  EXPECT_THAT(Stdout(), HasSubstr("It waits for job "));
  ASSERT_EQ(RunCli({"bulk", "cancel", "later", "--reason", "wrong month"}), 0) << Stderr();
  for (const v1::Job& child : Children(client, "later")) {
    EXPECT_EQ(AwaitEnd(client, child.id()).state(), v1::JOB_STATE_CANCELLED);
  }
  KillAndRestartServer();
  EXPECT_EQ(Children(client, "later").size(), 1U);
  EXPECT_EQ(Get(client, "later").summary().records_skipped(), 2);
}

TEST_F(BulkTest, DeletingByForceLeavesNoJobRunning) {
  Start();
  const std::string slow = R"({"service":"test/number","source":{"range":{"count":2}},"chunk_size":1,)"
                           R"("options":{"throttle":{"delay_between_chunks":"3600s"}}})";
  std::ofstream(Path("jobs.jsonl")) << slow << "\n" << slow << "\n" << slow << "\n";
  ASSERT_EQ(RunCli({"bulk", "submit", Path("jobs.jsonl").string(), "--id", "gone", "--parallel", "3"}), 0) << Stderr();
  const client::Client client = Connect();
  Await("its jobs", [&] { return Children(client, "gone").size() == 3; });
  const std::vector<v1::Job> children = Children(client, "gone");
  ASSERT_EQ(RunCli({"jobs", "delete", "gone", "--force"}), 0) << Stderr();
  for (const v1::Job& child : children) EXPECT_EQ(Get(client, child.id()).state(), v1::JOB_STATE_CANCELLED);
}

}  // namespace
}  // namespace millrace::e2e
