// A job that is paused under load, survives a kill, goes on with other code, and is complete in the end.
#include <gmock/gmock.h>

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/e2e/e2e_fixture.h"

namespace millrace::e2e {
namespace {

using ::testing::HasSubstr;

constexpr int kChunks = 200;

class TuningTest : public E2eFixture {
 protected:
  void CreateService(const std::string& version, int factor) {
    v1::CreateServiceVersionRequest request;
    request.set_definition(absl::StrCat("{service: test/factor, version: ", version,
                                        ", inputs: {n: {type: number}}, outputs: [m], nodes: {m: {lua: \"n * ", factor,
                                        "\"}}}"));
    const auto created = Connect().CreateServiceVersion(request);
    ASSERT_TRUE(created.ok()) << created.status();
    factors_[created->config_hash()] = factor;
  }

  /// Chunks of one record, each 1.
  void CreateAndPush(const std::string& id, int chunks, const std::vector<std::string>& options = {}) {
    std::vector<std::string> create = {"pipelines", "create", "test/factor[1.0.0]", "--id", id};
    create.insert(create.end(), options.begin(), options.end());
    ASSERT_EQ(RunCli(create), 0) << Stderr();
    v1::PushRequest request;
    request.set_pipeline_id(id);
    request.set_chunk_size(1);
    for (int i = 0; i < chunks; ++i) absl::StrAppend(request.mutable_inputs()->mutable_json_lines(), "{\"n\":1}\n");
    const auto pushed = Connect().Push(request);
    ASSERT_TRUE(pushed.ok()) << pushed.status();
  }

  v1::Job Get(const std::string& id) {
    v1::GetJobRequest request;
    request.set_job_id(id);
    const auto job = Connect().GetJob(request);
    EXPECT_TRUE(job.ok()) << job.status();
    return job.ok() ? *job : v1::Job();
  }

  /// Asks until no chunk of a paused job runs or is being committed.
  void AwaitStill(const std::string& id) {
    v1::ExplainJobRequest request;
    request.set_job_id(id);
    for (;;) {
      const auto explanation = Connect().ExplainJob(request);
      ASSERT_TRUE(explanation.ok()) << explanation.status();
      ASSERT_EQ(explanation->reason(), v1::EXPLAIN_REASON_PAUSED) << explanation->explanation();
      if (explanation->chunks_running() == 0 && explanation->chunks_committing() == 0) return;
    }
  }

  std::map<std::string, int> factors_;
};

TEST_F(TuningTest, APauseHoldsOverAKillAndAnotherVersionFinishesTheJob) {
  StartServer();
  CreateService("1.0.0", 2);
  CreateService("1.1.0", 3);
  CreateAndPush("job", kChunks, {"--records-per-second", "20"});
  ASSERT_EQ(RunCli({"jobs", "update", "job", "--rate", "50"}), 0) << Stderr();
  AwaitCommitted(Connect(), "job", 3);
  ASSERT_EQ(RunCli({"jobs", "pause", "job", "--reason", "wrong factor"}), 0) << Stderr();
  EXPECT_EQ(Stdout(), "paused job: PAUSED\n");
  AwaitStill("job");
  const int64_t before = Get("job").summary().chunks_completed();
  ASSERT_LT(before, kChunks);

  // Without its throttle nothing but the pause holds it; the workers are there, for another job goes through.
  ASSERT_EQ(RunCli({"jobs", "update", "job", "--rate", "0"}), 0) << Stderr();
  CreateAndPush("other", 20);
  AwaitCommitted(Connect(), "other", 20);
  EXPECT_EQ(Get("job").summary().chunks_completed(), before);

  KillAndRestartServer();
  CreateAndPush("after", 20);
  AwaitCommitted(Connect(), "after", 20);
  const v1::Job paused = Get("job");
  EXPECT_EQ(paused.state(), v1::JOB_STATE_PAUSED);
  EXPECT_EQ(paused.pause_reason(), "wrong factor");
  EXPECT_EQ(paused.summary().chunks_completed(), before);
  ASSERT_EQ(RunCli({"jobs", "explain", "job"}), 0) << Stderr();
  EXPECT_THAT(Stdout(), HasSubstr("(wrong factor); resume it"));

  ASSERT_EQ(RunCli({"pipelines", "close", "job"}), 0) << Stderr();
  ASSERT_EQ(
      RunCli({"jobs", "update", "job", "--service-version", "1.1.0", "--initial-workers", "1", "--tag", "mended"}), 0)
      << Stderr();
  EXPECT_THAT(Stdout(), HasSubstr("test/factor[1.1.0]"));
  ASSERT_EQ(RunCli({"jobs", "resume", "job", "--ramp"}), 0) << Stderr();
  EXPECT_EQ(Stdout(), "resumed job: CLOSED\n");
  AwaitCommitted(Connect(), "job", kChunks);
  EXPECT_EQ(Get("job").state(), v1::JOB_STATE_COMPLETED);

  v1::PullRequest pull;
  pull.set_pipeline_id("job");
  pull.set_max_chunks(2 * kChunks);
  pull.set_after(0);
  const auto results = Connect().Pull(pull);
  ASSERT_TRUE(results.ok()) << results.status();
  std::map<int, int64_t> chunks_by_factor;
  for (const v1::ChunkResult& result : results->results()) {
    const int factor = factors_[result.config_hash()];
    EXPECT_EQ(result.json_lines(), absl::StrCat("{\"m\":", factor, "}\n"));
    ++chunks_by_factor[factor];
  }
  EXPECT_EQ(chunks_by_factor, (std::map<int, int64_t>{{2, before}, {3, kChunks - before}}));
}

}  // namespace
}  // namespace millrace::e2e
