// What rows say of records that are run again. Their bytes are stored and so never change.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "storage/format/keys.h"
#include "storage/format/payload.h"
#include "storage/format/rows.h"
#include "tests/storage/format/sample_rows.h"
#include "tests/support/describe.h"
#include "tests/support/status_matchers.h"

namespace millrace::format {
namespace {

using ::millrace::testing::Describe;
using ::millrace::testing::IsError;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(RerunRowsTest, AChunkSaysWhatItRepeats) {
  model::Chunk chunk;
  chunk.repeats = {{7, 0, 5}, {7, 6, 94}};
  const std::string row = EncodeChunk(chunk);
  EXPECT_EQ(absl::BytesToHexString(row), "1001b2040408071805b2040608071006185e");
  ASSERT_OK_AND_ASSIGN(const model::Chunk decoded, DecodeChunk(0, row));
  EXPECT_EQ(decoded.repeats, chunk.repeats);
}

TEST(RerunRowsTest, AResultSaysWhatItReplaces) {
  model::ChunkResult result;
  result.replaces = {{7, 0, 5}, {9, 1, 1}};
  const std::string row = EncodeResultBody(result, EncodePayload("{}\n")) + EncodeResultPlace(result);
  ASSERT_OK_AND_ASSIGN(const model::ChunkResult decoded, DecodeResult(3, row));
  EXPECT_EQ(decoded.replaces, result.replaces);
}

TEST(RerunRowsTest, AnswersStandBesideTheInput) {
  const std::vector<model::RecordAnswer> answers = {
      {.index = 2, .node = "rate", .question = "may it?", .answer = "yes"}};
  const std::string payload = EncodePayload("{\"n\":1}\n");
  ASSERT_OK_AND_ASSIGN(const model::ChunkInput decoded, DecodeInput({}, EncodeInput(payload, "", {}, answers)));
  EXPECT_EQ(decoded.chunk.answers, answers);
  EXPECT_EQ(EncodeInput(payload, "{}", {}, {}), EncodeInput(payload, "{}", {})) << "nothing where nobody answered";
}

TEST(RerunRowsTest, AResolutionKeepsTheAnswer) {
  model::Resolution resolution = SampleResolution();
  resolution.kind = model::ResolutionKind::kAnswer;
  resolution.answer = "yes";
  resolution.held = true;
  ASSERT_OK_AND_ASSIGN(const model::Resolution decoded, DecodeResolution(EncodeResolution(resolution)));
  EXPECT_EQ(decoded.answer, "yes");
  EXPECT_TRUE(decoded.held);
  EXPECT_EQ(decoded.kind, model::ResolutionKind::kAnswer);
}

TEST(RerunRowsTest, TheRepeatsOfAChunkAreAListOfSequences) {
  EXPECT_EQ(absl::BytesToHexString(EncodeRepeats({2, 300})), "0a0302ac02");
  ASSERT_OK_AND_ASSIGN(const std::vector<int64_t> some, DecodeRepeats(EncodeRepeats({2, 300})));
  EXPECT_THAT(some, ElementsAre(2, 300));
  ASSERT_OK_AND_ASSIGN(const std::vector<int64_t> none, DecodeRepeats(""));
  EXPECT_THAT(none, IsEmpty());
  EXPECT_THAT(DecodeRepeats("\x0a\x09"), IsError(model::Reason::kStorageCorrupt));
}

TEST(RerunRowsTest, RepeatsHaveKeysOfTheirOwnInTheOrderOfTheirChunks) {
  const model::JobKey job{"default", "job-1"};
  const KeyRange range = Repeats(job);
  EXPECT_LT(RepeatsKey(job, 2), RepeatsKey(job, 300));
  EXPECT_TRUE(range.begin <= RepeatsKey(job, 1) && RepeatsKey(job, 300) < range.end);
  EXPECT_FALSE(range.begin <= ChunkIdKey(job, "c") && ChunkIdKey(job, "c") < range.end);
  EXPECT_EQ(ParseNumber(RepeatsKey(job, 300)), 300);
}

TEST(RerunRowsTest, RunsAreTheirRecordsInOrder) {
  const std::vector<model::RecordPlace> places = {{1, 0}, {1, 1}, {1, 3}, {2, 4}, {2, 5}};
  const std::vector<model::RecordRun> runs = model::RunsOf(places);
  EXPECT_THAT(runs, ElementsAre(model::RecordRun{1, 0, 2}, model::RecordRun{1, 3, 1}, model::RecordRun{2, 4, 2}));
  EXPECT_EQ(model::CountOf(runs), 5);
  EXPECT_THAT(model::RunsOf({}), IsEmpty());
}

}  // namespace
}  // namespace millrace::format
