// Records that failed are run again while the server is killed: each keeps one outcome, and none is run twice at once.
#include <algorithm>
#include <limits>
#include <map>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/e2e/e2e_fixture.h"

namespace millrace::e2e {
namespace {

constexpr int64_t kRecords = 10'000;
constexpr int64_t kExceptions = 2'850;

class TriageTest : public E2eFixture {
 protected:
  v1::Job GetJob(const client::Client& client) {
    v1::GetJobRequest request;
    request.set_job_id("strikes");
    const auto job = client.GetJob(request);
    EXPECT_TRUE(job.ok()) << job.status();
    return job.value_or(v1::Job());
  }

  /// Returns when `committed` chunks are, or all; each look is answered by the server.
  void AwaitCommitted(const client::Client& client, int64_t committed) {
    AwaitJob(client, "strikes", [&](const v1::Job& job) {
      return job.summary().chunks_completed() >= std::min(committed, job.summary().chunks_submitted());
    });
  }
};

TEST_F(TriageTest, KilledWhileRecordsAreRunAgainEachHasOneOutcome) {
  StartServer();
  CreateStrikeService();
  ASSERT_EQ(RunCli(MainJob("out.jsonl", "rejects.csv", {"--id", "strikes", "--allow-exceptions"})), 0) << Stderr();
  const client::Client client = Connect();

  const unsigned seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  // Under the same version they fail again; the second time some in the middle of it.
  for (int round = 0; round < 3; ++round) {
    v1::ReprocessExceptionsRequest again;
    again.set_job_id("strikes");
    again.set_all(true);
    again.set_note(absl::StrCat("round ", round));
    const auto answer = client.ReprocessExceptions(again);
    ASSERT_TRUE(answer.ok()) << answer.status();
    const v1::JobSummary summary = GetJob(client).summary();
    AwaitCommitted(client, summary.chunks_completed() + 1 + static_cast<int64_t>(random() % 10));
    KillAndRestartServer();
  }
  AwaitCommitted(client, std::numeric_limits<int64_t>::max());

  const v1::Job job = GetJob(client);
  EXPECT_EQ(job.state(), v1::JOB_STATE_COMPLETED);
  EXPECT_EQ(job.summary().records_submitted(), kRecords);
  EXPECT_EQ(job.summary().records_failed(), kExceptions);
  EXPECT_EQ(job.summary().records_completed(), kRecords - kExceptions);

  v1::ListExceptionsRequest open;
  open.set_job_id("strikes");
  open.add_states(v1::EXCEPTION_STATE_UNRESOLVED);
  int64_t unresolved = 0;
  ASSERT_TRUE(client.AllExceptions(open)
                  .ForEach([&](const v1::RecordException&) {
                    ++unresolved;
                    return absl::OkStatus();
                  })
                  .ok());
  EXPECT_EQ(unresolved, kExceptions);

  v1::ListRecordsRequest records;
  records.set_job_id("strikes");
  std::map<v1::RecordState, int64_t> states;
  ASSERT_TRUE(client.AllRecords(records)
                  .ForEach([&](const v1::Record& record) {
                    ++states[record.state()];
                    return absl::OkStatus();
                  })
                  .ok());
  EXPECT_EQ(states[v1::RECORD_STATE_COMPLETED], kRecords - kExceptions);
  EXPECT_EQ(states[v1::RECORD_STATE_FAILED], kExceptions);
  EXPECT_EQ(states.size(), 2u);

  server_->Kill();
  EXPECT_EQ(RunAnything({MILLRACE_DB_BINARY, "verify", Path("data").string()}), 0) << Stdout() << Stderr();
}

}  // namespace
}  // namespace millrace::e2e
