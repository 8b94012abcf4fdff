#include "server/metrics/collector.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/store/model_job_store.h"

namespace millrace::metrics {
namespace {

class CollectorTest : public ::testing::Test {
 protected:
  const prometheus::MetricFamily& Family(const std::string& name) {
    families_ = Collector({.calls = calls_,
                           .jobs = totals_,
                           .leases = leases_,
                           .store = *store_,
                           .webhooks = webhooks_,
                           .schedules = schedules_,
                           .workers = 2,
                           .start_time = clock_.Now()})
                    .Collect();
    for (const prometheus::MetricFamily& family : families_) {
      if (family.name == name) return family;
    }
    ADD_FAILURE() << "no family " << name;
    return families_.front();
  }

  model::ManualClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  core::CallLedger calls_;
  core::JobTotals totals_{&clock_};
  core::WebhookCounts webhooks_;
  core::ScheduleCounts schedules_;
  core::LeaseHub leases_{1, clock_};
  std::unique_ptr<store::JobStore> store_ = store::MakeModelJobStore(&clock_);
  std::vector<prometheus::MetricFamily> families_;
};

TEST_F(CollectorTest, EachFamilyHasItsNameOnceAndAHelpText) {
  Family("millrace_build_info");
  std::set<std::string> names;
  for (const prometheus::MetricFamily& family : families_) {
    EXPECT_TRUE(names.insert(family.name).second) << family.name;
    EXPECT_FALSE(family.help.empty()) << family.name;
    const bool counts = family.name.size() > 6 && family.name.substr(family.name.size() - 6) == "_total";
    EXPECT_EQ(counts, family.type == prometheus::MetricType::Counter) << family.name;
  }
}

TEST_F(CollectorTest, TenantsAndMethodsThatCallersMakeUpDoNotMakeMoreSeries) {
  const auto add = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      calls_.Answered(absl::StrCat("m", i), absl::StatusCode::kOk, absl::ZeroDuration());
      model::Job job;
      job.tenant = absl::StrCat("t", i);
      job.id = "j";
      totals_.OnJobChanged(std::make_shared<const model::Job>(job));
    }
  };
  add(0, 1'000);
  const size_t chunk_series = Family("millrace_chunks_total").metric.size();
  const size_t call_series = Family("millrace_calls_total").metric.size();
  EXPECT_EQ(chunk_series, 5 * (core::JobTotals::kTenantsMax + 1));
  EXPECT_EQ(Family("millrace_chunk_wait_seconds").metric.size(), core::JobTotals::kTenantsMax + 1);
  EXPECT_EQ(call_series, core::CallLedger::kMethodsMax + 1);
  add(1'000, 2'000);
  EXPECT_EQ(Family("millrace_chunks_total").metric.size(), chunk_series);
  EXPECT_EQ(Family("millrace_calls_total").metric.size(), call_series);
}

TEST_F(CollectorTest, SchedulesAreCountedByState) {
  schedules_.skipped = 3;
  schedules_.paused = 2;
  schedules_.next_fire_seconds = 1'700'000'060;
  const std::vector<prometheus::ClientMetric> runs = Family("millrace_schedule_runs_total").metric;
  ASSERT_EQ(runs.size(), 4u);
  EXPECT_EQ(runs[2].label.front().value, "skipped");
  EXPECT_EQ(runs[2].counter.value, 3);
  EXPECT_EQ(Family("millrace_schedules").metric[1].gauge.value, 2);
  EXPECT_EQ(Family("millrace_schedule_next_fire_time_seconds").metric.front().gauge.value, 1'700'000'060);
}

TEST_F(CollectorTest, WaitsAndBuffersAreShownByTenant) {
  model::Job job;
  job.tenant = "acme";
  job.id = "j";
  job.options.input_buffer_bytes = 500;
  job.options.output_buffer_bytes = 200;
  totals_.OnJobChanged(std::make_shared<const model::Job>(job));
  totals_.OnChunkStarted(job, clock_.Now() - absl::Seconds(2));
  const prometheus::ClientMetric wait = Family("millrace_chunk_wait_seconds").metric.front();
  EXPECT_EQ(wait.label.front().value, "acme");
  EXPECT_EQ(wait.histogram.sample_count, 1u);
  EXPECT_EQ(wait.histogram.sample_sum, 2);
  EXPECT_EQ(Family("millrace_input_buffer_allocated_bytes").metric.front().gauge.value, 500);
  EXPECT_EQ(Family("millrace_output_buffer_allocated_bytes").metric.front().gauge.value, 200);
}

TEST_F(CollectorTest, BucketsAreCumulativeAndEndWithInfinity) {
  calls_.Answered("m", absl::StatusCode::kOk, absl::Milliseconds(2));
  calls_.Answered("m", absl::StatusCode::kOk, absl::Seconds(100));
  const prometheus::ClientMetric::Histogram histogram = Family("millrace_call_seconds").metric.front().histogram;
  EXPECT_EQ(histogram.sample_count, 2u);
  EXPECT_EQ(histogram.bucket.front().cumulative_count, 0u);
  EXPECT_EQ(histogram.bucket[2].cumulative_count, 1u) << "2 ms lie below 2.5 ms";
  EXPECT_EQ(histogram.bucket.back().cumulative_count, 2u);
  EXPECT_TRUE(std::isinf(histogram.bucket.back().upper_bound));
}

TEST_F(CollectorTest, WhatWebhooksWereToldIsCounted) {
  webhooks_.delivered = 3;
  webhooks_.failed_attempts = 5;
  webhooks_.given_up = 1;
  webhooks_.waiting = 2;
  EXPECT_EQ(Family("millrace_webhook_attempts_total").metric.at(0).counter.value, 3);
  EXPECT_EQ(Family("millrace_webhook_attempts_total").metric.at(1).counter.value, 5);
  EXPECT_EQ(Family("millrace_webhooks_given_up_total").metric.at(0).counter.value, 1);
  EXPECT_EQ(Family("millrace_webhooks_waiting").metric.at(0).gauge.value, 2);
}

}  // namespace
}  // namespace millrace::metrics
