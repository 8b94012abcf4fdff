#include "server/core/expected_records.h"

#include <gtest/gtest.h>

namespace millrace::core {
namespace {

class ExpectedRecordsTest : public ::testing::Test {
 protected:
  ExpectedRecordsTest() {
    job_.state = model::JobState::kInProgress;
    job_.last_sequence = 4;
    job_.counters.chunks_completed = 3;
    job_.counters.records_submitted = 400;
    job_.counters.records_completed = 300;
  }

  void ExpectTotal(int64_t total, bool is_exact) const {
    const auto expected = ExpectedRecordsOf(job_);
    ASSERT_TRUE(expected.has_value());
    EXPECT_EQ(expected->total, total);
    EXPECT_EQ(expected->is_exact, is_exact);
  }

  model::Job job_;
};

TEST_F(ExpectedRecordsTest, WhoPushesMayPushMore) {
  EXPECT_FALSE(ExpectedRecordsOf(job_).has_value());
  const RemainingWork work = RemainingWorkOf(job_);
  EXPECT_EQ(work.records, 100);
  EXPECT_EQ(work.chunks, 1);
}

TEST_F(ExpectedRecordsTest, WhatWasSubmittedIsAllOnceTheInputIsClosed) {
  job_.state = model::JobState::kClosed;
  job_.source.kind = model::SourceKind::kQuery;
  job_.source.estimated_records = 9'000;
  ExpectTotal(400, true);
}

TEST_F(ExpectedRecordsTest, ASourceThatKnowsItsSizeSaysIt) {
  job_.source.kind = model::SourceKind::kRange;
  job_.source.count = 2'000;
  job_.source.sample.every = 2;
  ExpectTotal(1'000, true);
  const RemainingWork work = RemainingWorkOf(job_);
  EXPECT_EQ(work.records, 700);
  EXPECT_EQ(work.chunks, 7);
}

TEST_F(ExpectedRecordsTest, AFileHoldsAsManyAsItsBytesIfTheyGoOnLikeThoseThatWereRead) {
  job_.source.kind = model::SourceKind::kFile;
  job_.source.size_bytes = 50'000;
  EXPECT_FALSE(ExpectedRecordsOf(job_).has_value()) << "nothing was read";
  job_.source_position.offset = 10'000;
  ExpectTotal(2'000, false);
  job_.source.estimated_records = 1'500;
  ExpectTotal(1'500, false);
  job_.source.estimated_records = 0;
  job_.source.sample.first = 700;
  ExpectTotal(700, false);
}

TEST_F(ExpectedRecordsTest, AnEstimateCountsUntilItIsPassed) {
  job_.source.kind = model::SourceKind::kQuery;
  EXPECT_FALSE(ExpectedRecordsOf(job_).has_value());
  job_.source.estimated_records = 1'000;
  ExpectTotal(1'000, false);
  job_.source.estimated_records = 300;
  ExpectTotal(400, false);
  EXPECT_EQ(RemainingWorkOf(job_).records, 100);
}

TEST_F(ExpectedRecordsTest, BeforeTheFirstRecordIsReadNoWorkIsKnown) {
  job_ = model::Job();
  job_.source.kind = model::SourceKind::kRange;
  job_.source.count = 2'000;
  ExpectTotal(2'000, true);
  EXPECT_EQ(RemainingWorkOf(job_).records, 0);
}

}  // namespace
}  // namespace millrace::core
