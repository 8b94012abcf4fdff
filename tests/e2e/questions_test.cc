// A service that counts and asks, while the server is killed: every label and every question is counted once.
#include <gmock/gmock.h>

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/e2e/e2e_fixture.h"

namespace millrace::e2e {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr int64_t kRecords = 6'000;
constexpr char kService[] = R"(
service: test/asking
version: 1.0.0
inputs:
  n: {type: integer}
  sure: {type: boolean, required: false}
nodes:
  m:
    lua: |
      if n % 100 == 0 and not sure then hold('is ' .. n .. ' right?') end
      count(n % 2 == 0 and 'EVEN' or 'ODD')
      return n
outputs: [m]
)";

class QuestionsTest : public E2eFixture {
 protected:
  v1::JobStatistics Statistics(const client::Client& client) {
    v1::GetJobStatisticsRequest request;
    request.set_job_id("numbers");
    const auto statistics = client.GetJobStatistics(request);
    EXPECT_TRUE(statistics.ok()) << statistics.status();
    return statistics.value_or(v1::JobStatistics());
  }

  static std::map<std::string, int64_t> LabelsOf(const v1::JobStatistics& statistics) {
    std::map<std::string, int64_t> labels;
    for (const v1::LabelCount& label : statistics.labels()) labels[label.label()] = label.count();
    return labels;
  }
};

TEST_F(QuestionsTest, KilledAnywhereEachLabelAndEachQuestionIsCountedOnce) {
  StartServer();
  const client::Client client = Connect();
  v1::CreateServiceVersionRequest service;
  service.set_definition(kService);
  ASSERT_TRUE(client.CreateServiceVersion(service).ok());
  v1::SubmitJobRequest submit;
  submit.set_service("test/asking");
  submit.set_request_id("numbers");
  submit.set_job_id("numbers");
  submit.set_chunk_size(50);
  // A question is no failure, and so neither of these ends the job.
  submit.mutable_options()->set_stop_on_error(true);
  submit.mutable_options()->set_max_failed_ratio(0);
  submit.mutable_source()->mutable_range()->set_first(1);
  submit.mutable_source()->mutable_range()->set_count(kRecords);
  ASSERT_TRUE(client.SubmitJob(submit).ok());
  for (const int64_t chunks : {10, 40}) {
    AwaitCommitted(client, "numbers", chunks);
    KillAndRestartServer();
  }
  AwaitCommitted(client, "numbers", kRecords / 50);

  v1::JobStatistics statistics = Statistics(client);
  EXPECT_EQ(statistics.state(), v1::JOB_STATE_COMPLETED);
  EXPECT_EQ(statistics.outcome(), v1::OUTCOME_PARTIAL);
  EXPECT_EQ(statistics.summary().records_held(), kRecords / 100);
  EXPECT_EQ(statistics.summary().records_failed(), kRecords / 100);
  EXPECT_THAT(LabelsOf(statistics),
              ElementsAre(Pair("EVEN", kRecords / 2 - kRecords / 100), Pair("ODD", kRecords / 2)));
  EXPECT_EQ(statistics.slowest_records_size(), 10);
  int64_t chunks = 0;
  for (const v1::WorkerStatistics& worker : statistics.workers()) {
    chunks += worker.chunks();
    EXPECT_THAT(worker.worker(), HasSubstr("/thread-"));
  }
  EXPECT_EQ(chunks, kRecords / 50) << "over three runs of the server";

  ASSERT_EQ(RunCli({"exceptions", "list", "numbers", "--held", "--state", "unresolved", "--limit", "1"}), 0)
      << Stderr();
  EXPECT_THAT(Stdout(), HasSubstr("is 100 right?"));
  ASSERT_EQ(RunCli({"exceptions", "resolve", "numbers", "2-49", "--input", R"({"n": 100, "sure": true})"}), 0)
      << Stderr();
  AwaitCommitted(client, "numbers", kRecords / 50 + 1);
  statistics = Statistics(client);
  EXPECT_EQ(statistics.summary().records_held(), kRecords / 100 - 1);
  EXPECT_EQ(LabelsOf(statistics)["EVEN"], kRecords / 2 - kRecords / 100 + 1);

  // The answer to the next question survives the server that took it.
  ASSERT_EQ(RunCli({"exceptions", "answer", "numbers", "4-49", "yes", "--note", "asked Ann"}), 0) << Stderr();
  EXPECT_THAT(Stdout(), HasSubstr("ANSWER"));
  KillAndRestartServer();
  AwaitCommitted(client, "numbers", kRecords / 50 + 2);
  EXPECT_EQ(Statistics(client).summary().records_held(), kRecords / 100 - 2);

  server_->Kill();
  EXPECT_EQ(RunAnything({MILLRACE_DB_BINARY, "verify", Path("data").string()}), 0) << Stdout() << Stderr();
}

}  // namespace
}  // namespace millrace::e2e
