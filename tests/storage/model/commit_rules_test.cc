#include "storage/model/commit_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "storage/model/job_rules.h"
#include "tests/support/factories.h"
#include "tests/support/status_matchers.h"

namespace millrace::model {
namespace {

using ::millrace::testing::At;
using ::millrace::testing::ExampleChunk;
using ::millrace::testing::ExampleCommit;
using ::millrace::testing::ExampleJob;
using ::millrace::testing::IsOk;
using ::testing::ElementsAre;

TEST(ContentHashTest, TellsApartWhatAChunkHolds) {
  const NewChunk chunk = ExampleChunk("c");
  NewChunk payload = chunk;
  payload.json_lines += "{}\n";
  NewChunk parameters = chunk;
  parameters.parameters_json = R"({"rate":3})";
  NewChunk ignore = chunk;
  ignore.summary.ignore_error = true;
  NewChunk summary = chunk;
  summary.summary.aggregations = {{"m", AggregationOperator::kSum}};
  NewChunk other_operator = chunk;
  other_operator.summary.aggregations = {{"m", AggregationOperator::kMax}};
  NewChunk other_output = chunk;
  other_output.summary.aggregations = {{"n", AggregationOperator::kSum}};
  const std::set<std::string> hashes = {ContentHash(chunk),       ContentHash(payload), ContentHash(parameters),
                                        ContentHash(ignore),      ContentHash(summary), ContentHash(other_operator),
                                        ContentHash(other_output)};
  EXPECT_EQ(hashes.size(), 7);
}

TEST(ContentHashTest, IsTheSameUnderAnotherId) {
  EXPECT_EQ(ContentHash(ExampleChunk("one")), ContentHash(ExampleChunk("two")));
}

TEST(ContentHashTest, NeverChanges) {
  NewChunk chunk = ExampleChunk("c", 1);
  chunk.parameters_json = "{}";
  chunk.summary.aggregations = {{"m", AggregationOperator::kSum}};
  EXPECT_EQ(ContentHash(chunk), "344842f75b80c248ce25baf059195a40");
}

TEST(MakeChunkTest, IsPendingWithTheSizeOfItsPayload) {
  NewChunk pushed = ExampleChunk("c", 2);
  pushed.parameters_json = "{}";
  const Chunk chunk = MakeChunk(pushed, 5, At(3));
  EXPECT_EQ(chunk.id, "c");
  EXPECT_EQ(chunk.sequence, 5);
  EXPECT_EQ(chunk.state, ChunkState::kPending);
  EXPECT_EQ(chunk.record_count, 2);
  EXPECT_EQ(chunk.input_bytes, 16);
  EXPECT_EQ(chunk.parameters_json, "{}");
  EXPECT_EQ(chunk.content_hash, ContentHash(pushed));
  EXPECT_EQ(chunk.push_time, At(3));
  EXPECT_EQ(chunk.commit_time, absl::InfinitePast());
}

class CommittedChunkTest : public ::testing::Test {
 protected:
  CommittedChunkTest() {
    ApplyCreate(job_, 1, At(0));
    EXPECT_THAT(ApplyPush(job_, {.chunks = 2, .records = 6, .bytes = 48}, At(1)), IsOk());
  }

  /// Commits chunk `sequence` with `failed` failures and returns its outcome.
  ChunkOutcome Commit(int64_t sequence, int32_t failed) {
    chunk_ = MakeChunk(ExampleChunk("c" + std::to_string(sequence)), sequence, At(1));
    ChunkCommit commit = ExampleCommit(job_.key(), sequence, 3, failed);
    commit.attempt = 2;
    commit.outcome.warnings = {{2, "mass", "odd"}};
    commit.outcome.summary = {{"m", AggregationOperator::kSum, true, 6, 3}};
    commit.outcome.summary_error = "none";
    EXPECT_THAT(ApplyCommit(job_, chunk_, commit, 1, At(2)), IsOk());
    return std::move(commit.outcome);
  }

  Job job_ = ExampleJob();
  Chunk chunk_;
};

TEST_F(CommittedChunkTest, TheResultHoldsWhatTheOutcomeHeld) {
  ChunkOutcome outcome = Commit(2, 1);
  const ChunkResult result = MakeResult(job_, chunk_, outcome);
  EXPECT_EQ(result.number, 1);
  EXPECT_EQ(result.chunk_id, "c2");
  EXPECT_EQ(result.sequence, 2);
  EXPECT_EQ(result.record_count, 3);
  EXPECT_EQ(result.json_lines, "null\n{\"m\":2}\n{\"m\":2}\n");
  ASSERT_EQ(result.errors.size(), 1);
  EXPECT_EQ(result.errors[0].index, 0);
  EXPECT_EQ(result.errors[0].node, "mass");
  EXPECT_EQ(result.errors[0].code, "FAILED");
  EXPECT_EQ(result.errors[0].message, "unknown size");
  ASSERT_EQ(result.warnings.size(), 1);
  EXPECT_EQ(result.warnings[0].message, "odd");
  EXPECT_THAT(result.process_time_ns, ElementsAre(100, 101, 102));
  ASSERT_EQ(result.summary.size(), 1);
  EXPECT_EQ(result.summary[0].value, 6);
  EXPECT_EQ(result.summary_error, "none");
  EXPECT_EQ(result.config_hash, chunk_.config_hash);
  EXPECT_EQ(result.attempt, 2);
}

TEST_F(CommittedChunkTest, ResultsCarrySumsOverAllBeforeThem) {
  ChunkOutcome first_outcome = Commit(2, 1);
  const ChunkResult first = MakeResult(job_, chunk_, first_outcome);
  ChunkOutcome second_outcome = Commit(1, 3);
  const ChunkResult second = MakeResult(job_, chunk_, second_outcome);
  EXPECT_EQ(first.cumulative_records, 3);
  EXPECT_EQ(second.cumulative_records, 6);
  EXPECT_EQ(first.cumulative_output_bytes, static_cast<int64_t>(first.json_lines.size()));
  EXPECT_EQ(second.cumulative_output_bytes, job_.output_buffer_used_bytes);
}

TEST_F(CommittedChunkTest, EachFailureBecomesAnException) {
  const ChunkOutcome outcome = Commit(1, 2);
  const std::vector<RecordException> exceptions = ExceptionsOf(chunk_, outcome);
  ASSERT_EQ(exceptions.size(), 2);
  const RecordException& second = exceptions[1];
  EXPECT_EQ(second.sequence, 1);
  EXPECT_EQ(second.index, 1);
  EXPECT_EQ(second.chunk_id, "c1");
  EXPECT_EQ(second.input, R"({"n":1})");
  EXPECT_EQ(second.node, "mass");
  EXPECT_EQ(second.code, "FAILED");
  EXPECT_EQ(second.message, "unknown size");
  EXPECT_EQ(second.fingerprint, Fingerprint("mass", "FAILED", "unknown size", chunk_.config_hash));
  EXPECT_EQ(second.config_hash, chunk_.config_hash);
  EXPECT_EQ(second.create_time, At(2));
  EXPECT_EQ(second.resolution.state, ExceptionState::kUnresolved);
}

RecordException ExceptionAt(int64_t sequence, std::string_view message, int64_t second) {
  RecordException exception;
  exception.sequence = sequence;
  exception.node = "mass";
  exception.code = "FAILED";
  exception.message = std::string(message);
  exception.config_hash = "hash";
  exception.fingerprint = Fingerprint("mass", "FAILED", NormaliseMessage(message), "hash");
  exception.create_time = At(second);
  return exception;
}

TEST(ExceptionGroupTest, CountsAndKeepsTheFirstAsSample) {
  const RecordException first = ExceptionAt(3, "unknown size 'A'", 1);
  ExceptionGroup group = MakeGroup(first);
  EXPECT_EQ(group.count, 0);
  AddToGroup(group, first);
  AddToGroup(group, ExceptionAt(1, "unknown size 'B'", 5));
  EXPECT_EQ(group.fingerprint, first.fingerprint);
  EXPECT_EQ(group.node, "mass");
  EXPECT_EQ(group.code, "FAILED");
  EXPECT_EQ(group.config_hash, "hash");
  EXPECT_EQ(group.normalised_message, "unknown size '…'");
  EXPECT_EQ(group.count, 2);
  EXPECT_EQ(group.first_time, At(1));
  EXPECT_EQ(group.last_time, At(5));
  EXPECT_EQ(group.sample_exception_id, "3-0");
  EXPECT_EQ(group.sample_message, "unknown size 'A'");
}

TEST(ExceptionGroupTest, LargerGroupsComeFirst) {
  ExceptionGroup small = MakeOtherGroup();
  ExceptionGroup large = MakeOtherGroup();
  small.count = 1;
  large.count = 2;
  large.fingerprint = "ffff";
  EXPECT_TRUE(ComesBefore(large, small));
  EXPECT_FALSE(ComesBefore(small, large));
  small.count = 2;
  EXPECT_TRUE(ComesBefore(small, large)) << "equal counts go by fingerprint";
  EXPECT_FALSE(ComesBefore(small, small));
}

}  // namespace
}  // namespace millrace::model
