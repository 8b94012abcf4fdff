#include "storage/format/rows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "storage/format/payload.h"
#include "storage/format/wire.h"
#include "storage/model/digest.h"
#include "tests/storage/format/sample_rows.h"
#include "tests/support/describe.h"
#include "tests/support/status_matchers.h"

namespace millrace::format {
namespace {

using ::millrace::testing::Describe;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using model::Reason;

std::string Unknown() {
  std::string fields;
  wire::AppendTag(fields, 1'000, wire::Type::kVarint);
  wire::AppendVarint(fields, 300);
  wire::AppendTag(fields, 1'001, wire::Type::kFixed64);
  wire::AppendFixed64(fields, 1);
  wire::AppendTag(fields, 1'002, wire::Type::kBytes);
  wire::AppendVarint(fields, 3);
  fields += "abc";
  wire::AppendTag(fields, 1'003, wire::Type::kFixed32);
  fields += "1234";
  return fields;
}

TEST(RowsTest, AJobComesBackWhole) {
  const model::Job job = SampleJob();
  ASSERT_OK_AND_ASSIGN(const model::Job decoded, DecodeJob(EncodeJobDefinition(job), EncodeJobProgress(job)));
  EXPECT_EQ(Describe(decoded), Describe(job));
}

TEST(RowsTest, AnEventComesBackWhole) {
  ASSERT_OK_AND_ASSIGN(const model::JobEvent decoded, DecodeJobEvent(3, EncodeJobEvent(SampleEvent())));
  EXPECT_EQ(decoded, SampleEvent());
}

TEST(RowsTest, TheNumberOfTheNewestEventIsPartOfTheProgress) {
  model::Job job = SampleJob();
  job.last_event = 19;
  ASSERT_OK_AND_ASSIGN(const model::Job decoded, DecodeJob(EncodeJobDefinition(job), EncodeJobProgress(job)));
  EXPECT_EQ(decoded.last_event, 19);
}

TEST(RowsTest, APauseIsPartOfTheProgress) {
  const model::Job before = SampleJob();
  model::Job job = before;
  job.resume_state = model::JobState::kClosed;
  job.pause_time = millrace::testing::At(5);
  job.pause_reason = "why";
  job.ramps = 18;
  EXPECT_EQ(EncodeJobDefinition(job), EncodeJobDefinition(before));
  const std::string progress = EncodeJobProgress(job);
  ASSERT_OK_AND_ASSIGN(const model::Job decoded, DecodeJob(EncodeJobDefinition(job), progress));
  EXPECT_EQ(Describe(decoded), Describe(job));
  EXPECT_EQ(absl::BytesToHexString(progress.substr(EncodeJobProgress(before).size())),
            "900304"
            "990300f26a2b1810a617"
            "a20303776879"
            "a80312");
}

TEST(RowsTest, WhatAJobLacksComesBackEmptyWhateverItsDefaultIs) {
  model::Job job;
  job.options = {0, 0, 0, absl::ZeroDuration(), ""};
  job.parameters_json = "";
  ASSERT_OK_AND_ASSIGN(const model::Job decoded, DecodeJob(EncodeJobDefinition(job), EncodeJobProgress(job)));
  EXPECT_EQ(Describe(decoded), Describe(job));
}

TEST(RowsTest, ProgressRepeatsNothingOfTheDefinition) {
  model::Job job = SampleJob();
  const std::string progress = EncodeJobProgress(job);
  job.parameters_json = std::string(1'000'000, ' ');
  job.metadata.description = "another";
  job.selected_outputs.clear();
  EXPECT_EQ(EncodeJobProgress(job), progress);
}

TEST(RowsTest, AJobInAnUnknownStateIsCorrupt) {
  model::Job job = SampleJob();
  EXPECT_THAT(DecodeJob(EncodeJobDefinition(job), ""), IsError(Reason::kStorageCorrupt));
  job.state = static_cast<model::JobState>(10);
  EXPECT_THAT(DecodeJob(EncodeJobDefinition(job), EncodeJobProgress(job)), IsError(Reason::kStorageCorrupt));
}

TEST(RowsTest, AChunkComesBackWholeFromItsTwoRows) {
  const model::Chunk chunk = SampleChunk();
  const std::string lines = "{\"n\":1}\n";
  ASSERT_OK_AND_ASSIGN(model::Chunk row, DecodeChunk(chunk.sequence, EncodeChunk(chunk)));
  EXPECT_EQ(row.parameters_json, "");
  const std::string input_row = EncodeInput(EncodePayload(lines), chunk.parameters_json, chunk.summary);
  ASSERT_OK_AND_ASSIGN(const model::ChunkInput input, DecodeInput(std::move(row), input_row));
  EXPECT_EQ(Describe(input.chunk), Describe(chunk));
  EXPECT_EQ(input.json_lines, lines);
}

TEST(RowsTest, AResultComesBackWholeFromBodyAndPlace) {
  const model::ChunkResult result = SampleResult();
  const std::string row = EncodeResultBody(result, EncodePayload(result.json_lines)) + EncodeResultPlace(result);
  ASSERT_OK_AND_ASSIGN(const model::ChunkResult decoded, DecodeResult(result.number, row));
  EXPECT_EQ(Describe(decoded), Describe(result));
  EXPECT_TRUE(std::signbit(decoded.summary[1].value));
  ASSERT_OK_AND_ASSIGN(const size_t output_bytes, ResultOutputBytes(row));
  EXPECT_EQ(output_bytes, result.json_lines.size());
  ASSERT_OK_AND_ASSIGN(const ResultPlace place, DecodeResultPlace(row));
  EXPECT_EQ(place.cumulative_output_bytes, 1'000);
  EXPECT_EQ(place.cumulative_records, 50);
}

TEST(RowsTest, ExceptionsComeBackWholeAndInOrder) {
  ASSERT_OK_AND_ASSIGN(const auto decoded, DecodeExceptionBlock(EncodeExceptionBlock(SampleExceptions())));
  EXPECT_EQ(Describe(decoded), Describe(SampleExceptions()));
}

TEST(RowsTest, GroupsStatisticsAndVersionsComeBackWhole) {
  ASSERT_OK_AND_ASSIGN(const auto group, DecodeExceptionGroup(EncodeExceptionGroup(SampleGroup())));
  EXPECT_EQ(Describe(group), Describe(SampleGroup()));
  ASSERT_OK_AND_ASSIGN(const auto statistics, DecodeRunStatistics(EncodeRunStatistics(SampleStatistics())));
  EXPECT_EQ(Describe(statistics), Describe(SampleStatistics()));
  ASSERT_OK_AND_ASSIGN(const auto version, DecodeServiceVersion(EncodeServiceVersion(SampleVersion())));
  EXPECT_EQ(Describe(version), Describe(SampleVersion()));
}

TEST(RowsTest, IndexRowsComeBackWhole) {
  ASSERT_OK_AND_ASSIGN(const IndexedChunk chunk, DecodeIndexedChunk(EncodeIndexedChunk({7, "hash"})));
  EXPECT_EQ(chunk.sequence, 7);
  EXPECT_EQ(chunk.content_hash, "hash");
  ASSERT_OK_AND_ASSIGN(const IndexedJob job, DecodeIndexedJob(EncodeIndexedJob({"job-1"})));
  EXPECT_EQ(job.job_id, "job-1");
  ASSERT_OK_AND_ASSIGN(const IndexedVersion version, DecodeIndexedVersion(EncodeIndexedVersion({"a/b", "1.0.0"})));
  EXPECT_EQ(version.service, "a/b");
  EXPECT_EQ(version.version, "1.0.0");
  ASSERT_OK_AND_ASSIGN(const model::JobSums sums, DecodeJobSums(EncodeJobSums(SampleSums())));
  EXPECT_EQ(sums, SampleSums());
  ASSERT_OK_AND_ASSIGN(const int64_t number, DecodeMetaNumber(EncodeMetaNumber(42)));
  EXPECT_EQ(number, 42);
}

TEST(RowsTest, FieldsOfANewerServerAreSkipped) {
  const model::Job job = SampleJob();
  ASSERT_OK_AND_ASSIGN(const model::Job decoded,
                       DecodeJob(Unknown() + EncodeJobDefinition(job) + Unknown(), EncodeJobProgress(job) + Unknown()));
  EXPECT_EQ(Describe(decoded), Describe(job));
  const model::ChunkResult result = SampleResult();
  const std::string row =
      Unknown() + EncodeResultBody(result, EncodePayload(result.json_lines)) + Unknown() + EncodeResultPlace(result);
  ASSERT_OK_AND_ASSIGN(const model::ChunkResult decoded_result, DecodeResult(result.number, row));
  EXPECT_EQ(Describe(decoded_result), Describe(result));
  EXPECT_THAT(ResultOutputBytes(row), IsOk());
}

// The bytes that version 1 of the format writes. A failure means that older folders can no longer be read as they were.
TEST(RowsTest, TheBytesOfARowNeverChange) {
  model::Chunk chunk;
  chunk.id = "c1";
  chunk.state = model::ChunkState::kCommitted;
  chunk.record_count = 300;
  chunk.push_time = absl::FromUnixNanos(1);
  chunk.result_number = 5;
  EXPECT_EQ(absl::BytesToHexString(EncodeChunk(chunk)),
            "0a026331"
            "1002"
            "18ac02"
            "310100000000000000"
            "5005");

  model::NodeStatistics node;
  node.record_count = 2;
  node.run_times.buckets = {{0, 1}, {36, 1}};
  EXPECT_EQ(absl::BytesToHexString(EncodeRunStatistics({.nodes = {{"n", node}}})),
            "0a11"
            "0a016e"
            "120c"
            "0802"
            "42021001"
            "420408241001");

  model::ChunkResult result;
  result.process_time_ns = {1, 300};
  result.attempt = 0;
  result.cumulative_records = 1;
  EXPECT_EQ(absl::BytesToHexString(EncodeResultBody(result, "p") + EncodeResultPlace(result)),
            "320301ac02"
            "5a0170"
            "6801");
}

// The same for rows in which every field is set, too long to read: a digest of each.
TEST(RowsTest, TheBytesOfAFullRowNeverChange) {
  const model::ChunkResult result = SampleResult();
  const std::vector<std::pair<std::string, std::string>> digests = {
      {EncodeJobDefinition(SampleJob()), "d4d050ff71b0c91a"},
      {EncodeJobProgress(SampleJob()), "ed908374da404e1a"},
      {EncodeChunk(SampleChunk()), "c65aa441708333ec"},
      {EncodeInput("payload", "{}", SampleChunk().summary), "d0430137ea602acd"},
      {EncodeResultBody(result, "payload") + EncodeResultPlace(result), "8cc509496809b90a"},
      {EncodeExceptionGroup(SampleGroup()), "27344cc75661d8c8"},
      {EncodeResolution(SampleResolution()), "b5804a949da7a9ac"},
      {EncodeJobEvent(SampleEvent()), "7b5a1ce4dc002998"},
      {EncodeRunStatistics(SampleStatistics()), "dfb0bec4e228b08b"},
      {EncodeServiceVersion(SampleVersion()), "a4d7e01ce80ecac6"},
      {EncodeIndexedChunk({7, "hash"}), "5fe3ec4c666a1074"},
      {EncodeIndexedJob({"job-1"}), "ac9e3206b3f806dc"},
      {EncodeIndexedVersion({"a/b", "1.0.0"}), "f9330dd3ae4ec541"},
      {EncodeJobSums(SampleSums()), "63903a9b1e41d47a"},
      {EncodeMetaNumber(42), "48f8a9a47e7ba9c3"},
  };
  for (const auto& [row, digest] : digests) {
    EXPECT_EQ(model::Digest64({row}), digest) << absl::BytesToHexString(row);
  }
}

TEST(RowsTest, AnExceptionSaysThatAPersonIsAsked) {
  std::vector<model::RecordException> exceptions = SampleExceptions();
  exceptions.back().held = true;
  ASSERT_OK_AND_ASSIGN(const auto decoded, DecodeExceptionBlock(EncodeExceptionBlock(exceptions)));
  EXPECT_FALSE(decoded.front().held);
  EXPECT_TRUE(decoded.back().held);
}

// Compressed bytes differ between versions of LZ4; what must not change is that they can be read.
TEST(RowsTest, ABlockOfExceptionsOfTheFirstServerCanBeRead) {
  const std::string row = absl::HexStringToBytes(
      "0a7900000000000000006848e4a7496e198aac0a04080358010a60080310011a076368756e6b2d31220b7b2273697a65"
      "223a2200ff2a046d61737332064641494c45443a0c756e6b6e6f776e2073697a65421030313233343536373839616263"
      "6465664a0b636f6e6669672d686173685100caff3c1710a6175801");
  ASSERT_OK_AND_ASSIGN(const auto decoded, DecodeExceptionBlock(row));
  EXPECT_EQ(Describe(decoded), Describe(SampleExceptions()));
}

}  // namespace
}  // namespace millrace::format
