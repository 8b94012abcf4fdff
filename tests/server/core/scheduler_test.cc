#include "server/core/scheduler.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "storage/model/limits.h"

namespace millrace::core {
namespace {

const absl::Time kStart = absl::UnixEpoch();

model::Job RunningJob(const std::string& id, int64_t chunks) {
  model::Job job;
  job.tenant = "default";
  job.id = id;
  job.state = model::JobState::kInProgress;
  job.options.max_workers = 100;
  job.options.initial_workers = 100;
  job.last_sequence = chunks;
  return job;
}

model::JobPtr Share(model::Job job) { return std::make_shared<const model::Job>(std::move(job)); }

/// The next grants as `job:sequence`, until nothing can run or `count` is reached.
std::vector<std::string> Take(Scheduler& scheduler, int count, absl::Time now = kStart) {
  std::vector<std::string> grants;
  while (count-- > 0) {
    const std::optional<Grant> grant = scheduler.Next(now);
    if (!grant.has_value()) break;
    grants.push_back(grant->job->id + ":" + std::to_string(grant->sequence));
  }
  return grants;
}

using Grants = std::vector<std::string>;

TEST(SchedulerTest, ChunksOfAJobRunInPushOrder) {
  Scheduler scheduler;
  scheduler.OnJobChanged(Share(RunningJob("a", 3)), kStart);
  EXPECT_EQ(Take(scheduler, 10), (Grants{"a:1", "a:2", "a:3"}));
}

TEST(SchedulerTest, JobsTakeTurns) {
  Scheduler scheduler;
  scheduler.OnJobChanged(Share(RunningJob("a", 3)), kStart);
  scheduler.OnJobChanged(Share(RunningJob("b", 2)), kStart);
  EXPECT_EQ(Take(scheduler, 10), (Grants{"a:1", "b:1", "a:2", "b:2", "a:3"}));
}

TEST(SchedulerTest, DispatchBeginsBehindTheWatermark) {
  Scheduler scheduler;
  model::Job job = RunningJob("a", 10);
  job.watermark = 8;
  scheduler.OnJobChanged(Share(job), kStart);
  EXPECT_EQ(Take(scheduler, 10), (Grants{"a:9", "a:10"}));
}

TEST(SchedulerTest, DispatchStaysWithinTheWindowBehindTheWatermark) {
  Scheduler scheduler;
  model::Job job = RunningJob("a", 5 * model::kDispatchWindowChunks);
  job.options.max_workers = model::kJobWorkersMax;
  job.options.initial_workers = model::kJobWorkersMax;
  scheduler.OnJobChanged(Share(job), kStart);
  EXPECT_EQ(Take(scheduler, 1'000'000).size(), static_cast<size_t>(model::kDispatchWindowChunks));
  job.watermark = 1;
  scheduler.OnJobChanged(Share(job), kStart);
  EXPECT_EQ(Take(scheduler, 10), (Grants{"a:" + std::to_string(model::kDispatchWindowChunks + 1)}));
}

TEST(SchedulerTest, OnlyStatesThatMayDispatchDo) {
  for (const model::JobState state : {model::JobState::kCreated, model::JobState::kPaused, model::JobState::kCompleted,
                                      model::JobState::kFailed, model::JobState::kCancelled}) {
    Scheduler scheduler;
    model::Job job = RunningJob("a", 3);
    job.state = state;
    scheduler.OnJobChanged(Share(job), kStart);
    EXPECT_FALSE(scheduler.Next(kStart).has_value()) << static_cast<int>(state);
  }
  for (const model::JobState state :
       {model::JobState::kInProgress, model::JobState::kClosed, model::JobState::kClosedByTimeout}) {
    Scheduler scheduler;
    model::Job job = RunningJob("a", 3);
    job.state = state;
    scheduler.OnJobChanged(Share(job), kStart);
    EXPECT_TRUE(scheduler.Next(kStart).has_value()) << static_cast<int>(state);
  }
}

TEST(SchedulerTest, AJobRunsNoMoreChunksThanItsWorkers) {
  Scheduler scheduler;
  model::Job job = RunningJob("a", 10);
  job.options.max_workers = 2;
  scheduler.OnJobChanged(Share(job), kStart);
  EXPECT_EQ(Take(scheduler, 10), (Grants{"a:1", "a:2"}));
  EXPECT_EQ(scheduler.running(job.key()), 2);
  scheduler.OnRan(job.key(), 1, kStart);
  EXPECT_EQ(Take(scheduler, 10), (Grants{"a:3"})) << "a chunk that waits for its commit needs no worker";
}

TEST(SchedulerTest, AJobWithOneWorkerStartsAChunkWhenTheOneBeforeIsCommitted) {
  Scheduler scheduler;
  model::Job job = RunningJob("a", 10);
  job.options.max_workers = 1;
  scheduler.OnJobChanged(Share(job), kStart);
  EXPECT_EQ(Take(scheduler, 10), (Grants{"a:1"}));
  scheduler.OnRan(job.key(), 1, kStart);
  EXPECT_EQ(Take(scheduler, 10), (Grants{}));
  scheduler.OnDone(job.key(), 1, kStart);
  EXPECT_EQ(Take(scheduler, 10), (Grants{"a:2"}));
}

TEST(SchedulerTest, AFullOutputBufferPausesDispatchUntilResultsAreAcknowledged) {
  Scheduler scheduler;
  model::Job job = RunningJob("a", 10);
  job.options.output_buffer_bytes = 100;
  job.output_buffer_used_bytes = 100;
  scheduler.OnJobChanged(Share(job), kStart);
  EXPECT_EQ(Take(scheduler, 10), (Grants{}));
  job.output_buffer_used_bytes = 99;
  scheduler.OnJobChanged(Share(job), kStart);
  EXPECT_EQ(Take(scheduler, 1), (Grants{"a:1"}));
}

TEST(SchedulerTest, AJobThatCannotRunDoesNotHoldUpOthers) {
  Scheduler scheduler;
  model::Job full = RunningJob("full", 10);
  full.output_buffer_used_bytes = full.options.output_buffer_bytes;
  scheduler.OnJobChanged(Share(full), kStart);
  scheduler.OnJobChanged(Share(RunningJob("b", 2)), kStart);
  EXPECT_EQ(Take(scheduler, 10), (Grants{"b:1", "b:2"}));
}

TEST(SchedulerTest, AReturnedChunkRunsAgainFirstWithTheNextAttempt) {
  Scheduler scheduler;
  const model::Job job = RunningJob("a", 10);
  scheduler.OnJobChanged(Share(job), kStart);
  EXPECT_EQ(Take(scheduler, 3), (Grants{"a:1", "a:2", "a:3"}));
  scheduler.OnReturned(job.key(), 2, kStart, kStart);
  const std::optional<Grant> again = scheduler.Next(kStart);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->sequence, 2);
  EXPECT_EQ(again->attempt, 2);
  EXPECT_EQ(Take(scheduler, 1), (Grants{"a:4"}));
}

TEST(SchedulerTest, AReturnedChunkWaitsOutItsBackoffWhileOthersGoOn) {
  Scheduler scheduler;
  const model::Job job = RunningJob("a", 3);
  scheduler.OnJobChanged(Share(job), kStart);
  EXPECT_EQ(Take(scheduler, 2), (Grants{"a:1", "a:2"}));
  EXPECT_EQ(scheduler.NextWake(), absl::InfiniteFuture());
  scheduler.OnReturned(job.key(), 1, kStart + absl::Seconds(5), kStart);
  scheduler.OnReturned(job.key(), 2, kStart + absl::Seconds(3), kStart);
  EXPECT_EQ(Take(scheduler, 2, kStart + absl::Seconds(2)), (Grants{"a:3"}));
  EXPECT_EQ(scheduler.NextWake(), kStart + absl::Seconds(3));
  EXPECT_EQ(Take(scheduler, 2, kStart + absl::Seconds(3)), (Grants{"a:2"}));
  EXPECT_EQ(scheduler.NextWake(), kStart + absl::Seconds(5));
  EXPECT_EQ(Take(scheduler, 2, kStart + absl::Seconds(5)), (Grants{"a:1"}));
  EXPECT_EQ(scheduler.NextWake(), absl::InfiniteFuture());
}

TEST(SchedulerTest, AChunkWhoseBackoffIsOverRunsBeforeLaterOnes) {
  Scheduler scheduler;
  const model::Job job = RunningJob("a", 9);
  scheduler.OnJobChanged(Share(job), kStart);
  EXPECT_EQ(Take(scheduler, 2), (Grants{"a:1", "a:2"}));
  scheduler.OnReturned(job.key(), 2, kStart + absl::Seconds(3), kStart);
  scheduler.OnReturned(job.key(), 1, kStart + absl::Seconds(4), kStart);
  EXPECT_EQ(Take(scheduler, 1, kStart + absl::Seconds(2)), (Grants{"a:3"}));
  EXPECT_EQ(Take(scheduler, 3, kStart + absl::Seconds(4)), (Grants{"a:1", "a:2", "a:4"}));
}

TEST(SchedulerTest, AJobInOrderWaitsForItsChunkThatBacksOff) {
  Scheduler scheduler;
  model::Job job = RunningJob("a", 4);
  job.options.max_workers = 1;
  scheduler.OnJobChanged(Share(job), kStart);
  EXPECT_EQ(Take(scheduler, 2), (Grants{"a:1"}));
  scheduler.OnReturned(job.key(), 1, kStart + absl::Seconds(5), kStart);
  EXPECT_EQ(Take(scheduler, 2, kStart + absl::Seconds(4)), (Grants{}));
  EXPECT_EQ(Take(scheduler, 2, kStart + absl::Seconds(5)), (Grants{"a:1"}));
}

TEST(SchedulerTest, AReturnedChunkIsNotHeldUpByOutcomesThatMayWaitForIt) {
  Scheduler scheduler;
  const model::Job job = RunningJob("a", 1'000);
  scheduler.OnJobChanged(Share(job), kStart);
  Take(scheduler, kCommitsWaitingMax + 1);
  for (int64_t sequence = 2; sequence <= kCommitsWaitingMax + 1; ++sequence) {
    scheduler.OnRan(job.key(), sequence, kStart);
  }
  scheduler.OnReturned(job.key(), 1, kStart + absl::Seconds(3), kStart);
  EXPECT_EQ(Take(scheduler, 2, kStart + absl::Seconds(2)), (Grants{}));
  EXPECT_EQ(scheduler.NextWake(), kStart + absl::Seconds(3));
  EXPECT_EQ(Take(scheduler, 2, kStart + absl::Seconds(3)), (Grants{"a:1"}));
}

TEST(SchedulerTest, AJobThatEndsTakesItsBackoffsAlong) {
  Scheduler scheduler;
  model::Job job = RunningJob("a", 4);
  scheduler.OnJobChanged(Share(job), kStart);
  Take(scheduler, 1);
  scheduler.OnReturned(job.key(), 1, kStart + absl::Seconds(5), kStart);
  job.state = model::JobState::kCancelled;
  scheduler.OnJobChanged(Share(job), kStart);
  EXPECT_EQ(scheduler.NextWake(), absl::InfiniteFuture());
  EXPECT_EQ(Take(scheduler, 1, kStart + absl::Seconds(5)), (Grants{}));
}

TEST(SchedulerTest, CountsOfRunningAndInFlightChunksReturnToZero) {
  Scheduler scheduler;
  const model::Job job = RunningJob("a", 3);
  scheduler.OnJobChanged(Share(job), kStart);
  Take(scheduler, 3);
  EXPECT_EQ(scheduler.running(), 3);
  EXPECT_EQ(scheduler.in_flight(), 3);
  scheduler.OnRan(job.key(), 1, kStart);
  EXPECT_EQ(scheduler.running(), 2);
  EXPECT_EQ(scheduler.in_flight(), 3);
  scheduler.OnDone(job.key(), 1, kStart);
  scheduler.OnDone(job.key(), 2, kStart);
  scheduler.OnDone(job.key(), 3, kStart);
  scheduler.OnDone(job.key(), 3, kStart);
  EXPECT_EQ(scheduler.running(), 0);
  EXPECT_EQ(scheduler.in_flight(), 0);
}

TEST(SchedulerTest, ACancelledJobIsForgottenOnceItsLastChunkIsOver) {
  Scheduler scheduler;
  model::Job job = RunningJob("a", 10);
  scheduler.OnJobChanged(Share(job), kStart);
  Take(scheduler, 1);
  job.state = model::JobState::kCancelled;
  scheduler.OnJobChanged(Share(job), kStart);
  EXPECT_EQ(scheduler.running(job.key()), 1);
  EXPECT_FALSE(scheduler.Next(kStart).has_value());
  scheduler.OnDone(job.key(), 1, kStart);
  EXPECT_EQ(scheduler.in_flight(job.key()), 0);
  EXPECT_FALSE(scheduler.Next(kStart).has_value());
}

}  // namespace
}  // namespace millrace::core
