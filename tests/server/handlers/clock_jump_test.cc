// The clock of the machine is set back by a day while a job is at work, over RocksDB and across a restart.
#include <gmock/gmock.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "server/core/job_totals.h"
#include "server/core/progress_feed.h"
#include "server/execution/lua_service_compiler.h"
#include "server/execution/worker_pool.h"
#include "server/handlers/catalog_handlers.h"
#include "server/handlers/job_handlers.h"
#include "server/handlers/pipeline_handlers.h"
#include "storage/model/job_rules.h"
#include "storage/store/rocks_job_store.h"
#include "tests/support/status_matchers.h"
#include "tools/harness/temporary_folder.h"

namespace millrace::handlers {
namespace {

using ::millrace::testing::IsOk;

constexpr absl::Duration kDay = absl::Hours(24);

/// No duration in `message`, or in what it holds, is less than 0.
void ExpectNoNegativeDuration(const google::protobuf::Message& message) {
  if (const auto* duration = dynamic_cast<const google::protobuf::Duration*>(&message)) {
    EXPECT_GE(duration->seconds(), 0);
    EXPECT_GE(duration->nanos(), 0);
    return;
  }
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const google::protobuf::FieldDescriptor* field : fields) {
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      ExpectNoNegativeDuration(reflection.GetMessage(message, field));
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      ExpectNoNegativeDuration(reflection.GetRepeatedMessage(message, field, i));
    }
  }
}

/// What a server is made of, but for the network.
class Server final : public store::JobObserver {
 public:
  Server(const std::filesystem::path& folder, const model::Clock& clock)
      : clock_(clock), store_(*store::OpenRocksJobStore({.folder = folder, .clock = &clock})) {
    store_->SetObserver(this);
    for (const model::JobPtr& job : store_->ActiveJobs()) OnJobChanged(job);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() override {
    hub_.Stop();
    if (pool_ != nullptr) pool_->Stop();
    store_.reset();
  }

  void OnJobChanged(const model::JobPtr& job) override {
    hub_.OnJobChanged(job);
    totals_.OnJobChanged(job);
    rates_.OnJobChanged(job);
    feed_.OnJobChanged(job);
  }

  void StartWorkers() { pool_ = execution::StartWorkerPool(1, hub_, *store_, *compiler_, {}, "local", &totals_); }

  void AwaitCommitted(const model::JobKey& key) {
    absl::Notification done;
    const auto is_done = [](const model::JobPtr& job) { return model::ChunksPending(*job) == 0; };
    const auto id = feed_.Watch(key, [&](const model::JobPtr& job) {
      if (!is_done(job)) return false;
      done.Notify();
      return true;
    });
    if (is_done(*store_->GetJob(key)) && feed_.Unwatch(key, id)) return;
    done.WaitForNotification();
  }

  store::JobStore& store() { return *store_; }
  Deps deps() {
    return {.store = *store_,
            .leases = hub_,
            .compiler = *compiler_,
            .clock = clock_,
            .ids = ids_,
            .server = {.instance_id = "s", .start_time = clock_.Now(), .workers = 1},
            .rates = &rates_};
  }
  const core::JobTotals& totals() const { return totals_; }

 private:
  const model::Clock& clock_;
  model::IdGenerator ids_{&clock_, 1};
  core::JobTotals totals_{&clock_};
  core::JobRates rates_{&clock_};
  core::ProgressFeed feed_;
  std::unique_ptr<store::JobStore> store_;
  core::LeaseHub hub_{store_->epoch(), clock_};
  std::unique_ptr<core::ServiceCompiler> compiler_ = execution::MakeLuaServiceCompiler(model::SystemClock::Get());
  std::unique_ptr<execution::WorkerPool> pool_;
};

class ClockJumpTest : public ::testing::Test {
 protected:
  ClockJumpTest() {
    clock_.Advance(absl::Seconds(1));
    v1::CreateServiceVersionRequest service;
    service.set_definition("{service: demo/same, version: 1.0.0, inputs: {n: {}}, nodes: {m: {lua: n}}, outputs: [m]}");
    EXPECT_THAT(CreateServiceVersion(service, call_, server_->deps()), IsOk());
  }

  void SetBackADay() { clock_.SetWallTime(clock_.Now() - kDay); }

  void Restart() {
    server_.reset();
    server_ = std::make_unique<Server>(folder_.path(), clock_);
  }

  std::string Create(const std::string& id) {
    v1::CreatePipelineRequest create;
    create.set_service("demo/same");
    create.set_pipeline_id(id);
    create.mutable_options()->mutable_retention()->set_seconds(3'600);
    EXPECT_THAT(CreatePipeline(create, call_, server_->deps()), IsOk());
    return id;
  }

  void PushOne(const std::string& id, int n) {
    v1::PushRequest push;
    push.set_pipeline_id(id);
    push.mutable_inputs()->set_json_lines(absl::StrCat("{\"n\":", n, "}\n"));
    EXPECT_THAT(Push(push, call_, server_->deps()), IsOk());
  }

  void Close(const std::string& id) {
    v1::ClosePipelineRequest close;
    close.set_pipeline_id(id);
    EXPECT_THAT(ClosePipeline(close, call_, server_->deps()), IsOk());
  }

  std::string AllResults(const std::string& id) {
    v1::PullRequest pull;
    pull.set_pipeline_id(id);
    pull.set_max_chunks(100);
    const auto pulled = Pull(pull, call_, server_->deps());
    EXPECT_THAT(pulled, IsOk());
    std::string lines;
    for (const v1::ChunkResult& result : pulled->results()) lines += result.json_lines();
    return lines;
  }

  std::vector<std::string> Listed() {
    const auto list = ListJobs({}, call_, server_->deps());
    EXPECT_THAT(list, IsOk());
    std::vector<std::string> ids;
    for (const v1::Job& job : list->jobs()) ids.push_back(job.id());
    return ids;
  }

  /// Everything that tells of the job tells of no time that never was.
  void ExpectSoundNumbers(const std::string& id) {
    v1::GetJobStatisticsRequest statistics_of;
    statistics_of.set_job_id(id);
    ASSERT_OK_AND_ASSIGN(const auto statistics, GetJobStatistics(statistics_of, call_, server_->deps()));
    ExpectNoNegativeDuration(statistics);
    EXPECT_GE(statistics.average_records_per_second(), 0);
    EXPECT_GE(statistics.records_per_second(), 0);
    ExpectNotOver(statistics.has_eta_latest(), statistics.eta_latest(), statistics.response_time());
    v1::ExplainJobRequest explain;
    explain.set_job_id(id);
    ASSERT_OK_AND_ASSIGN(const auto explanation, ExplainJob(explain, call_, server_->deps()));
    ExpectNotOver(explanation.has_eta_earliest(), explanation.eta_earliest(), explanation.response_time());
    ExpectNotOver(explanation.has_eta_latest(), explanation.eta_latest(), explanation.response_time());
    v1::GetJobRequest get;
    get.set_job_id(id);
    ASSERT_OK_AND_ASSIGN(const auto job, GetJob(get, call_, server_->deps()));
    ExpectNoNegativeDuration(job);
    v1::ListJobEventsRequest events_of;
    events_of.set_job_id(id);
    ASSERT_OK_AND_ASSIGN(const auto events, ListJobEvents(events_of, call_, server_->deps()));
    EXPECT_GT(events.events_size(), 0);
    for (int i = 1; i < events.events_size(); ++i)
      EXPECT_EQ(events.events(i).number(), events.events(i - 1).number() + 1);
    for (const core::TenantTotals& tenant : server_->totals().Read()) {
      EXPECT_GE(tenant.oldest_wait, absl::ZeroDuration());
      EXPECT_GE(tenant.chunk_waits.sum, 0);
    }
  }

  static void ExpectNotOver(bool has_eta, const google::protobuf::Timestamp& eta,
                            const google::protobuf::Timestamp& now) {
    if (has_eta) {
      EXPECT_GE(eta.seconds(), now.seconds());
    }
  }

  const harness::TemporaryFolder folder_;
  model::ManualClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  const Call call_{.principal = {}, .request_time = clock_.Now()};
  std::unique_ptr<Server> server_ = std::make_unique<Server>(folder_.path(), clock_);
};

TEST_F(ClockJumpTest, WhatWasPushedBeforeRunsIsPulledAndListedAfterwards) {
  const std::string early = Create("early");
  PushOne(early, 1);
  PushOne(early, 2);
  SetBackADay();
  server_->StartWorkers();
  server_->AwaitCommitted(call_.job(early));
  EXPECT_EQ(AllResults(early), "{\"m\":1}\n{\"m\":2}\n");
  ExpectSoundNumbers(early);
  const std::string late = Create("late");
  EXPECT_THAT(Listed(), ::testing::ElementsAre(early, late)) << "newest first, as the clock tells it";

  SetBackADay();
  Restart();
  PushOne(early, 3);
  PushOne(late, 4);
  ExpectSoundNumbers(early);
  server_->StartWorkers();
  server_->AwaitCommitted(call_.job(early));
  server_->AwaitCommitted(call_.job(late));
  Close(early);
  Close(late);
  EXPECT_EQ(AllResults(early), "{\"m\":1}\n{\"m\":2}\n{\"m\":3}\n");
  EXPECT_EQ(AllResults(late), "{\"m\":4}\n");
  ExpectSoundNumbers(early);
  ExpectSoundNumbers(late);

  Restart();
  EXPECT_THAT(Listed(), ::testing::ElementsAre(early, late));
  const auto described = DescribePipelines({}, call_, server_->deps());
  ASSERT_THAT(described, IsOk());
  EXPECT_EQ(described->recent_pipelines_size(), 2);
  EXPECT_EQ(AllResults(early), "{\"m\":1}\n{\"m\":2}\n{\"m\":3}\n");
}

TEST_F(ClockJumpTest, AJobThatEndedBeforeIsKeptLongerAndNoLessThanItsRetention) {
  Close(Create("ended"));
  const absl::Time end = clock_.Now();
  SetBackADay();
  Restart();
  clock_.Advance(absl::Hours(2));
  const auto expired = [&](absl::Time now) { return server_->store().ListExpired(now, {}, 10)->size(); };
  EXPECT_EQ(expired(clock_.Now()), 0u);
  EXPECT_THAT(Listed(), ::testing::ElementsAre("ended"));
  EXPECT_EQ(DescribePipelines({}, call_, server_->deps())->recent_pipelines_size(), 1);
  EXPECT_EQ(expired(end + absl::Hours(1)), 1u);
}

}  // namespace
}  // namespace millrace::handlers
