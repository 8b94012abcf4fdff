// Schedules through kills of the server.
#include <gmock/gmock.h>

#include <set>
#include <string>
#include <vector>

#include "tests/e2e/e2e_fixture.h"

namespace millrace::e2e {
namespace {

using ::testing::HasSubstr;

constexpr char kService[] = R"(
service: test/number
version: 1.0.0
inputs: {n: {type: integer}}
nodes: {m: {lua: "n"}}
outputs: [m]
)";

class SchedulesTest : public E2eFixture {
 protected:
  void CreateService() const {
    v1::CreateServiceVersionRequest request;
    request.set_definition(kService);
    ASSERT_TRUE(Connect().CreateServiceVersion(request).ok());
  }

  static std::vector<v1::ScheduleRun> Runs(const client::Client& client) {
    v1::ListScheduleRunsRequest request;
    request.set_schedule_id("each-second");
    request.set_page_size(1'000);
    const auto response = client.ListScheduleRuns(request);
    EXPECT_TRUE(response.ok()) << response.status();
    if (!response.ok()) return {};
    return {response->runs().rbegin(), response->runs().rend()};
  }

  static void AwaitRuns(const client::Client& client, size_t count) {
    Await("runs of the schedule", [&] { return Runs(client).size() >= count; });
  }
};

TEST_F(SchedulesTest, KillsLoseNoFireTimeAndDoubleNone) {
  StartServer();
  CreateService();
  ASSERT_EQ(RunCli({"schedules", "create", "each-second", "test/number", "--range", "3", "--cron", "* * * * * *"}), 0)
      << Stderr();
  EXPECT_THAT(Stdout(), HasSubstr("* * * * * * (UTC)"));
  const client::Client client = Connect();
  for (const size_t runs : {2, 4, 6}) {
    AwaitRuns(client, runs);
    KillAndRestartServer();
  }
  AwaitRuns(client, 8);
  ASSERT_EQ(RunCli({"schedules", "pause", "each-second"}), 0) << Stderr();

  const std::vector<v1::ScheduleRun> runs = Runs(client);
  std::set<std::string> jobs;
  for (size_t i = 0; i < runs.size(); ++i) {
    EXPECT_EQ(runs[i].number(), static_cast<int64_t>(i) + 1);
    if (i > 0) {
      EXPECT_EQ(runs[i].scheduled_time().seconds(), runs[i - 1].scheduled_time().seconds() + 1 + runs[i].missed());
    }
    if (runs[i].job_id().empty()) continue;
    EXPECT_TRUE(jobs.insert(runs[i].job_id()).second) << "two runs have one job";
  }
  EXPECT_GE(jobs.size(), 2U);
  size_t listed = 0;
  const absl::Status walked = client.AllJobs().ForEach([&](const v1::Job& job) {
    ++listed;
    EXPECT_TRUE(jobs.contains(job.id())) << "no run has this job: " << job.id();
    EXPECT_EQ(job.metadata().name(), "each-second");
    return absl::OkStatus();
  });
  EXPECT_TRUE(walked.ok()) << walked;
  EXPECT_EQ(listed, jobs.size());
}

}  // namespace
}  // namespace millrace::e2e
