#include "server/core/lease_hub.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <thread>

#include "storage/model/built_in.h"

namespace millrace::core {
namespace {

model::JobPtr JobWithChunks(int64_t chunks) {
  model::Job job;
  job.tenant = "default";
  job.id = "a";
  job.state = model::JobState::kInProgress;
  job.options.max_workers = 10;
  job.options.initial_workers = 10;
  job.last_sequence = chunks;
  return std::make_shared<const model::Job>(job);
}

TEST(LeaseHubTest, ALeaseCarriesTheEpochOfTheStore) {
  model::ManualClock clock{absl::UnixEpoch()};
  LeaseHub hub(7, clock);
  hub.OnJobChanged(JobWithChunks(1));
  const std::optional<Lease> lease = hub.Acquire();
  ASSERT_TRUE(lease.has_value());
  EXPECT_EQ(lease->epoch, 7);
  EXPECT_EQ(lease->sequence, 1);
}

TEST(LeaseHubTest, LeasesAreGivenForTheLabelsOfTheWorkers) {
  model::ManualClock clock{absl::UnixEpoch()};
  LeaseHub hub(1, clock, {{"site", "paris"}});
  model::Job elsewhere = *JobWithChunks(1);
  elsewhere.id = "elsewhere";
  elsewhere.options.worker_selector = {{"site", "berlin"}};
  model::Job here = *JobWithChunks(1);
  here.id = "here";
  here.options.worker_selector = {{"site", "paris"}};
  hub.OnJobChanged(std::make_shared<const model::Job>(elsewhere));
  hub.OnJobChanged(std::make_shared<const model::Job>(here));
  const std::optional<Lease> lease = hub.Acquire();
  ASSERT_TRUE(lease.has_value());
  EXPECT_EQ(lease->job->id, "here");
  EXPECT_EQ(hub.Explain(std::make_shared<const model::Job>(elsewhere), 0, false).worker_labels,
            (model::WorkerLabels{{"site", "paris"}}));
}

TEST(LeaseHubTest, AWaitingWorkerWakesWhenAChunkIsPushed) {
  model::ManualClock clock{absl::UnixEpoch()};
  LeaseHub hub(1, clock);
  std::optional<Lease> lease;
  std::thread worker([&] { lease = hub.Acquire(); });
  hub.OnJobChanged(JobWithChunks(1));
  worker.join();
  ASSERT_TRUE(lease.has_value());
  EXPECT_EQ(lease->sequence, 1);
}

TEST(LeaseHubTest, AJobThatIsKeptBackStartsWhenNobodyKeepsItBackAnyMore) {
  model::ManualClock clock{absl::UnixEpoch()};
  LeaseHub hub(1, clock);
  const model::JobPtr job = JobWithChunks(2);
  auto first = std::make_unique<LeaseHub::KeptBack>(hub, *job);
  auto second = std::make_unique<LeaseHub::KeptBack>(hub, *job);
  // It was not known when it was kept back, as one that had ended.
  hub.OnJobChanged(job);
  first.reset();
  hub.Nudge(LeaseKind::kNodes);
  EXPECT_FALSE(hub.Acquire().has_value());
  std::optional<Lease> lease;
  std::thread worker([&] { lease = hub.Acquire(); });
  second.reset();
  worker.join();
  ASSERT_TRUE(lease.has_value());
  EXPECT_EQ(lease->sequence, 1);
  {
    const LeaseHub::KeptBack again(hub, *job);
    hub.Nudge(LeaseKind::kNodes);
    EXPECT_FALSE(hub.Acquire().has_value());
  }
  EXPECT_EQ(hub.Acquire()->sequence, 2);
}

TEST(LeaseHubTest, StopWakesWaitingWorkersEmptyHanded) {
  model::ManualClock clock{absl::UnixEpoch()};
  LeaseHub hub(1, clock);
  std::optional<Lease> lease = Lease{};
  std::thread worker([&] { lease = hub.Acquire(); });
  hub.Stop();
  worker.join();
  EXPECT_FALSE(lease.has_value());
}

TEST(LeaseHubTest, NoLeaseIsGivenAfterStop) {
  model::ManualClock clock{absl::UnixEpoch()};
  LeaseHub hub(1, clock);
  hub.OnJobChanged(JobWithChunks(1));
  hub.Stop();
  EXPECT_FALSE(hub.Acquire().has_value());
}

TEST(LeaseHubTest, AJobIsKnownUntilItsEndIsHeardAndItsLastLeaseIsOver) {
  model::ManualClock clock{absl::UnixEpoch()};
  for (const bool leased : {false, true}) {
    LeaseHub hub(1, clock);
    const model::JobPtr job = JobWithChunks(1);
    EXPECT_FALSE(hub.knows(job->key()));
    hub.OnJobChanged(job);
    EXPECT_TRUE(hub.knows(job->key()));
    std::optional<Lease> lease;
    if (leased) lease = hub.Acquire();
    model::Job ended = *job;
    ended.state = model::JobState::kCancelled;
    ended.cancel_mode = model::CancelMode::kDrain;
    hub.OnJobChanged(std::make_shared<const model::Job>(ended));
    EXPECT_EQ(hub.knows(job->key()), leased);
    if (lease.has_value()) hub.Return(*lease, absl::Hours(1));
    EXPECT_FALSE(hub.knows(job->key()));
    // A late word of a job that has ended, as a webhook that is given up.
    ended.last_event += 1;
    hub.OnJobChanged(std::make_shared<const model::Job>(ended));
    EXPECT_FALSE(hub.knows(job->key()));
  }
}

TEST(LeaseHubTest, IsIdleOnlyWhenEveryLeaseIsOver) {
  model::ManualClock clock{absl::UnixEpoch()};
  LeaseHub hub(1, clock);
  hub.OnJobChanged(JobWithChunks(2));
  const Lease first = *hub.Acquire();
  const Lease second = *hub.Acquire();
  hub.Ran(first);
  EXPECT_EQ(hub.running(first.job->key()), 1);
  EXPECT_EQ(hub.in_flight(first.job->key()), 2);
  EXPECT_FALSE(hub.AwaitIdle(absl::ZeroDuration()));
  hub.Done(first);
  hub.Done(second);
  EXPECT_TRUE(hub.AwaitIdle(absl::ZeroDuration()));
}

TEST(LeaseHubTest, NoChunkRunsOnceAllHaveRunThoughOutcomesWait) {
  model::ManualClock clock{absl::UnixEpoch()};
  LeaseHub hub(1, clock);
  hub.OnJobChanged(JobWithChunks(1));
  const Lease lease = *hub.Acquire();
  EXPECT_FALSE(hub.AwaitRan(absl::ZeroDuration()));
  hub.Ran(lease);
  EXPECT_TRUE(hub.AwaitRan(absl::ZeroDuration()));
  EXPECT_FALSE(hub.AwaitIdle(absl::ZeroDuration()));
}

TEST(LeaseHubTest, AReturnedChunkIsLeasedAgainWhenItsBackoffIsOver) {
  model::ManualClock clock{absl::UnixEpoch()};
  LeaseHub hub(1, clock);
  hub.OnJobChanged(JobWithChunks(2));
  hub.Return(*hub.Acquire(), absl::Seconds(10));
  EXPECT_EQ(hub.Acquire()->sequence, 2) << "others go on";
  std::optional<Lease> again;
  std::thread worker([&] { again = hub.Acquire(); });
  clock.Advance(absl::Seconds(10));
  worker.join();
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->sequence, 1);
  EXPECT_EQ(again->attempt, 2);
}

TEST(LeaseHubTest, TheEndOfTheLastLeaseOfAJobIsTold) {
  model::ManualClock clock{absl::UnixEpoch()};
  LeaseHub hub(1, clock);
  int told = 0;
  hub.SetIdleListener([&](const model::JobKey& job) {
    EXPECT_EQ(job.job_id, "a");
    EXPECT_EQ(hub.in_flight(job), 0);
    ++told;
  });
  hub.OnJobChanged(JobWithChunks(2));
  const std::optional<Lease> first = hub.Acquire();
  const std::optional<Lease> second = hub.Acquire();
  hub.Done(*first);
  EXPECT_EQ(told, 0);
  hub.Done(*second);
  EXPECT_EQ(told, 1);
}

TEST(LeaseHubTest, TheEndOfTheLastLeaseIsToldAlsoWhereTheChunkIsHandedBack) {
  model::ManualClock clock{absl::UnixEpoch()};
  LeaseHub hub(1, clock);
  int told = 0;
  hub.SetIdleListener([&](const model::JobKey& /*job*/) { ++told; });
  model::Job job = *JobWithChunks(2);
  job.options.ordering_key = "k";
  hub.OnJobChanged(std::make_shared<const model::Job>(job));
  const std::optional<Lease> first = hub.Acquire();
  ASSERT_TRUE(hub.MayRun(*first, {7}));
  const std::optional<Lease> second = hub.Acquire();
  ASSERT_FALSE(hub.MayRun(*second, {7}));
  job.state = model::JobState::kCancelled;
  hub.OnJobChanged(std::make_shared<const model::Job>(job));
  hub.Return(*first, absl::Seconds(1));
  EXPECT_EQ(told, 0);
  hub.Park(*second);
  EXPECT_EQ(told, 1);
  EXPECT_EQ(hub.in_flight(), 0);
}

TEST(LeaseHubTest, AnOutcomeThatCannotBeStoredPausesEveryChunk) {
  model::ManualClock clock{absl::UnixEpoch()};
  LeaseHub hub(1, clock);
  hub.OnJobChanged(JobWithChunks(2));
  hub.Return(*hub.Acquire());
  std::optional<Lease> again;
  int64_t at = 0;
  std::thread worker([&] {
    again = hub.Acquire();
    at = clock.SteadyNanos();
  });
  clock.Advance(LeaseHub::kPauseAfterReturn - absl::Nanoseconds(1));
  clock.Advance(absl::Nanoseconds(1));
  worker.join();
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->sequence, 1);
  EXPECT_EQ(again->attempt, 2);
  EXPECT_EQ(at, absl::ToInt64Nanoseconds(LeaseHub::kPauseAfterReturn));
}

model::JobPtr BulkRun() {
  model::Job job = *JobWithChunks(2);
  job.id = "bulk";
  job.service = model::kJobsService;
  job.options.max_workers = 1;
  job.options.initial_workers = 1;
  return std::make_shared<const model::Job>(job);
}

TEST(LeaseHubTest, ChunksOfABulkRunAreLeasedApartAndKeepNoWorkerBusy) {
  model::ManualClock clock{absl::UnixEpoch()};
  LeaseHub hub(1, clock);
  hub.OnJobChanged(BulkRun());
  hub.OnJobChanged(JobWithChunks(1));
  EXPECT_EQ(hub.Acquire()->job->id, "a");
  const std::optional<Lease> bulk = hub.Acquire(LeaseKind::kJobs);
  ASSERT_TRUE(bulk.has_value());
  EXPECT_EQ(bulk->job->id, "bulk");
  EXPECT_EQ(hub.running(), 1);
  EXPECT_EQ(hub.running(bulk->job->key()), 1) << "and counts for max_workers of its job";
  EXPECT_EQ(hub.in_flight(), 2);
  const Standing standing = hub.Explain(bulk->job, 0, false);
  EXPECT_EQ(standing.verdict.hold, Hold::kMaxWorkersReached);
  EXPECT_EQ(standing.workers_busy, 1);
  EXPECT_FALSE(hub.AwaitIdle(absl::ZeroDuration()));
  hub.Done(*bulk);
  EXPECT_EQ(hub.Acquire(LeaseKind::kJobs)->sequence, 2);
}

TEST(LeaseHubTest, ANudgeLetsOneReturnEmptyHandedNowOrLater) {
  model::ManualClock clock{absl::UnixEpoch()};
  LeaseHub hub(1, clock);
  hub.Nudge(LeaseKind::kJobs);
  EXPECT_FALSE(hub.Acquire(LeaseKind::kJobs).has_value());
  std::optional<Lease> lease = Lease{};
  std::thread waiting([&] { lease = hub.Acquire(LeaseKind::kJobs); });
  hub.Nudge(LeaseKind::kJobs);
  waiting.join();
  EXPECT_FALSE(lease.has_value());
  hub.OnJobChanged(BulkRun());
  EXPECT_TRUE(hub.Acquire(LeaseKind::kJobs).has_value());
}

}  // namespace
}  // namespace millrace::core
