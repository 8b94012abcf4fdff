#include "storage/model/run_statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/model/limits.h"
#include "tests/support/factories.h"

namespace millrace::model {
namespace {

using ::millrace::testing::At;
using ::millrace::testing::ExampleFailure;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

/// The statistics of a chunk whose records took these nanoseconds.
RunStatistics Ran(int64_t sequence, std::vector<int64_t> process_nanos, const std::string& worker = "w",
                  absl::Time now = At(1)) {
  Chunk chunk;
  chunk.id = absl::StrCat("c-", sequence);
  chunk.sequence = sequence;
  chunk.record_count = static_cast<int32_t>(process_nanos.size());
  ChunkCommit commit;
  commit.worker = worker;
  commit.outcome.record_count = chunk.record_count;
  commit.outcome.compute_nanos = 10;
  commit.outcome.process_time_ns = std::move(process_nanos);
  return StatisticsOf(chunk, commit, now);
}

std::vector<std::string> PlacesOf(const RunStatistics& statistics) {
  std::vector<std::string> places;
  for (const SlowRecord& record : statistics.slowest) {
    places.push_back(absl::StrCat(record.place.sequence, "-", record.place.index, " ", record.process_nanos));
  }
  return places;
}

TEST(RunStatisticsTest, NodesAreAddedOneByOne) {
  RunStatistics job;
  job.Merge({.nodes = {{"a", {.record_count = 1}}, {"b", {.record_count = 2}}}});
  job.Merge({.nodes = {{"b", {.record_count = 3}}}});
  EXPECT_EQ(job.nodes["a"].record_count, 1);
  EXPECT_EQ(job.nodes["b"].record_count, 5);
}

TEST(RunStatisticsTest, TheSlowestRecordsOfAllChunksAreKept) {
  RunStatistics job;
  job.Merge(Ran(1, {5, 50, 7, 50}));
  EXPECT_THAT(PlacesOf(job), ElementsAre("1-1 50", "1-3 50", "1-2 7", "1-0 5"));
  job.Merge(Ran(2, {60, 50, 1}));
  EXPECT_THAT(PlacesOf(job), ElementsAre("2-0 60", "1-1 50", "1-3 50", "2-1 50", "1-2 7", "1-0 5", "2-2 1"));
  std::vector<int64_t> many(1'000, 6);
  many[777] = 55;
  job.Merge(Ran(3, many));
  EXPECT_THAT(PlacesOf(job), ElementsAre("2-0 60", "3-777 55", "1-1 50", "1-3 50", "2-1 50", "1-2 7", "3-0 6", "3-1 6",
                                         "3-2 6", "3-3 6"));
  job.Merge(Ran(4, std::vector<int64_t>(1'000, 6)));
  EXPECT_EQ(PlacesOf(job).back(), "3-3 6") << "who came first stays";
}

TEST(RunStatisticsTest, TheOrderOfCommitsDoesNotMatterToTheSlowest) {
  RunStatistics forward;
  RunStatistics backward;
  for (int64_t i = 1; i <= 9; ++i) {
    forward.Merge(Ran(i, {i % 4 + 1, 3, i}));
    backward.Merge(Ran(10 - i, {(10 - i) % 4 + 1, 3, 10 - i}));
  }
  EXPECT_EQ(PlacesOf(forward), PlacesOf(backward));
  EXPECT_THAT(forward.slowest, SizeIs(kSlowestRecordsKept));
}

TEST(RunStatisticsTest, WhatNothingRanIsNotSlow) { EXPECT_THAT(Ran(1, {0, 0}).slowest, IsEmpty()); }

TEST(RunStatisticsTest, ASlowRecordSaysWhatCameOfIt) {
  Chunk chunk;
  chunk.id = "c";
  chunk.sequence = 4;
  chunk.record_count = 3;
  ChunkCommit commit;
  commit.worker = "server/thread-1";
  commit.outcome.record_count = 3;
  commit.outcome.process_time_ns = {1, 2, 3};
  commit.outcome.failures = {ExampleFailure(1)};
  commit.outcome.labels = {{0, "ADDED", 1}, {2, "ADDED", 2}, {2, "SEEN", 1}};
  const RunStatistics statistics = StatisticsOf(chunk, commit, At(1));
  EXPECT_THAT(statistics.slowest,
              ElementsAre(SlowRecord{{4, 2}, "c", 3, "", {{"ADDED", 2}, {"SEEN", 1}}, "server/thread-1"},
                          SlowRecord{{4, 1}, "c", 2, "FAILED", {}, "server/thread-1"},
                          SlowRecord{{4, 0}, "c", 1, "", {{"ADDED", 1}}, "server/thread-1"}));
  EXPECT_THAT(statistics.labels, ElementsAre(Pair("ADDED", 3), Pair("SEEN", 1)));
}

TEST(RunStatisticsTest, LabelsBeyondTheLimitAreCountedTogether) {
  RunStatistics job;
  for (size_t i = 0; i < kLabelsPerJobMax + 20; ++i) job.Merge({.labels = {{absl::StrCat("L", i), 2}}});
  EXPECT_THAT(job.labels, SizeIs(kLabelsPerJobMax + 1));
  EXPECT_EQ(job.labels.at("OTHER"), 40);
  job.Merge({.labels = {{"L0", 5}, {"late", 1}}});
  EXPECT_EQ(job.labels.at("L0"), 7);
  EXPECT_EQ(job.labels.at("OTHER"), 41);
}

TEST(RunStatisticsTest, ALabelThatIsCalledOtherTakesNoRoom) {
  LabelCounts counts;
  CountLabel(counts, "OTHER", 1);
  for (size_t i = 0; i < kLabelsPerJobMax; ++i) CountLabel(counts, absl::StrCat("L", i), 1);
  EXPECT_THAT(counts, SizeIs(kLabelsPerJobMax + 1));
  EXPECT_EQ(counts.at("OTHER"), 1);
}

TEST(RunStatisticsTest, EachWorkerIsCreditedWithItsChunks) {
  RunStatistics job;
  job.Merge(Ran(1, {1, 2}, "a", At(5)));
  job.Merge(Ran(2, {1}, "b", At(6)));
  job.Merge(Ran(3, {1, 2, 3}, "a", At(4)));
  EXPECT_THAT(job.workers, ElementsAre(Pair("a", WorkerStatistics{2, 5, 0, 20, At(4), At(5)}),
                                       Pair("b", WorkerStatistics{1, 1, 0, 10, At(6), At(6)})));
}

TEST(RunStatisticsTest, WorkersBeyondTheLimitAreOne) {
  RunStatistics job;
  for (size_t i = 0; i < kWorkersPerJobKept + 5; ++i) job.Merge(Ran(1, {1}, absl::StrCat("w", i)));
  EXPECT_THAT(job.workers, SizeIs(kWorkersPerJobKept + 1));
  EXPECT_EQ(job.workers.at("OTHER").chunks, 5);
}

TEST(RunStatisticsTest, OutputsThatAPersonGaveAreNobodysWork) { EXPECT_THAT(Ran(1, {0}, "").workers, IsEmpty()); }

}  // namespace
}  // namespace millrace::model
