#include "server/core/lease_hub.h"

#include <gtest/gtest.h>

#include <optional>
#include <thread>

namespace millrace::core {
namespace {

model::JobPtr JobWithChunks(int64_t chunks) {
  model::Job job;
  job.tenant = "default";
  job.id = "a";
  job.state = model::JobState::kInProgress;
  job.options.max_workers = 10;
  job.last_sequence = chunks;
  return std::make_shared<const model::Job>(job);
}

TEST(LeaseHubTest, ALeaseCarriesTheEpochOfTheStore) {
  LeaseHub hub(7);
  hub.OnJobChanged(JobWithChunks(1));
  const std::optional<Lease> lease = hub.Acquire();
  ASSERT_TRUE(lease.has_value());
  EXPECT_EQ(lease->epoch, 7);
  EXPECT_EQ(lease->sequence, 1);
}

TEST(LeaseHubTest, AWaitingWorkerWakesWhenAChunkIsPushed) {
  LeaseHub hub(1);
  std::optional<Lease> lease;
  std::thread worker([&] { lease = hub.Acquire(); });
  hub.OnJobChanged(JobWithChunks(1));
  worker.join();
  ASSERT_TRUE(lease.has_value());
  EXPECT_EQ(lease->sequence, 1);
}

TEST(LeaseHubTest, StopWakesWaitingWorkersEmptyHanded) {
  LeaseHub hub(1);
  std::optional<Lease> lease = Lease{};
  std::thread worker([&] { lease = hub.Acquire(); });
  hub.Stop();
  worker.join();
  EXPECT_FALSE(lease.has_value());
}

TEST(LeaseHubTest, NoLeaseIsGivenAfterStop) {
  LeaseHub hub(1);
  hub.OnJobChanged(JobWithChunks(1));
  hub.Stop();
  EXPECT_FALSE(hub.Acquire().has_value());
}

TEST(LeaseHubTest, IsIdleOnlyWhenEveryLeaseIsOver) {
  LeaseHub hub(1);
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

TEST(LeaseHubTest, AReturnedChunkIsLeasedAgain) {
  LeaseHub hub(1);
  hub.OnJobChanged(JobWithChunks(1));
  hub.Return(*hub.Acquire());
  const std::optional<Lease> again = hub.Acquire();
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->sequence, 1);
  EXPECT_EQ(again->attempt, 2);
}

}  // namespace
}  // namespace millrace::core
