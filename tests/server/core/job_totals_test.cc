#include "server/core/job_totals.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace millrace::core {
namespace {

/// One job that a test changes step by step.
class JobTotalsTest : public ::testing::Test {
 protected:
  JobTotalsTest() {
    clock_.Advance(absl::Seconds(1));
    job_.tenant = "acme";
    job_.id = "j";
    Tell();
  }

  void Tell() { totals_.OnJobChanged(std::make_shared<const model::Job>(job_)); }

  void Push(int64_t chunks, int64_t records) {
    job_.state = model::JobState::kInProgress;
    job_.last_sequence += chunks;
    job_.counters.records_submitted += records;
    job_.input_buffer_used_bytes += 10 * records;
    Tell();
  }

  void Commit(int64_t sequence, int64_t completed, int64_t failed) {
    job_.watermark = sequence;
    job_.counters.chunks_completed += 1;
    if (completed == 0) job_.counters.chunks_failed += 1;
    job_.counters.records_completed += completed;
    job_.counters.records_failed += failed;
    job_.input_buffer_used_bytes -= 10 * (completed + failed);
    job_.output_buffer_used_bytes += completed;
    Tell();
  }

  TenantTotals Only() const {
    const std::vector<TenantTotals> all = totals_.Read();
    EXPECT_EQ(all.size(), 1u);
    return all.front();
  }

  model::ManualClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  JobTotals totals_{&clock_};
  model::Job job_;
};

TEST_F(JobTotalsTest, CountsWhatBecameOfRecordsAndChunks) {
  Push(3, 30);
  Commit(1, 8, 2);
  Commit(2, 0, 10);
  const TenantTotals totals = Only();
  EXPECT_EQ(totals.tenant, "acme");
  EXPECT_EQ(totals.records_submitted, 30);
  EXPECT_EQ(totals.records_completed, 8);
  EXPECT_EQ(totals.records_failed, 12);
  EXPECT_EQ(totals.records_pending, 10);
  EXPECT_EQ(totals.chunks_submitted, 3);
  EXPECT_EQ(totals.chunks_completed, 1);
  EXPECT_EQ(totals.chunks_failed, 1);
  EXPECT_EQ(totals.chunks_pending, 1);
  EXPECT_EQ(totals.input_buffer_bytes, 100);
  EXPECT_EQ(totals.output_buffer_bytes, 8);
  EXPECT_EQ(totals.jobs.at(model::JobState::kInProgress), 1);
  EXPECT_EQ(totals.jobs.at(model::JobState::kCreated), 0);
}

TEST_F(JobTotalsTest, AnEndedJobHoldsNothingAndItsRestIsSkipped) {
  Push(2, 20);
  Commit(1, 10, 0);
  job_.state = model::JobState::kCancelled;
  Tell();
  Tell();
  const TenantTotals totals = Only();
  EXPECT_EQ(totals.records_skipped, 10);
  EXPECT_EQ(totals.chunks_skipped, 1);
  EXPECT_EQ(totals.chunks_pending, 0);
  EXPECT_EQ(totals.records_pending, 0);
  EXPECT_EQ(totals.input_buffer_bytes, 0);
  EXPECT_EQ(totals.oldest_wait, absl::ZeroDuration());
  EXPECT_EQ(totals.jobs_ended.at(model::JobState::kCancelled), 1);
}

TEST_F(JobTotalsTest, TheOldestWaitIsThatOfTheFirstChunkThatIsNotCommitted) {
  Push(1, 1);
  clock_.Advance(absl::Seconds(5));
  Push(1, 1);
  clock_.Advance(absl::Seconds(2));
  EXPECT_EQ(Only().oldest_wait, absl::Seconds(7));
  Commit(1, 1, 0);
  EXPECT_EQ(Only().oldest_wait, absl::Seconds(2));
  Commit(2, 1, 0);
  EXPECT_EQ(Only().oldest_wait, absl::ZeroDuration());
}

TEST_F(JobTotalsTest, AfterManyPushesTheOldestWaitIsNeverTooShort) {
  constexpr int kPushes = 1'000;
  for (int i = 1; i <= kPushes; ++i) {
    Push(1, 1);
    clock_.Advance(absl::Seconds(1));
  }
  for (int i = 1; i < kPushes; ++i) {
    Commit(i, 1, 0);
    EXPECT_GE(Only().oldest_wait, absl::Seconds(kPushes - i));
    EXPECT_LE(Only().oldest_wait, absl::Seconds(kPushes));
  }
}

TEST_F(JobTotalsTest, AChunkWaitsFromItsPushToItsStart) {
  const absl::Time push_time = clock_.Now();
  totals_.OnChunkStarted(job_, push_time);
  clock_.Advance(absl::Seconds(10));
  totals_.OnChunkStarted(job_, push_time);
  const model::HistogramCounts waits = Only().chunk_waits;
  EXPECT_EQ(waits.total(), 2);
  EXPECT_EQ(waits.sum, 10);
  EXPECT_EQ(waits.counts.front(), 1);
  EXPECT_EQ(waits.counts.back(), 0) << "it was less than a day";
}

TEST_F(JobTotalsTest, NoWaitIsNegativeWhereTheClockWasSetBack) {
  const absl::Time push_time = clock_.Now();
  clock_.SetWallTime(push_time - absl::Hours(24));
  totals_.OnChunkStarted(job_, push_time);
  EXPECT_EQ(Only().chunk_waits.total(), 1);
  EXPECT_EQ(Only().chunk_waits.sum, 0);
}

TEST_F(JobTotalsTest, WhatBuffersMayHoldIsSummedUpWhileTheJobLasts) {
  job_.options.input_buffer_bytes = 1'000;
  job_.options.output_buffer_bytes = 300;
  Tell();
  EXPECT_EQ(Only().input_buffer_allocated_bytes, 1'000);
  EXPECT_EQ(Only().output_buffer_allocated_bytes, 300);
  job_.state = model::JobState::kCompleted;
  Tell();
  EXPECT_EQ(Only().input_buffer_allocated_bytes, 0);
  EXPECT_EQ(Only().output_buffer_allocated_bytes, 0);
}

TEST_F(JobTotalsTest, WhatAJobDidBeforeTheServerStartedIsNotCounted) {
  model::Job old;
  old.tenant = "acme";
  old.id = "old";
  old.state = model::JobState::kInProgress;
  old.last_sequence = 5;
  old.watermark = 4;
  old.counters.chunks_completed = 4;
  old.counters.records_submitted = 50;
  old.counters.records_completed = 40;
  totals_.OnJobChanged(std::make_shared<const model::Job>(old));
  EXPECT_EQ(Only().records_completed, 0);
  EXPECT_EQ(Only().records_pending, 10);
  EXPECT_EQ(Only().chunks_pending, 1);
}

TEST_F(JobTotalsTest, TenantsBeyondTheLimitAreSummedUp) {
  for (size_t i = 0; i < 2 * JobTotals::kTenantsMax; ++i) {
    model::Job job;
    job.tenant = absl::StrCat("t", i);
    job.id = "j";
    totals_.OnJobChanged(std::make_shared<const model::Job>(job));
  }
  model::Job beyond;
  beyond.tenant = absl::StrCat("t", 2 * JobTotals::kTenantsMax - 1);
  totals_.OnChunkStarted(beyond, clock_.Now());
  const std::vector<TenantTotals> all = totals_.Read();
  EXPECT_EQ(all.size(), JobTotals::kTenantsMax + 1);
  for (const TenantTotals& tenant : all) EXPECT_EQ(tenant.chunk_waits.total(), tenant.tenant == "other" ? 1 : 0);
  int64_t jobs = 0;
  for (const TenantTotals& tenant : all) jobs += tenant.jobs.at(model::JobState::kCreated);
  EXPECT_EQ(jobs, static_cast<int64_t>(2 * JobTotals::kTenantsMax + 1));
}

TEST_F(JobTotalsTest, AQuestionIsNoFailure) {
  Push(1, 10);
  job_.counters.records_held = 2;
  Commit(1, 5, 5);
  EXPECT_EQ(Only().records_failed, 3);
  EXPECT_EQ(Only().records_held, 2);
  job_.counters.records_failed -= 2;
  job_.counters.records_held -= 2;
  Tell();
  EXPECT_EQ(Only().records_failed, 3) << "an answer is no failure either";
  EXPECT_EQ(Only().records_held, 2);
}

}  // namespace
}  // namespace millrace::core
