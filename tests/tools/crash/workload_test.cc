#include "tools/crash/workload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace millrace::crash {
namespace {

using ::testing::HasSubstr;

// With a record that fails, and some that do not.
constexpr int64_t kIndex = 1;

v1::ChunkResult RightResult(int64_t index = kIndex) {
  v1::ChunkResult result;
  result.set_chunk_id(absl::StrCat("c-", index));
  result.set_record_count(RecordCount(index));
  double sum = 0;
  for (int32_t place = 0; place < RecordCount(index); ++place) {
    const std::optional<double> output = ExpectedOutput(index, place);
    if (output.has_value()) {
      sum += *output;
      absl::StrAppend(result.mutable_json_lines(), "{\"double\":", *output, "}\n");
    } else {
      result.mutable_json_lines()->append("null\n");
      result.add_errors()->set_index(place);
    }
  }
  result.set_failed_count(result.errors_size());
  result.add_summary()->set_value(sum);
  return result;
}

TEST(WorkloadTest, AcceptsWhatMustBecomeOfEachChunk) {
  for (int64_t index = 0; index < 100; ++index) EXPECT_EQ(FaultOf(RightResult(index)), "") << index;
}

TEST(WorkloadTest, SeesAnOutputThatIsAnotherRecords) {
  v1::ChunkResult result = RightResult();
  result.mutable_json_lines()->insert(result.json_lines().find('}'), "0");
  EXPECT_THAT(FaultOf(result), HasSubstr("at place 0"));
}

TEST(WorkloadTest, SeesAMissingLine) {
  v1::ChunkResult result = RightResult();
  result.mutable_json_lines()->erase(0, result.json_lines().find('\n') + 1);
  EXPECT_THAT(FaultOf(result), HasSubstr("lines"));
}

TEST(WorkloadTest, SeesAnErrorThatIsMissing) {
  v1::ChunkResult result = RightResult();
  ASSERT_GT(result.errors_size(), 0);
  result.mutable_errors()->RemoveLast();
  EXPECT_THAT(FaultOf(result), HasSubstr("no error"));
}

TEST(WorkloadTest, SeesAWrongSum) {
  v1::ChunkResult result = RightResult();
  result.mutable_summary(0)->set_value(result.summary(0).value() + 1);
  EXPECT_THAT(FaultOf(result), HasSubstr("sums up"));
}

TEST(WorkloadTest, SeesAChunkThatNobodyPushed) {
  v1::ChunkResult result = RightResult();
  result.set_chunk_id("x-1");
  EXPECT_THAT(FaultOf(result), HasSubstr("nobody pushed"));
}

TEST(WorkloadTest, NoTwoRecordsOfAPipelineAreTheSame) {
  for (int64_t index = 0; index < 100; ++index) {
    EXPECT_NE(RecordText(index, RecordCount(index) - 1), RecordText(index + 1, 0));
  }
}

}  // namespace
}  // namespace millrace::crash
