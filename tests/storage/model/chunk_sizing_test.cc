#include "storage/model/chunk_sizing.h"

#include <gtest/gtest.h>

#include "storage/model/limits.h"

namespace millrace::model {
namespace {

Job JobWithCost(absl::Duration per_record) {
  Job job;
  job.counters.records_completed = 600;
  job.counters.records_failed = 400;
  job.counters.compute_nanos = absl::ToInt64Nanoseconds(1'000 * per_record);
  return job;
}

TEST(ChunkSizingTest, BeforeAnyRecordRanTheDefaultHolds) {
  EXPECT_EQ(RecordsPerChunk(Job(), 1'000), kChunkRecordsDefault);
}

TEST(ChunkSizingTest, AChunkAimsAtTheTargetTime) {
  Job job = JobWithCost(absl::Microseconds(100));
  EXPECT_EQ(RecordsPerChunk(job, 1'000), 2'000) << "200 ms of 100 us each";
  job.options.target_chunk_time = absl::Milliseconds(1);
  EXPECT_EQ(RecordsPerChunk(job, 1'000), 10);
}

TEST(ChunkSizingTest, RecordsThatRanTwiceCostTwice) {
  Job job = JobWithCost(absl::Microseconds(100));
  job.counters.records_rerun = 1'000;
  EXPECT_EQ(RecordsPerChunk(job, 1'000), 4'000) << "2,000 runs took what 1,000 did before";
  job = JobWithCost(absl::Microseconds(100));
  job.counters.records_failed -= 400;
  job.counters.records_discarded += 400;
  EXPECT_EQ(RecordsPerChunk(job, 1'000), 2'000) << "discarding a record does not make the others dearer";
}

TEST(ChunkSizingTest, StaysWithinTheLimitsOfAChunk) {
  EXPECT_EQ(RecordsPerChunk(JobWithCost(absl::Seconds(10)), 100), 1);
  EXPECT_EQ(RecordsPerChunk(JobWithCost(absl::Nanoseconds(1)), 100), kChunkRecordsMax);
}

TEST(ChunkSizingTest, APushNeverBecomesMoreChunksThanAPushMayHold) {
  const int64_t records = 1'000'000;
  const int64_t size = RecordsPerChunk(JobWithCost(absl::Seconds(10)), records);
  const int64_t cuts_for_bytes = 2 * kMessageBytesMax / kSizedChunkBytesMax;
  EXPECT_LE((records + size - 1) / size + cuts_for_bytes, kChunksPerPushMax);
}

}  // namespace
}  // namespace millrace::model
