// Cutting, keeping, ordering and summing up chunks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/storage/records/row_reading.h"
#include "tools/millrace/chunk_cutter.h"
#include "tools/millrace/chunk_ledger.h"
#include "tools/millrace/reorder_buffer.h"
#include "tools/millrace/summary_merger.h"

namespace millrace::cli {
namespace {

using records::CsvOver;
using records::JsonLinesOver;
using ::testing::ElementsAre;

/// `ID:RECORDS` of each chunk, with `+` behind the last one, or the error.
std::vector<std::string> CutAll(records::RecordReader& reader, CutOptions options) {
  ChunkCutter cutter(&reader, "in", std::move(options));
  std::vector<std::string> chunks;
  for (;;) {
    auto cut = cutter.Next();
    if (!cut.ok()) {
      chunks.emplace_back(cut.status().message());
      return chunks;
    }
    if (!cut->has_value()) return chunks;
    chunks.push_back((*cut)->chunk.id() + ":" + std::to_string((*cut)->rows.record_count) +
                     (cutter.at_end() ? "+" : ""));
  }
}

TEST(ChunkCutterTest, EveryChunkButTheLastIsFull) {
  EXPECT_THAT(CutAll(**JsonLinesOver("1\n2\n3\n4\n5\n"), {.max_records = 2}),
              ElementsAre("c-000001:2", "c-000002:2", "c-000003:1+"));
}

TEST(ChunkCutterTest, TheLastFullChunkKnowsThatItIsTheLast) {
  EXPECT_THAT(CutAll(**JsonLinesOver("1\n2\n3\n4\n"), {.max_records = 2}), ElementsAre("c-000001:2", "c-000002:2+"));
}

TEST(ChunkCutterTest, BytesLimitAChunkButNotARecord) {
  EXPECT_THAT(CutAll(**JsonLinesOver("1\n22\n333333333\n4\n"), {.max_records = 9, .max_bytes = 5}),
              ElementsAre("c-000001:2", "c-000002:1", "c-000003:1+"));
}

TEST(ChunkCutterTest, TheSameInputMakesTheSameChunks) {
  const auto cut = [] {
    auto reader = CsvOver("a,b\n1,2\n3,4\n5,6\n");
    ChunkCutter cutter(reader->get(), "in", {.max_records = 2});
    return (*cutter.Next())->chunk.SerializeAsString();
  };
  EXPECT_EQ(cut(), cut());
}

TEST(ChunkCutterTest, AChunkThatIsFullBeforeABadRowIsStillMade) {
  EXPECT_THAT(CutAll(**CsvOver("a,b\n1,2\n3,4\n5\n"), {.max_records = 2}),
              ElementsAre("c-000001:2", "in:4: expected 2 cells as in the header, found 1"));
  EXPECT_THAT(CutAll(**CsvOver("a,b\n1,2\n3,4\n5\n"), {.max_records = 3}),
              ElementsAre("in:4: expected 2 cells as in the header, found 1"));
}

TEST(ChunkCutterTest, SkippedRowsRememberTheirPlace) {
  auto reader = CsvOver("a,b\nx\n1,2\ny\n3,4\nz\n");
  ChunkCutter cutter(reader->get(), "in", {.max_records = 9, .keep_originals = true, .skip_bad_rows = true});
  const auto cut = cutter.Next();
  ASSERT_TRUE(cut.ok() && cut->has_value());
  const ChunkRows& rows = (*cut)->rows;
  EXPECT_THAT(rows.originals, ElementsAre("1,2", "3,4"));
  ASSERT_EQ(rows.skipped.size(), 3u);
  EXPECT_EQ(rows.skipped[0].before_record, 0u);
  EXPECT_EQ(rows.skipped[1].before_record, 1u);
  EXPECT_EQ(rows.skipped[2].before_record, 2u);
  EXPECT_EQ(rows.skipped[2].original, "z");
  EXPECT_EQ(cutter.skipped_rows(), 3);
}

TEST(ChunkIdTest, AnIdGivesItsPositionBack) {
  EXPECT_EQ(ChunkId(1), "c-000001");
  EXPECT_EQ(ChunkPosition("c-000001"), 1);
  EXPECT_EQ(ChunkPosition(ChunkId(12'345'678)), 12'345'678);
  for (const char* id : {"", "c-", "c-1", "c-000000", "c--00001", "d-000001", "c-000001-2"}) {
    EXPECT_EQ(ChunkPosition(id), std::nullopt) << id;
  }
}

TEST(ReorderBufferTest, ValuesComeOutInOrder) {
  ReorderBuffer<std::string> buffer;
  EXPECT_TRUE(buffer.Put(3, "c"));
  EXPECT_TRUE(buffer.Put(1, "a"));
  EXPECT_EQ(buffer.TakeNext(), "a");
  EXPECT_EQ(buffer.TakeNext(), std::nullopt);
  EXPECT_TRUE(buffer.Put(2, "b"));
  EXPECT_EQ(buffer.TakeNext(), "b");
  EXPECT_EQ(buffer.TakeNext(), "c");
  EXPECT_EQ(buffer.next(), 4);
  EXPECT_EQ(buffer.size(), 0u);
}

TEST(ReorderBufferTest, ARepeatedValueIsDropped) {
  ReorderBuffer<std::string> buffer;
  EXPECT_TRUE(buffer.Put(1, "a"));
  EXPECT_FALSE(buffer.Put(1, "again"));
  EXPECT_EQ(buffer.TakeNext(), "a");
  EXPECT_FALSE(buffer.Put(1, "late"));
  EXPECT_EQ(buffer.TakeNext(), std::nullopt);
}

ChunkRows RowsOf(int64_t position, size_t bytes) {
  ChunkRows rows;
  rows.position = position;
  rows.held_bytes = bytes;
  return rows;
}

TEST(ChunkLedgerTest, AddWaitsUntilBytesAreTaken) {
  ChunkLedger ledger(100);
  ASSERT_TRUE(ledger.Add(RowsOf(1, 80), false));
  std::thread adder([&] { EXPECT_TRUE(ledger.Add(RowsOf(2, 80), true)); });
  EXPECT_EQ(ledger.total(), std::nullopt);
  EXPECT_EQ(ledger.Take(1)->position, 1);
  adder.join();
  EXPECT_EQ(ledger.total(), 2);
  EXPECT_EQ(ledger.Take(2)->position, 2);
  EXPECT_EQ(ledger.Take(2), std::nullopt) << "taken once";
}

TEST(ChunkLedgerTest, AChunkLargerThanTheLimitPassesAlone) {
  ChunkLedger ledger(100);
  EXPECT_TRUE(ledger.Add(RowsOf(1, 1'000), true));
}

TEST(ChunkLedgerTest, StopEndsAWaitingAdd) {
  ChunkLedger ledger(100);
  ASSERT_TRUE(ledger.Add(RowsOf(1, 100), false));
  std::thread adder([&] { EXPECT_FALSE(ledger.Add(RowsOf(2, 100), false)); });
  ledger.Stop();
  adder.join();
}

v1::ChunkResult SummaryOf(v1::AggregationOperator op, std::optional<double> value, int64_t count) {
  v1::ChunkResult result;
  v1::SummaryValue& summary = *result.add_summary();
  summary.set_output_name("e");
  summary.set_operator_(op);
  summary.set_count(count);
  if (value.has_value()) summary.set_value(*value);
  return result;
}

TEST(SummaryMergerTest, EachOperatorIsMergedItsOwnWay) {
  SummaryMerger merger;
  for (const auto& [value, count] : {std::pair{10.0, 2}, std::pair{40.0, 6}}) {
    for (const auto op : {v1::SUM, v1::COUNT, v1::MIN, v1::MAX, v1::MEAN}) merger.Add(SummaryOf(op, value, count));
  }
  std::vector<double> values;
  for (const v1::SummaryValue& value : merger.Values()) values.push_back(value.value());
  EXPECT_THAT(values, ElementsAre(50, 50, 10, 40, 32.5));
}

TEST(SummaryMergerTest, ChunksWithoutValuesDoNotCount) {
  SummaryMerger merger;
  for (const auto op : {v1::MIN, v1::MEAN}) {
    merger.Add(SummaryOf(op, std::nullopt, 0));
    EXPECT_FALSE(merger.Values().back().has_value());
    merger.Add(SummaryOf(op, 7, 1));
    merger.Add(SummaryOf(op, std::nullopt, 0));
    EXPECT_EQ(merger.Values().back().value(), 7);
  }
}

TEST(SummaryMergerTest, SumsKeepWhatRoundingTakesAway) {
  SummaryMerger merger;
  for (const double value : {1e16, 1.0, 1.0, -1e16}) merger.Add(SummaryOf(v1::SUM, value, 1));
  EXPECT_EQ(merger.Values().front().value(), 2);
}

TEST(SummaryMergerTest, ChunksWhoseSummaryFailedAreCounted) {
  SummaryMerger merger;
  v1::ChunkResult result;
  result.set_summary_error("e is no number");
  merger.Add(result);
  merger.Add(result);
  EXPECT_EQ(merger.missing(), 2);
  EXPECT_EQ(merger.missing_reason(), "e is no number");
}

}  // namespace
}  // namespace millrace::cli
