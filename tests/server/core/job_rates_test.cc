#include "server/core/job_rates.h"

#include <gtest/gtest.h>

#include <memory>

namespace millrace::core {
namespace {

class JobRatesTest : public ::testing::Test {
 protected:
  void Through(int64_t records, model::JobState state = model::JobState::kInProgress) {
    model::Job job;
    job.tenant = "default";
    job.id = "job-1";
    job.state = state;
    job.counters.records_completed = records - records / 10;
    job.counters.records_failed = records / 10;
    rates_.OnJobChanged(std::make_shared<const model::Job>(job));
  }
  void Advance(double seconds) { clock_.Advance(absl::Seconds(seconds)); }

  JobRates::Rate Find() const { return rates_.Find({"default", "job-1"}); }

  model::ManualClock clock_{absl::UnixEpoch()};
  JobRates rates_{&clock_};
};

TEST_F(JobRatesTest, NothingIsKnownOfAJobThatWasNotSeen) {
  EXPECT_EQ(Find().over, absl::ZeroDuration());
  EXPECT_EQ(Find().per_second(), 0);
}

TEST_F(JobRatesTest, AYoungJobIsMeasuredFromItsBeginning) {
  Through(0);
  Advance(10);
  Through(50);
  Advance(10);
  EXPECT_EQ(Find().records, 50);
  EXPECT_EQ(Find().over, absl::Seconds(20));
  EXPECT_EQ(Find().per_second(), 2.5);
}

TEST_F(JobRatesTest, WhatWasThroughBeforeItWasSeenDoesNotCount) {
  Through(1'000);
  Advance(10);
  Through(1'010);
  EXPECT_EQ(Find().records, 10);
}

TEST_F(JobRatesTest, WhatRunsAgainCountsAndWhatIsDiscardedStaysCounted) {
  model::Job job;
  job.tenant = "default";
  job.id = "job-1";
  job.state = model::JobState::kInProgress;
  job.counters.records_failed = 100;
  const auto tell = [&] { rates_.OnJobChanged(std::make_shared<const model::Job>(job)); };
  tell();
  Advance(10);
  job.counters.records_failed = 60;
  job.counters.records_discarded = 40;
  tell();
  EXPECT_EQ(Find().records, 0);
  job.counters.records_failed = 10;
  job.counters.records_completed = 50;
  job.counters.records_rerun = 60;
  tell();
  EXPECT_EQ(Find().records, 60);
}

TEST_F(JobRatesTest, OnlyTheLastHundredSecondsCount) {
  int64_t records = 0;
  Through(records);
  // Ten a second for five minutes, then one a second.
  for (int i = 0; i < 300; ++i) {
    Advance(1);
    Through(records += 10);
  }
  EXPECT_NEAR(Find().per_second(), 10, 0.5);
  EXPECT_EQ(Find().over, JobRates::kWindow);
  for (int i = 0; i < 100; ++i) {
    Advance(1);
    Through(records += 1);
  }
  EXPECT_NEAR(Find().per_second(), 1, 0.5);
}

TEST_F(JobRatesTest, AJobThatStandsStillComesToZero) {
  Through(0);
  Advance(1);
  Through(100);
  Advance(50);
  EXPECT_EQ(Find().records, 100);
  Advance(50);
  EXPECT_EQ(Find().records, 0);
  EXPECT_EQ(Find().over, JobRates::kWindow);
  Advance(1'000);
  Through(150);
  EXPECT_EQ(Find().records, 50);
}

TEST_F(JobRatesTest, ChangesWithoutRecordsAreNoPoints) {
  Through(10);
  for (int i = 0; i < 1'000; ++i) {
    Advance(1);
    Through(10);
  }
  EXPECT_EQ(Find().records, 0);
}

TEST_F(JobRatesTest, AJobThatHasEndedIsForgotten) {
  Through(0);
  Advance(10);
  Through(100, model::JobState::kCompleted);
  EXPECT_EQ(Find().over, absl::ZeroDuration());
}

}  // namespace
}  // namespace millrace::core
