// A job that is paused, resumed or changed while the scheduler works on it.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/core/lease_hub.h"
#include "tests/server/core/scheduler_world.h"

namespace millrace::core {
namespace {

const absl::Time kStart = absl::UnixEpoch();

class TuningTest : public ::testing::Test {
 protected:
  void SetUp() override { Tell(); }

  void Tell(absl::Time now = kStart) { scheduler_.OnJobChanged(std::make_shared<const model::Job>(job_), now); }

  /// Sequences of the chunks that can start at `now`.
  std::vector<int64_t> Take(absl::Time now = kStart) {
    std::vector<int64_t> sequences;
    while (const std::optional<Grant> grant = scheduler_.Next(now)) sequences.push_back(grant->sequence);
    return sequences;
  }

  void Finish(int64_t sequence, absl::Time now = kStart) {
    scheduler_.OnRan(job_.key(), sequence, now);
    scheduler_.OnDone(job_.key(), sequence, now);
  }

  static model::Job SomeJob() {
    model::Job job = EndlessJob("t", "a");
    job.options.max_workers = 2;
    job.options.initial_workers = 2;
    return job;
  }

  using Sequences = std::vector<int64_t>;

  model::Job job_ = SomeJob();
  Scheduler scheduler_;
};

TEST_F(TuningTest, APausedJobStartsNothingAndGoesOnWhereItWas) {
  EXPECT_EQ(Take(), (Sequences{1, 2}));
  job_.state = model::JobState::kPaused;
  Tell();
  Finish(1);
  EXPECT_EQ(Take(), Sequences{});
  EXPECT_EQ(scheduler_.running(job_.key()), 1) << "what runs goes on";
  Finish(2);
  EXPECT_EQ(Take(), Sequences{});
  job_.state = model::JobState::kInProgress;
  Tell();
  EXPECT_EQ(Take(), (Sequences{3, 4}));
}

TEST_F(TuningTest, AGradualResumeBeginsTheRampAnew) {
  job_.options.initial_workers = 1;
  job_.options.max_workers = 4;
  Tell();
  const absl::Time late = kStart + absl::Hours(1);
  EXPECT_EQ(Take(kStart).size(), 1U);
  EXPECT_EQ(Take(late).size(), 3U) << "the ramp is long over";
  for (int64_t sequence = 1; sequence <= 4; ++sequence) Finish(sequence, late);
  job_.state = model::JobState::kPaused;
  Tell(late);
  job_.state = model::JobState::kInProgress;
  ++job_.ramps;
  Tell(late);
  EXPECT_EQ(Take(late).size(), 1U);
  EXPECT_EQ(Take(late + absl::Seconds(1)).size(), 1U);
  EXPECT_EQ(Take(late + absl::Seconds(2)).size(), 2U);
}

TEST_F(TuningTest, AGradualResumeOfAJobWithoutARampBeginsWithOneWorker) {
  job_.options.initial_workers = 4;
  job_.options.max_workers = 4;
  Tell();
  EXPECT_EQ(Take(kStart).size(), 4U);
  for (int64_t sequence = 1; sequence <= 4; ++sequence) Finish(sequence, kStart);
  job_.state = model::JobState::kPaused;
  Tell(kStart);
  job_.state = model::JobState::kInProgress;
  ++job_.ramps;
  Tell(kStart);
  EXPECT_EQ(Take(kStart).size(), 1U);
  EXPECT_EQ(Take(kStart + absl::Seconds(1)).size(), 1U);
  EXPECT_EQ(Take(kStart + absl::Seconds(2)).size(), 2U);
}

TEST_F(TuningTest, MoreWorkersAreUsedAtOnce) {
  EXPECT_EQ(Take(), (Sequences{1, 2}));
  job_.options.max_workers = 4;
  const absl::Time late = kStart + absl::Minutes(1);
  Tell(late);
  EXPECT_EQ(Take(late), (Sequences{3, 4}));
  job_.options.max_workers = 1;
  Tell(late);
  for (int64_t sequence = 1; sequence <= 3; ++sequence) Finish(sequence, late);
  EXPECT_EQ(Take(late), Sequences{});
  Finish(4, late);
  EXPECT_EQ(Take(late), Sequences{5});
}

TEST_F(TuningTest, AThrottleThatIsLiftedHoldsNothing) {
  job_.options.throttle.delay_between_chunks = absl::Hours(1);
  Tell();
  EXPECT_EQ(Take(), Sequences{1});
  job_.options.throttle.delay_between_chunks = absl::Seconds(2);
  Tell(kStart + absl::Seconds(1));
  EXPECT_EQ(scheduler_.NextWake(), kStart + absl::Seconds(3));
  job_.options.throttle = {};
  Tell(kStart + absl::Seconds(1));
  EXPECT_EQ(Take(kStart + absl::Seconds(1)), Sequences{2});
}

TEST_F(TuningTest, AChangeOfSomethingElseLeavesTheThrottleAlone) {
  job_.options.throttle.delay_between_chunks = absl::Seconds(10);
  Tell();
  EXPECT_EQ(Take(), Sequences{1});
  job_.options.weight = 5;
  Tell(kStart + absl::Seconds(9));
  EXPECT_EQ(scheduler_.NextWake(), kStart + absl::Seconds(10));
}

TEST_F(TuningTest, ANewVersionIsLeasedAtOnce) {
  EXPECT_EQ(scheduler_.Next(kStart)->job->version_id, "");
  job_.version_id = "version-2";
  Tell();
  EXPECT_EQ(scheduler_.Next(kStart)->job->version_id, "version-2");
}

TEST_F(TuningTest, PriorityCountsFromTheNextChunkOn) {
  model::Job other = EndlessJob("t", "b");
  other.options.max_workers = 100;
  other.options.initial_workers = 100;
  other.options.priority = 1;
  scheduler_.OnJobChanged(std::make_shared<const model::Job>(other), kStart);
  EXPECT_EQ(scheduler_.Next(kStart)->job->id, "b");
  job_.options.priority = 2;
  Tell();
  EXPECT_EQ(scheduler_.Next(kStart)->job->id, "a");
}

TEST_F(TuningTest, AKeyedJobThatLeavesOrderWaitsForTheChunkWhoseKeysAreNotKnown) {
  job_.options.ordering_key = "k";
  job_.options.max_workers = 1;
  Tell();
  const std::optional<Grant> first = scheduler_.Next(kStart);
  ASSERT_TRUE(first.has_value());
  EXPECT_FALSE(first->needs_keys);
  job_.options.max_workers = 4;
  Tell();
  EXPECT_FALSE(scheduler_.Next(kStart).has_value()) << "the next one may hold a key of the first";
  scheduler_.OnRan(job_.key(), 1, kStart);
  EXPECT_FALSE(scheduler_.Next(kStart).has_value()) << "nor while it is being committed";
  scheduler_.OnDone(job_.key(), 1, kStart);
  const std::optional<Grant> second = scheduler_.Next(kStart);
  ASSERT_TRUE(second.has_value());
  EXPECT_TRUE(second->needs_keys);
}

TEST_F(TuningTest, AKeyedChunkThatIsToRunAgainTellsItsKeysThen) {
  job_.options.ordering_key = "k";
  job_.options.max_workers = 1;
  Tell();
  ASSERT_TRUE(scheduler_.Next(kStart).has_value());
  scheduler_.OnReturned(job_.key(), 1, kStart + absl::Seconds(5), kStart);
  job_.options.max_workers = 4;
  Tell();
  EXPECT_FALSE(scheduler_.Next(kStart).has_value());
  const absl::Time ready = kStart + absl::Seconds(5);
  const std::optional<Grant> again = scheduler_.Next(ready);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->sequence, 1);
  EXPECT_TRUE(again->needs_keys);
  EXPECT_TRUE(scheduler_.OnKeys(job_.key(), 1, {7}, ready));
  EXPECT_EQ(scheduler_.Next(ready)->sequence, 2);
}

TEST(LeaseHubTuningTest, ALeaseCarriesTheJobAsItIsNow) {
  model::ManualClock clock(kStart);
  LeaseHub hub(1, clock);
  model::Job job = EndlessJob("t", "a");
  job.options.max_workers = 100;
  job.options.initial_workers = 100;
  hub.OnJobChanged(std::make_shared<const model::Job>(job));
  ASSERT_EQ(hub.Acquire()->job->config_hash, "");
  job.config_hash = "hash-2";
  job.options.record_timeout = absl::Seconds(77);
  hub.OnJobChanged(std::make_shared<const model::Job>(job));
  const std::optional<Lease> lease = hub.Acquire();
  EXPECT_EQ(lease->job->config_hash, "hash-2");
  EXPECT_EQ(lease->job->options.record_timeout, absl::Seconds(77));
  hub.Stop();
}

}  // namespace
}  // namespace millrace::core
