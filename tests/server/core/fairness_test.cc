#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "server/core/fair_queue.h"
#include "tests/server/core/scheduler_world.h"

namespace millrace::core {
namespace {

constexpr int kRounds = 20;

/// Jobs whose chunks run between half and one and a half times of what is usual for the job.
class FairnessTest : public ::testing::TestWithParam<int> {
 protected:
  FairnessTest() : seed_(static_cast<uint32_t>(GetParam())), random_(seed_) {
    RecordProperty("seed", static_cast<int>(seed_));
  }

  int Random(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }

  absl::Duration RunTime(const std::string& id) {
    const absl::Duration usual = usual_[id];
    return usual * Random(500, 1'500) / 1'000;
  }

  const uint32_t seed_;
  std::mt19937 random_;
  std::map<std::string, absl::Duration> usual_;
};

TEST_P(FairnessTest, JobsShareByWeightWithinTheStatedBound) {
  SCOPED_TRACE(testing::Message() << "seed " << seed_);
  const int workers = Random(1, 8);
  SchedulerWorld world(workers, [&](const model::Job& job) { return RunTime(job.id); });
  std::vector<model::Job> jobs;
  for (int i = 0; i < Random(2, 6); ++i) {
    model::Job job = EndlessJob("t", std::to_string(i));
    job.options.weight = Random(1, 20);
    usual_[job.id] = absl::Milliseconds(Random(1, 100));
    jobs.push_back(job);
    world.SetJob(job);
  }
  std::map<std::string, double> got;
  for (int step = 0; step < 2'000; ++step) {
    ASSERT_TRUE(world.Step([&](const model::Job& job, absl::Duration ran) {
      got[job.id] += absl::ToDoubleSeconds(ran) / job.options.weight;
    }));
    for (const model::Job& a : jobs) {
      for (const model::Job& b : jobs) {
        const double chunk_a = 1.5 * absl::ToDoubleSeconds(usual_[a.id]) / a.options.weight;
        const double chunk_b = 1.5 * absl::ToDoubleSeconds(usual_[b.id]) / b.options.weight;
        ASSERT_LE(std::abs(got[a.id] - got[b.id]), (workers + 1) * (chunk_a + chunk_b))
            << a.id << " and " << b.id << " in step " << step << " with " << workers << " workers";
      }
    }
  }
}

TEST_P(FairnessTest, TenantsShareEvenlyHoweverManyJobsTheyHave) {
  SCOPED_TRACE(testing::Message() << "seed " << seed_);
  const int workers = Random(1, 8);
  SchedulerWorld world(workers, [&](const model::Job& job) { return RunTime(job.id); });
  for (const std::string tenant : {"few", "many"}) {
    for (int i = 0; i < (tenant == "few" ? 1 : Random(5, 30)); ++i) {
      model::Job job = EndlessJob(tenant, tenant + std::to_string(i));
      job.options.weight = Random(1, 20);
      job.options.priority = Random(-1, 1);
      usual_[job.id] = absl::Milliseconds(Random(1, 100));
      world.SetJob(job);
    }
  }
  std::map<std::string, double> got;
  for (int step = 0; step < 2'000; ++step) {
    ASSERT_TRUE(
        world.Step([&](const model::Job& job, absl::Duration ran) { got[job.tenant] += absl::ToDoubleSeconds(ran); }));
    ASSERT_LE(std::abs(got["few"] - got["many"]), (workers + 1) * 2 * 0.150) << "in step " << step;
  }
}

TEST_P(FairnessTest, WhoCanRunDoesRunHoweverTheOthersComeAndGo) {
  SCOPED_TRACE(testing::Message() << "seed " << seed_);
  const int workers = Random(1, 4);
  constexpr int kJobs = 10;
  SchedulerWorld world(workers, [&](const model::Job&) { return absl::Milliseconds(Random(5, 10)); });
  const model::Job steady = EndlessJob("t", "steady");
  world.SetJob(steady);
  for (int i = 0; i < kJobs; ++i) world.SetJob(EndlessJob("t", std::to_string(i)));
  int64_t steady_before = 0;
  int64_t others = 0;
  for (int step = 0; step < 5'000; ++step) {
    // Others pause, resume, and change what they may use.
    model::Job other = EndlessJob("t", std::to_string(Random(0, kJobs - 1)));
    if (Random(0, 1) == 0) other.state = model::JobState::kPaused;
    other.options.max_workers = Random(1, 3);
    world.SetJob(other);
    ASSERT_TRUE(world.Step());
    const int64_t now = world.grants[steady.key()];
    others = now == steady_before ? others + 1 : 0;
    steady_before = now;
    // Each other job may run two chunks for one of twice the length, and one more for each worker.
    ASSERT_LE(others, kJobs * 2 + (workers + 1) * 2) << "in step " << step;
  }
}

TEST_P(FairnessTest, APauseSavesUpNoShare) {
  SCOPED_TRACE(testing::Message() << "seed " << seed_);
  SchedulerWorld world(1, [&](const model::Job& job) { return RunTime(job.id); });
  usual_ = {{"a", absl::Milliseconds(10)}, {"b", absl::Milliseconds(10)}};
  world.SetJob(EndlessJob("t", "a"));
  model::Job late = EndlessJob("t", "b");
  late.state = model::JobState::kPaused;
  world.SetJob(late);
  for (int step = 0; step < 1'000; ++step) ASSERT_TRUE(world.Step());
  late.state = model::JobState::kInProgress;
  world.SetJob(late);
  world.grants.clear();
  for (int step = 0; step < 100; ++step) ASSERT_TRUE(world.Step());
  EXPECT_NEAR(static_cast<double>(world.grants[late.key()]), 50, 10);
}

TEST_P(FairnessTest, TheSameCallsGiveTheSameGrants) {
  const auto run = [this] {
    random_.seed(seed_);
    SchedulerWorld world(3, [&](const model::Job&) { return absl::Milliseconds(Random(1, 50)); });
    for (int i = 0; i < 10; ++i) {
      model::Job job = EndlessJob("t" + std::to_string(i % 3), std::to_string(i));
      job.options.weight = Random(1, 5);
      if (i % 2 == 0) job.options.throttle.delay_between_chunks = absl::Milliseconds(Random(1, 50));
      world.SetJob(job);
    }
    for (int step = 0; step < 500; ++step) EXPECT_TRUE(world.Step());
    return world.grants;
  };
  EXPECT_EQ(run(), run()) << "seed " << seed_;
}

INSTANTIATE_TEST_SUITE_P(Seeds, FairnessTest, ::testing::Range(1, kRounds + 1),
                         [](const auto& round) { return "Seed" + std::to_string(round.param); });

TEST(FairQueueTest, AServiceThatWasChargedTooMuchIsPaidBack) {
  FairQueue queue;
  FairQueue::Flow a, b;
  queue.Join(a);
  queue.Join(b);
  const FairQueue::Charge charge = queue.Serve(a, 1'000);
  EXPECT_EQ(queue.Front(), &b);
  queue.Serve(b, 100);
  EXPECT_EQ(queue.Front(), &b) << "as far as is known a had more";
  queue.Settle(a, charge, 50);
  EXPECT_EQ(queue.Front(), &a);
  EXPECT_EQ(queue.Ahead(b), 1);
}

TEST(FairQueueTest, ARefundFromBeforeAPauseIsVoid) {
  FairQueue queue;
  FairQueue::Flow a, b;
  queue.Join(a);
  queue.Join(b);
  const FairQueue::Charge charge = queue.Serve(a, 1'000);
  queue.Leave(a);
  for (int i = 0; i < 20; ++i) queue.Serve(b, 100);
  queue.Join(a);
  const int64_t tag = a.tag;
  queue.Settle(a, charge, 1);
  EXPECT_EQ(a.tag, tag);
}

TEST(PriorityTest, ALowerPriorityStartsOnlyWhileNoHigherOneCan) {
  Scheduler scheduler;
  const absl::Time now = absl::UnixEpoch();
  model::Job low = EndlessJob("t", "low");
  low.options.priority = -1;
  model::Job high = EndlessJob("t", "high");
  high.options.max_workers = 2;
  high.options.initial_workers = 2;
  for (const model::Job& job : {low, high}) scheduler.OnJobChanged(std::make_shared<const model::Job>(job), now);
  EXPECT_EQ(scheduler.Next(now)->job->id, "high");
  EXPECT_EQ(scheduler.Next(now)->job->id, "high");
  EXPECT_EQ(scheduler.Next(now)->job->id, "low");
  scheduler.OnRan(high.key(), 1, now);
  EXPECT_EQ(scheduler.Next(now)->job->id, "high");

  low.options.priority = 1;
  scheduler.OnJobChanged(std::make_shared<const model::Job>(low), now);
  scheduler.OnRan(high.key(), 2, now);
  EXPECT_EQ(scheduler.Next(now)->job->id, "low") << "a new priority holds from the next grant on";
}

}  // namespace
}  // namespace millrace::core
