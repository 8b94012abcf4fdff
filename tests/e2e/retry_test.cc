// Jobs that run again, under new code or after a cancel, while the server is killed: each record keeps one outcome, and the
// newest.
#include <limits>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/e2e/e2e_fixture.h"

namespace millrace::e2e {
namespace {

constexpr int64_t kRecords = 20'000;
constexpr int64_t kChunkSize = 100;

class RetryTest : public E2eFixture {
 protected:
  void SetUp() override {
    StartServer();
    CreateService("1.0.0", 2);
    v1::SubmitJobRequest submit;
    submit.set_service("test/times[1.0.0]");
    submit.set_job_id("j");
    submit.set_request_id("j");
    submit.mutable_source()->mutable_range()->set_count(kRecords);
    submit.set_chunk_size(kChunkSize);
    submit.mutable_options()->set_max_workers(2);
    const auto job = Connect().SubmitJob(submit);
    ASSERT_TRUE(job.ok()) << job.status();
  }

  void CreateService(const std::string& version, int factor) {
    v1::CreateServiceVersionRequest service;
    service.set_definition(absl::StrCat("{service: test/times, version: ", version,
                                        ", inputs: {n: {type: number}}, outputs: [m], nodes: {m: {lua: \"n * ", factor,
                                        "\"}}}"));
    ASSERT_TRUE(Connect().CreateServiceVersion(service).ok());
  }

  v1::Job GetJob() {
    v1::GetJobRequest request;
    request.set_job_id("j");
    const auto job = Connect().GetJob(request);
    EXPECT_TRUE(job.ok()) << job.status();
    return job.value_or(v1::Job());
  }

  /// Returns when so many chunks more are committed, or all; each look is answered by the server.
  void AwaitCommitted(int64_t more) {
    const int64_t first = GetJob().summary().chunks_completed();
    AwaitJob(Connect(), "j", [&](const v1::Job& job) {
      return job.state() == v1::JOB_STATE_COMPLETED || job.summary().chunks_completed() - first >= more;
    });
  }

  v1::RetryJobResponse Retry(const v1::RetryJobRequest& request) {
    const auto response = Connect().RetryJob(request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.value_or(v1::RetryJobResponse());
  }

  /// Each record once, with `factor` times its number.
  void ExpectEachRecordOnce(int factor) {
    const v1::Job job = GetJob();
    EXPECT_EQ(job.state(), v1::JOB_STATE_COMPLETED);
    EXPECT_EQ(job.outcome(), v1::OUTCOME_SUCCEEDED);
    EXPECT_EQ(job.summary().records_submitted(), kRecords);
    EXPECT_EQ(job.summary().records_completed(), kRecords);
    v1::ListRecordsRequest records;
    records.set_job_id("j");
    int64_t n = 0;
    int64_t wrong = 0;
    const absl::Status listed = Connect().AllRecords(records).ForEach([&](const v1::Record& record) {
      wrong += record.outputs() == absl::StrCat("{\"m\":", factor * n++, "}") ? 0 : 1;
      return absl::OkStatus();
    });
    EXPECT_TRUE(listed.ok()) << listed;
    EXPECT_EQ(n, kRecords);
    EXPECT_EQ(wrong, 0);
    server_->Kill();
    EXPECT_EQ(RunAnything({MILLRACE_DB_BINARY, "verify", Path("data").string()}), 0) << Stdout() << Stderr();
  }

  std::mt19937 random_{std::random_device()()};
};

TEST_F(RetryTest, ChunksWithTheOldHashRunAgainThroughThreeKills) {
  AwaitCommitted(std::numeric_limits<int64_t>::max());
  CreateService("1.1.0", 3);
  v1::UpdateJobRequest update;
  update.set_job_id("j");
  update.mutable_update_mask()->add_paths("service_version");
  update.set_service_version("1.1.0");
  ASSERT_TRUE(Connect().UpdateJob(update).ok());

  v1::RetryJobRequest request;
  request.set_job_id("j");
  request.set_other_code_than_job(true);
  int64_t taken = 0;
  for (int kills = 0; kills < 3; ++kills) {
    const v1::RetryJobResponse part = Retry(request);
    taken += part.completed_record_count();
    request.set_up_to_sequence(part.up_to_sequence());
    // As a caller does who does not know what the call that was killed has done.
    AwaitCommitted(1 + static_cast<int64_t>(random_() % 40));
    KillAndRestartServer();
  }
  EXPECT_EQ(taken, kRecords) << "each was taken once, however often the call was made";
  AwaitCommitted(std::numeric_limits<int64_t>::max());
  ExpectEachRecordOnce(3);
}

TEST_F(RetryTest, ACancelledJobIsTakenUpThroughThreeKills) {
  v1::RetryJobRequest request;
  request.set_job_id("j");
  request.set_allow_cancelled(true);
  for (int kills = 0; kills < 3; ++kills) {
    AwaitCommitted(1 + static_cast<int64_t>(random_() % 30));
    v1::CancelPipelineRequest cancel;
    cancel.set_pipeline_id("j");
    const auto cancelled = Connect().CancelPipeline(cancel);
    // The job may have been faster.
    ASSERT_TRUE(cancelled.ok() || GetJob().state() == v1::JOB_STATE_COMPLETED) << cancelled.status();
    KillAndRestartServer();
    ASSERT_NE(Retry(request).job().state(), v1::JOB_STATE_CANCELLED);
  }
  AwaitCommitted(std::numeric_limits<int64_t>::max());
  ExpectEachRecordOnce(2);
}

}  // namespace
}  // namespace millrace::e2e
