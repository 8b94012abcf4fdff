// Rows that are not what was written: every decoder answers, and none falls over.
#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "storage/format/notice_rows.h"
#include "storage/format/payload.h"
#include "storage/format/rows.h"
#include "storage/format/schedule_rows.h"
#include "storage/format/wire.h"
#include "storage/model/errors.h"
#include "tests/storage/format/sample_rows.h"
#include "tests/support/status_matchers.h"

namespace millrace::format {
namespace {

using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using model::Reason;

/// A row that is whole, and what reads it.
struct Sample {
  std::string name;
  std::string row;
  std::function<absl::Status(std::string_view)> decode;
};

std::vector<Sample> Samples() {
  const model::Job job = SampleJob();
  const std::string definition = EncodeJobDefinition(job);
  const model::ChunkResult result = SampleResult();
  const std::string result_row = EncodeResultBody(result, EncodePayload(result.json_lines)) + EncodeResultPlace(result);
  return {
      {"Job", EncodeJobProgress(job),
       [definition](std::string_view row) { return DecodeJob(definition, row).status(); }},
      {"Chunk", EncodeChunk(SampleChunk()), [](std::string_view row) { return DecodeChunk(3, row).status(); }},
      {"Input", EncodeInput(EncodePayload("{\"n\":1}\n"), "{}", SampleChunk().summary),
       [](std::string_view row) { return DecodeInput(SampleChunk(), row).status(); }},
      {"Result", result_row, [](std::string_view row) { return DecodeResult(1, row).status(); }},
      {"ResultBytes", result_row, [](std::string_view row) { return ResultOutputBytes(row).status(); }},
      {"ResultPlace", result_row, [](std::string_view row) { return DecodeResultPlace(row).status(); }},
      {"Exceptions", EncodeExceptionBlock(SampleExceptions()),
       [](std::string_view row) { return DecodeExceptionBlock(row).status(); }},
      {"Resolution", EncodeResolution(SampleResolution()),
       [](std::string_view row) { return DecodeResolution(row).status(); }},
      {"Event", EncodeJobEvent(SampleEvent()), [](std::string_view row) { return DecodeJobEvent(3, row).status(); }},
      {"Group", EncodeExceptionGroup(SampleGroup()),
       [](std::string_view row) { return DecodeExceptionGroup(row).status(); }},
      {"Statistics", EncodeRunStatistics(SampleStatistics()),
       [](std::string_view row) { return DecodeRunStatistics(row).status(); }},
      {"Version", EncodeServiceVersion(SampleVersion()),
       [](std::string_view row) { return DecodeServiceVersion(row).status(); }},
      {"IndexedChunk", EncodeIndexedChunk({1, "hash"}),
       [](std::string_view row) { return DecodeIndexedChunk(row).status(); }},
      {"IndexedJob", EncodeIndexedJob({"job"}), [](std::string_view row) { return DecodeIndexedJob(row).status(); }},
      {"IndexedVersion", EncodeIndexedVersion({"a/b", "1.0.0"}),
       [](std::string_view row) { return DecodeIndexedVersion(row).status(); }},
      {"Notice", EncodeNotice({SampleEvent(), SampleJob()}),
       [](std::string_view row) { return DecodeNotice(3, row).status(); }},
      {"JobSums", EncodeJobSums(SampleSums()), [](std::string_view row) { return DecodeJobSums(row).status(); }},
      {"Schedule", EncodeScheduleDefinition(SampleSchedule()),
       [](std::string_view row) { return DecodeSchedule(row, EncodeScheduleProgress(SampleSchedule())).status(); }},
      {"ScheduleProgress", EncodeScheduleProgress(SampleSchedule()), DecodeScheduleProgress},
      {"ScheduleRun", EncodeScheduleRun(SampleSchedule().last_ended),
       [](std::string_view row) { return DecodeScheduleRun(row).status(); }},
      {"MetaNumber", EncodeMetaNumber(1), [](std::string_view row) { return DecodeMetaNumber(row).status(); }},
  };
}

void ExpectAnswer(const Sample& sample, std::string_view row) {
  const absl::Status status = sample.decode(row);
  EXPECT_TRUE(status.ok() || model::HasReason(status, Reason::kStorageCorrupt)) << status.ToString();
}

class DamagedRowsTest : public ::testing::TestWithParam<Sample> {};

TEST_P(DamagedRowsTest, WholeRowsAreRead) { EXPECT_THAT(GetParam().decode(GetParam().row), IsOk()); }

TEST_P(DamagedRowsTest, TruncatedRowsNeverCrash) {
  const std::string& row = GetParam().row;
  for (size_t size = 0; size < row.size(); ++size) {
    // A copy, so that a read behind the end is a read outside of an allocation.
    ExpectAnswer(GetParam(), std::string(row.data(), size));
  }
}

TEST_P(DamagedRowsTest, FlippedBitsNeverCrash) {
  std::string row = GetParam().row;
  for (size_t bit = 0; bit < row.size() * 8; ++bit) {
    row[bit / 8] ^= static_cast<char>(1 << bit % 8);
    ExpectAnswer(GetParam(), row);
    row[bit / 8] ^= static_cast<char>(1 << bit % 8);
  }
}

TEST_P(DamagedRowsTest, NoiseNeverCrashes) {
  constexpr uint32_t kSeed = 20240101;
  std::mt19937 random(kSeed);
  for (int i = 0; i < 2'000; ++i) {
    std::string row(random() % 64, '\0');
    for (char& byte : row) byte = static_cast<char>(random());
    ExpectAnswer(GetParam(), row);
  }
}

TEST_P(DamagedRowsTest, AFieldThatEndsBehindTheRowIsCorrupt) {
  std::string row = GetParam().row;
  wire::AppendTag(row, 1'000, wire::Type::kBytes);
  wire::AppendVarint(row, uint64_t{1} << 62);
  if (GetParam().name == "ResultBytes") return;  // It stops reading at the payload.
  EXPECT_THAT(GetParam().decode(row), IsError(Reason::kStorageCorrupt));
}

INSTANTIATE_TEST_SUITE_P(Rows, DamagedRowsTest, ::testing::ValuesIn(Samples()),
                         [](const ::testing::TestParamInfo<Sample>& info) { return info.param.name; });

TEST(DamagedPayloadsTest, ADamagedPayloadInsideAWholeRowIsCorrupt) {
  std::string payload = EncodePayload("{\"n\":1}\n");
  payload.back() ^= 1;
  const model::ChunkResult result = SampleResult();
  EXPECT_THAT(DecodeResult(1, EncodeResultBody(result, payload)), IsError(Reason::kStorageCorrupt));
  EXPECT_THAT(DecodeInput(SampleChunk(), EncodeInput(payload, "", {})), IsError(Reason::kStorageCorrupt));
}

TEST(VarintTest, OverlongAndOpenVarintsAreRefused) {
  uint64_t value = 0;
  for (const std::string& bytes : {std::string(), std::string("\x80"), std::string(10, '\x80'),
                                   std::string(9, '\xff') + "\x02", std::string(11, '\x01').insert(0, 10, '\x80')}) {
    std::string_view in = bytes;
    EXPECT_FALSE(wire::TakeVarint(in, value));
  }
  const std::string largest = std::string(9, '\xff') + "\x01";
  std::string_view in = largest;
  ASSERT_TRUE(wire::TakeVarint(in, value));
  EXPECT_EQ(value, ~uint64_t{0});
}

}  // namespace
}  // namespace millrace::format
