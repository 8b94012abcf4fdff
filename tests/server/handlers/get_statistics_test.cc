#include <gmock/gmock.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "storage/model/limits.h"
#include "tests/server/handlers/handlers_fixture.h"

namespace millrace::handlers {
namespace {

using testing::IsOk;

class GetStatisticsTest : public HandlersFixture {
 protected:
  GetStatisticsTest() { CreateService(); }

  std::string Create(const std::string& service = "demo/doubler", const std::string& project = "") {
    v1::CreatePipelineRequest request;
    request.set_service(service);
    request.mutable_metadata()->set_project(project);
    clock_.Advance(absl::Seconds(1));
    return CreatePipeline(request, call_, deps_)->id();
  }

  v1::GetStatisticsResponse Statistics(const v1::GetStatisticsRequest& request = {}) {
    const auto response = GetStatistics(request, call_, deps_);
    EXPECT_THAT(response, IsOk());
    return response.value_or(v1::GetStatisticsResponse());
  }
};

TEST_F(GetStatisticsTest, CountsJobsByStateOutcomeAndServiceAndTheirRecords) {
  CreateService("{service: demo/other, version: 1.0.0, inputs: {n: {}}, nodes: {m: {lua: n}}, outputs: [m]}");
  const std::string done = Create();
  ASSERT_THAT(PushLines(done, "{\"n\":1}\n{\"n\":\"x\"}\n{\"n\":2}\n"), IsOk());
  StartWorkers();
  AwaitCommitted(done);
  ASSERT_THAT(store_->CloseJob(call_.job(done)), IsOk());
  Create();
  ASSERT_THAT(store_->CancelJob(call_.job(Create("demo/other")), "", false), IsOk());

  const v1::GetStatisticsResponse all = Statistics();
  EXPECT_EQ(all.jobs(), 3);
  EXPECT_EQ(all.jobs_active(), 1);
  ASSERT_EQ(all.states_size(), 3);
  EXPECT_EQ(all.states(0).state(), v1::JOB_STATE_CREATED);
  EXPECT_EQ(all.states(1).state(), v1::JOB_STATE_COMPLETED);
  EXPECT_EQ(all.states(2).state(), v1::JOB_STATE_CANCELLED);
  ASSERT_EQ(all.outcomes_size(), 1);
  EXPECT_EQ(all.outcomes(0).outcome(), v1::OUTCOME_PARTIAL);
  EXPECT_EQ(all.outcomes(0).jobs(), 1);
  ASSERT_EQ(all.services_size(), 2);
  EXPECT_EQ(all.services(0).service(), "demo/doubler");
  EXPECT_EQ(all.services(0).jobs(), 2);
  EXPECT_EQ(all.services(0).jobs_active(), 1);
  EXPECT_EQ(all.services(1).service(), "demo/other");
  EXPECT_EQ(all.records().submitted(), 3);
  EXPECT_EQ(all.records().completed(), 2);
  EXPECT_EQ(all.records().failed(), 1);
  EXPECT_EQ(all.recent_jobs_size(), 3);
  EXPECT_EQ(all.recent_jobs(2).id(), done);
  EXPECT_FALSE(all.partial());
}

TEST_F(GetStatisticsTest, FiltersByProjectAndTime) {
  Create("demo/doubler", "pricing");
  Create("demo/doubler", "risk");
  const std::string last = Create("demo/doubler", "pricing");
  v1::GetStatisticsRequest request;
  request.set_project("pricing");
  EXPECT_EQ(Statistics(request).jobs(), 2);
  request.mutable_create_time_from()->set_seconds(absl::ToUnixSeconds(clock_.Now()));
  const v1::GetStatisticsResponse recent = Statistics(request);
  EXPECT_EQ(recent.jobs(), 1);
  ASSERT_EQ(recent.recent_jobs_size(), 1);
  EXPECT_EQ(recent.recent_jobs(0).id(), last);
  EXPECT_FALSE(recent.partial());
  *request.mutable_create_time_before() = request.create_time_from();
  EXPECT_EQ(Statistics(request).jobs(), 0);
}

TEST_F(GetStatisticsTest, TheNewestTenAndTheLargestHundredAreShown) {
  for (int i = 0; i < 101; ++i) {
    const std::string service = absl::StrCat("demo/s", 1'000 + i);
    CreateService(
        absl::StrCat("{service: ", service, ", version: 1.0.0, inputs: {n: {}}, nodes: {m: {lua: n}}, outputs: [m]}"));
    Create(service);
  }
  Create("demo/s1100");
  const v1::GetStatisticsResponse all = Statistics();
  EXPECT_EQ(all.services_total(), 101);
  ASSERT_EQ(all.services_size(), 100);
  EXPECT_EQ(all.services(0).service(), "demo/s1100");
  EXPECT_EQ(all.services(1).service(), "demo/s1000");
  EXPECT_EQ(all.jobs(), 102);
  EXPECT_EQ(all.recent_jobs_size(), 10);
}

/// Time passes with each look at it.
class HastyClock final : public model::Clock {
 public:
  absl::Time Now() const override { return absl::UnixEpoch(); }
  int64_t SteadyNanos() const override { return nanos_ += absl::ToInt64Nanoseconds(model::kStatisticsTimeMax); }
  void WaitUntil(std::condition_variable_any&, absl::Mutex&, int64_t) const override {}

 private:
  mutable int64_t nanos_ = 0;
};

TEST_F(GetStatisticsTest, WhatThereWasNoTimeForIsSaid) {
  std::string oldest_counted;
  for (int i = 0; i <= model::kPageSizeMax; ++i) {
    const std::string id = Create("demo/doubler", "pricing");
    if (i == 1) oldest_counted = id;
  }
  const HastyClock hasty;
  const Deps deps{.store = *store_, .leases = hub_, .compiler = *compiler_, .clock = hasty, .ids = ids_, .server = {}};
  v1::GetStatisticsRequest request;
  request.set_project("pricing");
  ASSERT_OK_AND_ASSIGN(const v1::GetStatisticsResponse some, GetStatistics(request, call_, deps));
  EXPECT_TRUE(some.partial());
  EXPECT_EQ(some.jobs(), model::kPageSizeMax);
  const model::JobPtr oldest = *store_->GetJob(call_.job(oldest_counted));
  EXPECT_EQ(some.complete_from().seconds(), absl::ToUnixSeconds(oldest->create_time));
  ASSERT_OK_AND_ASSIGN(const v1::GetStatisticsResponse all, GetStatistics({}, call_, deps));
  EXPECT_FALSE(all.partial());
  EXPECT_EQ(all.jobs(), model::kPageSizeMax + 1);
}

TEST_F(GetStatisticsTest, BadFiltersAreRefusedByField) {
  v1::GetStatisticsRequest request;
  request.set_project(std::string(1'025, 'x'));
  EXPECT_EQ(FieldOf(GetStatistics(request, call_, deps_).status()), "project");
  request.clear_project();
  request.mutable_create_time_from()->set_nanos(-1);
  EXPECT_EQ(FieldOf(GetStatistics(request, call_, deps_).status()), "create_time_from");
}

}  // namespace
}  // namespace millrace::handlers
