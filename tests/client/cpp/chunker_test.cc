#include "client/cpp/chunker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "client/cpp/errors.h"
#include "tests/client/cpp/fixtures.h"
#include "tests/support/status_matchers.h"

namespace millrace::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Numbered(int count) {
  std::vector<std::string> records;
  for (int i = 0; i < count; ++i) records.push_back("{\"n\":" + std::to_string(i) + "}");
  return records;
}

std::vector<int64_t> SizesOf(const std::vector<v1::Chunk>& chunks) {
  std::vector<int64_t> sizes;
  for (const v1::Chunk& chunk : chunks) {
    const std::string& lines = LinesOf(chunk);
    sizes.push_back(std::count(lines.begin(), lines.end(), '\n'));
  }
  return sizes;
}

std::string Joined(const std::vector<v1::Chunk>& chunks) {
  std::string lines;
  for (const v1::Chunk& chunk : chunks) lines += LinesOf(chunk);
  return lines;
}

TEST(CutEvenlyTest, SizesDifferByAtMostOneLargerFirst) {
  ASSERT_OK_AND_ASSIGN(const auto even, CutEvenly(Numbered(1000), {.max_records = 300}));
  EXPECT_THAT(SizesOf(even), ElementsAre(250, 250, 250, 250));
  ASSERT_OK_AND_ASSIGN(const auto odd, CutEvenly(Numbered(11), {.max_records = 4}));
  EXPECT_THAT(SizesOf(odd), ElementsAre(4, 4, 3));
}

TEST(CutEvenlyTest, KeepsEveryRecordInOrder) {
  ASSERT_OK_AND_ASSIGN(const auto chunks, CutEvenly(Numbered(5), {.max_records = 2}));
  EXPECT_EQ(Joined(chunks), "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n{\"n\":4}\n");
}

TEST(CutEvenlyTest, NothingIsCutIntoNothing) {
  ASSERT_OK_AND_ASSIGN(const auto none, CutEvenly({}));
  EXPECT_THAT(none, IsEmpty());
  ASSERT_OK_AND_ASSIGN(const auto blank, CutEvenly({"", "  ", "\t\r\n"}));
  EXPECT_THAT(blank, IsEmpty());
}

TEST(CutEvenlyTest, ARecordOverManyLinesBecomesOneLine) {
  ASSERT_OK_AND_ASSIGN(const auto chunks, CutEvenly({"{\r\n  \"n\": 1\n}\n"}));
  ASSERT_EQ(chunks.size(), 1u);
  EXPECT_EQ(LinesOf(chunks[0]), "{    \"n\": 1 }\n");
}

TEST(CutEvenlyTest, ChunksOverTheByteLimitAreCutFurther) {
  ASSERT_OK_AND_ASSIGN(const auto chunks, CutEvenly(Numbered(4), {.max_records = 4, .max_bytes = 20}));
  EXPECT_THAT(SizesOf(chunks), ElementsAre(2, 2));
}

TEST(CutEvenlyTest, ARecordOverTheByteLimitIsAChunkByItself) {
  const std::string large(100, 'x');
  ASSERT_OK_AND_ASSIGN(const auto chunks, CutEvenly({"{}", large, "{}"}, {.max_bytes = 20}));
  ASSERT_EQ(chunks.size(), 3u);
  EXPECT_EQ(LinesOf(chunks[1]), large + "\n");
}

TEST(CutEvenlyTest, OptionsOutOfRangeAreNamed) {
  const absl::Status records = CutEvenly({}, {.max_records = 0}).status();
  EXPECT_EQ(ErrorReasonOf(records), v1::FIELD_INVALID);
  EXPECT_EQ(ErrorDetailsOf(records).field_violations.at(0).field, "max_records");
  const absl::Status bytes = CutEvenly({}, {.max_bytes = 65 * 1024 * 1024}).status();
  EXPECT_EQ(ErrorDetailsOf(bytes).field_violations.at(0).field, "max_bytes");
}

TEST(CutLinesEvenlyTest, BlankLinesDoNotCountAndTheLastLineMayBeOpen) {
  constexpr std::string_view kLines = "\n{\"n\":0}\r\n \t\n{\"n\":1}\n{\"n\":2}";
  ASSERT_OK_AND_ASSIGN(const auto chunks, CutLinesEvenly(kLines, {.max_records = 2}));
  EXPECT_THAT(SizesOf(chunks), ElementsAre(2, 1));
  EXPECT_EQ(Joined(chunks), "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n");
}

TEST(ChunkerTest, FillsEachChunkButTheLast) {
  Chunker chunker({.max_records = 2});
  EXPECT_FALSE(chunker.Add("{\"n\":0}").has_value());
  EXPECT_FALSE(chunker.Add("{\"n\":1}").has_value());
  const std::optional<v1::Chunk> full = chunker.Add("{\"n\":2}");
  ASSERT_TRUE(full.has_value());
  EXPECT_EQ(LinesOf(*full), "{\"n\":0}\n{\"n\":1}\n");
  EXPECT_EQ(chunker.pending_records(), 1);
  EXPECT_EQ(LinesOf(*chunker.Flush()), "{\"n\":2}\n");
  EXPECT_FALSE(chunker.Flush().has_value());
}

TEST(ChunkerTest, BlankRecordsAreSkipped) {
  Chunker chunker({.max_records = 1});
  EXPECT_FALSE(chunker.Add(" \r\n").has_value());
  EXPECT_EQ(chunker.pending_records(), 0);
}

TEST(ChunkNamerTest, MissingIdsAreMadeAndDiffer) {
  ChunkNamer namer("p");
  v1::Chunk first = MakeChunk(""), second = MakeChunk("");
  namer.Name(first);
  namer.Name(second);
  EXPECT_EQ(first.id(), "p-1");
  EXPECT_EQ(second.id(), "p-2");
}

TEST(ChunkNamerTest, AMadeIdStepsAsideForAGivenOne) {
  ChunkNamer namer("p");
  v1::Chunk given = MakeChunk("p-1"), made = MakeChunk("", "{\"a\":2}\n");
  namer.Name(given);
  namer.Name(made);
  EXPECT_EQ(given.id(), "p-1");
  EXPECT_EQ(made.id(), "p-2");
}

TEST(ChunkNamerTest, OtherContentUnderATakenIdGetsANewOne) {
  ChunkNamer namer("p");
  v1::Chunk first = MakeChunk("a", "1\n"), second = MakeChunk("a", "2\n"), third = MakeChunk("a", "3\n");
  namer.Name(first);
  namer.Name(second);
  namer.Name(third);
  EXPECT_EQ(first.id(), "a");
  EXPECT_EQ(second.id(), "a-2");
  EXPECT_EQ(third.id(), "a-3");
}

TEST(ChunkNamerTest, TheSameChunkKeepsItsIdSoThatPushingAgainIsSafe) {
  ChunkNamer namer("p");
  v1::Chunk first = MakeChunk("a", "1\n"), other = MakeChunk("a", "2\n"), again = MakeChunk("a", "2\n");
  (*first.mutable_data()->mutable_parameters()->mutable_fields())["x"].set_number_value(1);
  v1::Chunk first_again = first;
  namer.Name(first);
  namer.Name(other);
  namer.Name(again);
  namer.Name(first_again);
  EXPECT_EQ(again.id(), other.id());
  EXPECT_EQ(first_again.id(), "a");
}

TEST(ChunkNamerTest, OtherParametersAreOtherContent) {
  ChunkNamer namer("p");
  v1::Chunk plain = MakeChunk("a"), with_parameters = MakeChunk("a");
  (*with_parameters.mutable_data()->mutable_parameters()->mutable_fields())["x"].set_number_value(1);
  namer.Name(plain);
  namer.Name(with_parameters);
  EXPECT_EQ(with_parameters.id(), "a-2");
}

TEST(ChunkNamerTest, NewIdsStayWithinTheLimit) {
  ChunkNamer namer("p");
  v1::Chunk first = MakeChunk(std::string(128, 'a'), "1\n"), second = MakeChunk(std::string(128, 'a'), "2\n");
  namer.Name(first);
  namer.Name(second);
  EXPECT_EQ(second.id(), std::string(126, 'a') + "-2");
}

TEST(ChunkNamerTest, ARefusedChunkGivesItsIdBack) {
  ChunkNamer namer("p");
  v1::Chunk refused = MakeChunk("a", "1\n"), mended = MakeChunk("a", "2\n");
  namer.Name(refused);
  namer.Forget(refused.id());
  namer.Name(mended);
  EXPECT_EQ(mended.id(), "a");
}

TEST(RandomIdTest, IdsDiffer) {
  EXPECT_EQ(RandomId().size(), 26u);
  EXPECT_NE(RandomId(), RandomId());
}

}  // namespace
}  // namespace millrace::client
