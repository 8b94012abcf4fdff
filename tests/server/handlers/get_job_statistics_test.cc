#include <gmock/gmock.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/server/handlers/handlers_fixture.h"

namespace millrace::handlers {
namespace {

using model::Reason;
using ::testing::ElementsAre;
using testing::IsError;
using testing::IsOk;

constexpr char kTwoNodes[] = R"(
service: demo/doubler
version: 1.0.0
inputs: {n: {type: number}}
nodes:
  half: {lua: "n < 0 and fail('NEGATIVE', 'n is ' .. n) or n / 2"}
  whole: {lua: "half * 2"}
outputs: [whole]
)";

class GetJobStatisticsTest : public HandlersFixture {
 protected:
  /// A job with one chunk of three records, one of which fails.
  std::string RunSome() {
    CreateService(kTwoNodes);
    v1::CreatePipelineRequest create;
    create.set_service("demo/doubler");
    std::string id = CreatePipeline(create, call_, deps_)->id();
    StartWorkers();
    EXPECT_THAT(PushLines(id, "{\"n\":4}\n{\"n\":-1}\n{\"n\":6}\n"), IsOk());
    AwaitCommitted(id);
    return id;
  }

  absl::StatusOr<v1::JobStatistics> Get(const std::string& id, v1::DagFormat format = v1::DAG_FORMAT_UNSPECIFIED) {
    v1::GetJobStatisticsRequest request;
    request.set_job_id(id);
    request.set_dag_format(format);
    Deps deps = {.store = *store_,
                 .leases = hub_,
                 .compiler = *compiler_,
                 .clock = clock_,
                 .ids = ids_,
                 .server = deps_.server,
                 .rates = &rates_};
    return GetJobStatistics(request, call_, deps);
  }

  void OnJobChanged(const model::JobPtr& job) override {
    rates_.OnJobChanged(job);
    HandlersFixture::OnJobChanged(job);
  }

  void Close(const std::string& id) {
    v1::ClosePipelineRequest request;
    request.set_pipeline_id(id);
    ASSERT_THAT(ClosePipeline(request, call_, deps_), IsOk());
  }

  core::JobRates rates_{&clock_};
};

TEST_F(GetJobStatisticsTest, EachNodeInRunOrder) {
  const std::string id = RunSome();
  ASSERT_OK_AND_ASSIGN(const v1::JobStatistics statistics, Get(id));
  ASSERT_EQ(statistics.nodes_size(), 2);
  const v1::NodeStatistics& half = statistics.nodes(0).statistics();
  EXPECT_EQ(half.node(), "half");
  EXPECT_EQ(half.record_count(), 3);
  EXPECT_EQ(half.success_count(), 2);
  EXPECT_EQ(half.failure_count(), 1);
  EXPECT_THAT(statistics.nodes(0).depends_on(), ElementsAre("n"));
  EXPECT_EQ(statistics.nodes(1).statistics().node(), "whole");
  EXPECT_EQ(statistics.nodes(1).statistics().success_count(), 2);
  EXPECT_THAT(statistics.nodes(1).depends_on(), ElementsAre("half"));
  EXPECT_EQ(statistics.exception_groups(), 1);
  EXPECT_EQ(statistics.summary().records_failed(), 1);
  EXPECT_EQ(statistics.service_uri(), "demo/doubler[1.0.0]");
  EXPECT_EQ(statistics.dag(), "");
}

TEST_F(GetJobStatisticsTest, ThePercentIsKnownWithTheTotal) {
  const std::string id = RunSome();
  EXPECT_FALSE(Get(id)->has_percent());
  Close(id);
  EXPECT_EQ(Get(id)->percent(), 100);
}

TEST_F(GetJobStatisticsTest, WhileASourceIsReadThePercentAndTheEndAreOfWhatItIsExpectedToHave) {
  CreateService();
  v1::SubmitJobRequest submit;
  submit.set_service("demo/doubler");
  submit.mutable_source()->mutable_range()->set_count(40);
  const std::string id = SubmitJob(submit, call_, deps_)->id();
  EXPECT_EQ(Get(id)->percent(), 0);
  StartWorkers();
  clock_.Advance(absl::Seconds(1));
  store::PushChunks read{
      .job = call_.job(id), .chunks = {}, .order = nullptr, .source_position = model::SourcePosition()};
  read.chunks.push_back({.id = "source-1", .json_lines = "{\"n\":0}\n{\"n\":1}\n", .record_count = 2});
  read.source_position->offset = 2;
  read.source_position->records = 2;
  read.source_position->chunks = 1;
  ASSERT_THAT(store::Await<store::PushReceipt>([&](auto done) { store_->PushChunks(read, std::move(done)); }), IsOk());
  AwaitCommitted(id);
  clock_.Advance(absl::Seconds(2));
  ASSERT_OK_AND_ASSIGN(const v1::JobStatistics statistics, Get(id));
  EXPECT_EQ(statistics.percent(), 5);
  EXPECT_EQ(statistics.total_records(), 40);
  EXPECT_TRUE(statistics.total_known());
  ASSERT_TRUE(statistics.has_eta_latest()) << "the server itself reads what is to come";
  EXPECT_EQ(statistics.eta_latest().seconds(), absl::ToUnixSeconds(clock_.Now()) + 38)
      << "2 records in 2 s, 38 to come";
}

TEST_F(GetJobStatisticsTest, TheLargestGroupsOfExceptionsAreThere) {
  CreateService(R"yaml(
service: demo/failing
version: 1.0.0
inputs: {n: {type: number}}
nodes: {m: {lua: "fail('CODE_' .. math.floor(n), 'because')"}}
outputs: [m]
)yaml");
  v1::CreatePipelineRequest create;
  create.set_service("demo/failing");
  const std::string id = CreatePipeline(create, call_, deps_)->id();
  StartWorkers();
  std::string lines;
  for (int group = 0; group < 12; ++group) {
    for (int i = 0; i <= group; ++i) absl::StrAppend(&lines, "{\"n\":", group, "}\n");
  }
  ASSERT_THAT(PushLines(id, lines), IsOk());
  AwaitCommitted(id);
  ASSERT_OK_AND_ASSIGN(const v1::JobStatistics statistics, Get(id));
  EXPECT_EQ(statistics.exception_groups(), 12);
  ASSERT_EQ(statistics.top_exception_groups_size(), 10);
  EXPECT_EQ(statistics.top_exception_groups(0).code(), "CODE_11");
  EXPECT_EQ(statistics.top_exception_groups(0).count(), 12);
  EXPECT_EQ(statistics.top_exception_groups(9).code(), "CODE_2");
}

TEST_F(GetJobStatisticsTest, WhatIsDiscardedIsDone) {
  const std::string id = RunSome();
  Close(id);
  v1::ResolveExceptionRequest request;
  request.set_job_id(id);
  request.set_exception_id("1-1");
  request.set_discard(true);
  ASSERT_THAT(ResolveException(request, call_, deps_), IsOk());
  EXPECT_EQ(Get(id)->percent(), 100);
  EXPECT_EQ(Get(id)->summary().records_discarded(), 1);
}

TEST_F(GetJobStatisticsTest, AClosedJobThatIsPausedIsPartlyDoneAndHasNoEstimate) {
  const std::string id = RunSome();
  v1::PauseJobRequest pause;
  pause.set_job_id(id);
  ASSERT_THAT(PauseJob(pause, call_, deps_), IsOk());
  ASSERT_THAT(PushLines(id, "{\"n\":4}\n{\"n\":1}\n{\"n\":6}\n"), IsOk());
  Close(id);
  ASSERT_OK_AND_ASSIGN(const v1::JobStatistics statistics, Get(id));
  EXPECT_EQ(statistics.percent(), 50);
  EXPECT_FALSE(statistics.has_eta_earliest());
}

TEST_F(GetJobStatisticsTest, AnEmptyClosedJobIsDone) {
  const std::string id = CreateDoublerPipeline();
  Close(id);
  ASSERT_OK_AND_ASSIGN(const v1::JobStatistics statistics, Get(id));
  EXPECT_EQ(statistics.percent(), 100);
  EXPECT_EQ(statistics.nodes_size(), 0);
  EXPECT_EQ(statistics.average_records_per_second(), 0);
}

TEST_F(GetJobStatisticsTest, RatesAreOverTheWindowAndOverAll) {
  const std::string id = RunSome();
  clock_.Advance(absl::Seconds(6));
  ASSERT_OK_AND_ASSIGN(const v1::JobStatistics statistics, Get(id));
  EXPECT_EQ(statistics.records_per_second(), 0.5);
  EXPECT_EQ(statistics.rate_window().seconds(), 6);
  EXPECT_EQ(statistics.average_records_per_second(), 0.5);
  clock_.Advance(absl::Seconds(294));
  EXPECT_EQ(Get(id)->records_per_second(), 0);
  EXPECT_EQ(Get(id)->rate_window().seconds(), 100);
  EXPECT_EQ(Get(id)->average_records_per_second(), 0.01);
}

TEST_F(GetJobStatisticsTest, ThePictureHasTheCountsOnItsEdges) {
  const std::string id = RunSome();
  EXPECT_EQ(Get(id, v1::DAG_FORMAT_TEXT)->dag(),
            "record\n"
            "  -> half (3)\n"
            "half: 2 ok, 1 failed\n"
            "  -> whole (2)\n"
            "whole: 2 ok\n"
            "  -> output (2)\n");
  EXPECT_EQ(Get(id, v1::DAG_FORMAT_DOT)->dag().substr(0, 32), "digraph \"demo/doubler[1.0.0]\" {\n");
  EXPECT_EQ(Get(id, v1::DAG_FORMAT_MERMAID)->dag().substr(0, 13), "flowchart LR\n");
}

TEST_F(GetJobStatisticsTest, AJobOutlivesItsVersion) {
  const std::string id = RunSome();
  Close(id);
  v1::DeleteServiceVersionRequest remove;
  remove.set_service("demo/doubler[1.0.0]");
  remove.set_force(true);
  ASSERT_THAT(DeleteServiceVersion(remove, call_, deps_), IsOk());
  ASSERT_OK_AND_ASSIGN(const v1::JobStatistics statistics, Get(id, v1::DAG_FORMAT_TEXT));
  EXPECT_EQ(statistics.nodes_size(), 2);
  EXPECT_EQ(statistics.dag(), "");
}

TEST_F(GetJobStatisticsTest, LabelsSlowestRecordsAndWorkers) {
  CreateService(R"yaml(
service: demo/counting
version: 1.0.0
inputs: {n: {type: number}}
nodes: {m: {lua: "if n == 0 then hold('why is it nothing?') end count(n > 4 and 'LARGE' or 'SMALL') return n"}}
outputs: [m]
)yaml");
  v1::CreatePipelineRequest create;
  create.set_service("demo/counting");
  const std::string id = CreatePipeline(create, call_, deps_)->id();
  StartWorkers();
  ASSERT_THAT(PushLines(id, "{\"n\":4}\n{\"n\":0}\n{\"n\":6}\n{\"n\":3}\n"), IsOk());
  AwaitCommitted(id);
  ASSERT_OK_AND_ASSIGN(const v1::JobStatistics statistics, Get(id));
  ASSERT_EQ(statistics.labels_size(), 2);
  EXPECT_EQ(statistics.labels(0).label(), "LARGE");
  EXPECT_EQ(statistics.labels(0).count(), 1);
  EXPECT_EQ(statistics.labels(1).label(), "SMALL");
  EXPECT_EQ(statistics.labels(1).count(), 2);
  EXPECT_EQ(statistics.summary().records_failed(), 1);
  EXPECT_EQ(statistics.summary().records_held(), 1);
  EXPECT_EQ(statistics.nodes(0).statistics().hold_count(), 1);

  ASSERT_EQ(statistics.slowest_records_size(), 4);
  for (const v1::SlowRecord& record : statistics.slowest_records()) {
    EXPECT_EQ(record.sequence(), 1);
    EXPECT_EQ(record.worker(), "local/thread-1");
    EXPECT_EQ(record.code(), record.index() == 1 ? "HELD" : "");
    ASSERT_EQ(record.labels_size(), record.index() == 1 ? 0 : 1);
    if (record.index() == 2) {
      EXPECT_EQ(record.labels(0).label(), "LARGE");
    }
  }
  ASSERT_EQ(statistics.workers_size(), 1);
  const v1::WorkerStatistics& worker = statistics.workers(0);
  EXPECT_EQ(worker.worker(), "local/thread-1");
  EXPECT_EQ(worker.chunks(), 1);
  EXPECT_EQ(worker.records(), 4);
  EXPECT_EQ(worker.records_failed(), 1);
  EXPECT_EQ(worker.compute_time_share(), 1);
  EXPECT_EQ(worker.first_commit_time().seconds(), 1'700'000'000);
}

TEST_F(GetJobStatisticsTest, RequestsAreChecked) {
  EXPECT_EQ(FieldOf(Get("").status()), "job_id");
  EXPECT_EQ(FieldOf(Get("job", static_cast<v1::DagFormat>(9)).status()), "dag_format");
  EXPECT_THAT(Get("nobody"), IsError(Reason::kPipelineNotFound));
}

}  // namespace
}  // namespace millrace::handlers
