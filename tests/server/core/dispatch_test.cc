#include "server/core/dispatch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "tests/server/core/scheduler_world.h"

namespace millrace::core {
namespace {

const absl::Time kStart = absl::UnixEpoch();

model::JobPtr Share(model::Job job) { return std::make_shared<const model::Job>(std::move(job)); }

/// How many chunks can start at `now`.
int Take(Scheduler& scheduler, absl::Time now) {
  int count = 0;
  while (scheduler.Next(now).has_value()) ++count;
  return count;
}

TEST(RampTest, TheWorkersOfAJobDoubleEachSecondFromItsFirstGrant) {
  Scheduler scheduler;
  model::Job job = EndlessJob("t", "a");
  job.options.initial_workers = 1;
  job.options.max_workers = 10;
  scheduler.OnJobChanged(Share(job), kStart);
  const absl::Time first = kStart + absl::Hours(1);
  EXPECT_EQ(Take(scheduler, first), 1);
  EXPECT_EQ(scheduler.NextWake(), first + absl::Seconds(1));
  EXPECT_EQ(Take(scheduler, first + absl::Milliseconds(999)), 0);
  EXPECT_EQ(Take(scheduler, first + absl::Seconds(1)), 1);
  EXPECT_EQ(Take(scheduler, first + absl::Seconds(2)), 2);
  EXPECT_EQ(Take(scheduler, first + absl::Seconds(3)), 4);
  EXPECT_EQ(Take(scheduler, first + absl::Seconds(4)), 2) << "max_workers";
  EXPECT_EQ(scheduler.NextWake(), absl::InfiniteFuture());
}

TEST(ThrottleTest, ChunksKeepTheirDistance) {
  Scheduler scheduler;
  model::Job job = EndlessJob("t", "a");
  job.options.throttle.delay_between_chunks = absl::Milliseconds(1'500);
  scheduler.OnJobChanged(Share(job), kStart);
  EXPECT_EQ(Take(scheduler, kStart), 1);
  EXPECT_EQ(scheduler.NextWake(), kStart + absl::Milliseconds(1'500));
  EXPECT_EQ(Take(scheduler, kStart + absl::Milliseconds(1'499)), 0);
  EXPECT_EQ(Take(scheduler, kStart + absl::Milliseconds(1'500)), 1);
}

TEST(ThrottleTest, NoChunkStartsWhileTheSizeOfAnotherIsUnknown) {
  Scheduler scheduler;
  model::Job job = EndlessJob("t", "a");
  job.options.throttle.records_per_second = 100;
  scheduler.OnJobChanged(Share(job), kStart);
  EXPECT_EQ(Take(scheduler, kStart), 1);
  EXPECT_EQ(Take(scheduler, kStart + absl::Hours(1)), 0);
  scheduler.OnSized(job.key(), 1, 200, kStart + absl::Seconds(1));
  EXPECT_EQ(scheduler.NextWake(), kStart + absl::Seconds(2)) << "200 records at 100 a second, from the start on";
  EXPECT_EQ(Take(scheduler, kStart + absl::Seconds(2)), 1) << "though the first one still runs";
}

TEST(ThrottleTest, AChunkThatCouldNotBeReadHoldsNothing) {
  Scheduler scheduler;
  model::Job job = EndlessJob("t", "a");
  job.options.throttle.records_per_second = 100;
  scheduler.OnJobChanged(Share(job), kStart);
  EXPECT_EQ(Take(scheduler, kStart), 1);
  scheduler.OnDone(job.key(), 1, kStart);
  EXPECT_EQ(Take(scheduler, kStart), 1);
}

TEST(ThrottleTest, TheRateIsKeptExactlyWhateverTheChunksAre) {
  const uint32_t seed = 20'261'121;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  constexpr double kRate = 100;
  Scheduler scheduler;
  model::Job job = EndlessJob("t", "a");
  job.options.throttle.records_per_second = kRate;
  scheduler.OnJobChanged(Share(job), kStart);
  absl::Time now = kStart;
  double records_before = 0;
  for (int64_t sequence = 1; sequence <= 1'000; ++sequence) {
    const std::optional<Grant> grant = scheduler.Next(now);
    ASSERT_TRUE(grant.has_value());
    ASSERT_NEAR(absl::ToDoubleSeconds(now - kStart), records_before / kRate, 1e-5) << "in chunk " << sequence;
    const int64_t records = std::uniform_int_distribution<int64_t>(1, 500)(random);
    scheduler.OnSized(job.key(), grant->sequence, records, now);
    // Some chunks run for longer than their share, beside the next ones.
    ASSERT_FALSE(scheduler.Next(now).has_value());
    if (sequence > 3) scheduler.OnDone(job.key(), sequence - 3, now);
    job.watermark = std::max<int64_t>(0, sequence - 3);
    scheduler.OnJobChanged(Share(job), now);
    records_before += static_cast<double>(records);
    now = scheduler.NextWake();
  }
}

TEST(SelectorTest, AJobThatWantsLabelsWaitsForWorkersThatHaveThem) {
  model::Job job = EndlessJob("t", "a");
  job.options.worker_selector = {{"dc", "dc1"}, {"node", "n7"}};
  for (const model::WorkerLabels& labels : {model::WorkerLabels{}, {{"dc", "dc1"}}, {{"dc", "dc2"}, {"node", "n7"}}}) {
    Scheduler scheduler(labels);
    scheduler.OnJobChanged(Share(job), kStart);
    EXPECT_EQ(Take(scheduler, kStart), 0) << model::WorkerLabelsText(labels);
    EXPECT_EQ(scheduler.NextWake(), absl::InfiniteFuture());
  }
  Scheduler scheduler({{"dc", "dc1"}, {"node", "n7"}, {"rack", "3"}});
  scheduler.OnJobChanged(Share(job), kStart);
  EXPECT_EQ(Take(scheduler, kStart), 1'000);
}

TEST(SelectorTest, AJobThatNoWorkerMatchesHoldsNobodyUp) {
  Scheduler scheduler(model::WorkerLabels{{"dc", "dc1"}});
  model::Job picky = EndlessJob("t", "a");
  picky.options.worker_selector = {{"dc", "dc2"}};
  picky.options.priority = 5;
  scheduler.OnJobChanged(Share(picky), kStart);
  scheduler.OnJobChanged(Share(EndlessJob("t", "b")), kStart);
  const std::optional<Grant> grant = scheduler.Next(kStart);
  ASSERT_TRUE(grant.has_value());
  EXPECT_EQ(grant->job->id, "b");
}

TEST(DispatchTest, AThousandJobsThatWaitForTimeAreEachServedAtTheirMoment) {
  Scheduler scheduler;
  for (int i = 0; i < 1'000; ++i) {
    model::Job job = EndlessJob("t", std::to_string(i));
    job.options.throttle.delay_between_chunks = absl::Seconds(1 + i);
    scheduler.OnJobChanged(Share(job), kStart);
  }
  EXPECT_EQ(Take(scheduler, kStart), 1'000);
  for (int i = 0; i < 1'000; ++i) {
    const absl::Time now = kStart + absl::Seconds(1 + i);
    ASSERT_EQ(scheduler.NextWake(), now);
    bool own = false;
    while (const std::optional<Grant> grant = scheduler.Next(now)) own |= grant->job->id == std::to_string(i);
    ASSERT_TRUE(own);
  }
}

}  // namespace
}  // namespace millrace::core
