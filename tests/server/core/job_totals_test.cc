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
  const std::vector<TenantTotals> all = totals_.Read();
  EXPECT_EQ(all.size(), JobTotals::kTenantsMax + 1);
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
