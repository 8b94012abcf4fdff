#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "storage/model/errors.h"
#include "tests/storage/store/job_store_fixture.h"

namespace millrace::store {
namespace {

using ::millrace::testing::At;
using ::millrace::testing::Describe;
using ::millrace::testing::ExampleChunk;
using ::millrace::testing::ExampleCommit;
using ::millrace::testing::ExampleVersion;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using model::JobKey;
using model::JobPtr;
using model::JobState;
using model::Reason;
using ::testing::ElementsAre;
using ::testing::SizeIs;

class CommitTest : public JobStoreTest {};

TEST_P(CommitTest, TheResultHoldsWhatTheWorkerBrought) {
  const JobKey job = Create()->key();
  PushMany(job, 1);
  model::ChunkCommit commit = ExampleCommit(job, 1, 3, 1);
  commit.attempt = 2;
  commit.config_hash = "another-hash";
  commit.outcome.warnings = {{1, "mass", "odd"}, {2, "mass", "odder"}};
  commit.outcome.summary = {{"m", model::AggregationOperator::kSum, true, 0.1, 2},
                            {"m", model::AggregationOperator::kMin, false, 0, 0}};
  commit.outcome.summary_error = "m: not a number";
  ASSERT_THAT(Commit(commit), IsOk());

  const std::vector<model::ChunkResult> results = Results(job);
  ASSERT_THAT(results, SizeIs(1));
  const model::ChunkResult& result = results[0];
  EXPECT_EQ(result.number, 1);
  EXPECT_EQ(result.chunk_id, "c1");
  EXPECT_EQ(result.sequence, 1);
  EXPECT_EQ(result.record_count, 3);
  EXPECT_EQ(result.json_lines, commit.outcome.json_lines);
  ASSERT_THAT(result.errors, SizeIs(1));
  EXPECT_EQ(result.errors[0].message, "unknown size");
  ASSERT_THAT(result.warnings, SizeIs(2));
  EXPECT_EQ(result.warnings[1].index, 2);
  EXPECT_EQ(result.warnings[1].message, "odder");
  EXPECT_THAT(result.process_time_ns, ElementsAre(100, 101, 102));
  ASSERT_THAT(result.summary, SizeIs(2));
  EXPECT_EQ(result.summary[0].value, 0.1);
  EXPECT_FALSE(result.summary[1].has_value);
  EXPECT_EQ(result.summary_error, "m: not a number");
  EXPECT_EQ(result.config_hash, "another-hash");
  EXPECT_EQ(result.attempt, 2);
}

TEST_P(CommitTest, TheChunkRemembersItsCommit) {
  const JobKey job = Create()->key();
  PushMany(job, 2);
  CommitOne(job, 2);
  Tick();
  CommitOne(job, 1);
  ASSERT_OK_AND_ASSIGN(const model::ChunkInput input, store().ReadChunk(job, 1));
  EXPECT_EQ(input.chunk.state, model::ChunkState::kCommitted);
  EXPECT_EQ(input.chunk.commit_time, At(1));
  EXPECT_EQ(input.chunk.attempts, 1);
  EXPECT_EQ(input.chunk.config_hash, ExampleVersion().config_hash);
  EXPECT_EQ(input.chunk.result_number, 2);
  EXPECT_EQ(input.json_lines, ExampleChunk("c1").json_lines) << "inputs are kept";
}

TEST_P(CommitTest, TheJobCountsWhatWasDone) {
  const JobKey job = Create()->key();
  PushMany(job, 3);
  CommitOne(job, 1, 0);
  CommitOne(job, 2, 1);
  CommitOne(job, 3, 3);
  ASSERT_OK_AND_ASSIGN(const JobPtr stored, store().GetJob(job));
  EXPECT_EQ(stored->counters.chunks_completed, 3);
  EXPECT_EQ(stored->counters.chunks_failed, 1);
  EXPECT_EQ(stored->counters.records_completed, 5);
  EXPECT_EQ(stored->counters.records_failed, 4);
  EXPECT_EQ(stored->counters.compute_nanos, 9'000);
  EXPECT_EQ(stored->input_buffer_used_bytes, 0);
  EXPECT_EQ(stored->unacknowledged_records, 9);
  EXPECT_EQ(stored->last_result, 3);
}

TEST_P(CommitTest, TheCompletionShowsTheJobAfterTheCommit) {
  const JobKey job = Create()->key();
  PushMany(job, 1);
  ASSERT_OK_AND_ASSIGN(const JobPtr after, Commit(ExampleCommit(job, 1)));
  ASSERT_OK_AND_ASSIGN(const JobPtr stored, store().GetJob(job));
  EXPECT_EQ(after->last_result, 1);
  EXPECT_EQ(Describe(*after), Describe(*stored));
}

TEST_P(CommitTest, ResultsAreNumberedInCommitOrderWithRunningSums) {
  const JobKey job = Create()->key();
  PushMany(job, 3);
  for (const int64_t sequence : {3, 1, 2}) CommitOne(job, sequence, sequence == 1 ? 2 : 0);
  const std::vector<model::ChunkResult> results = Results(job);
  ASSERT_THAT(results, SizeIs(3));
  int64_t output_bytes = 0;
  int64_t number = 0;
  for (const model::ChunkResult& result : results) {
    output_bytes += static_cast<int64_t>(result.json_lines.size());
    EXPECT_EQ(result.number, ++number);
    EXPECT_EQ(result.cumulative_output_bytes, output_bytes);
    EXPECT_EQ(result.cumulative_records, 3 * number);
  }
  EXPECT_EQ(results[0].sequence, 3);
  EXPECT_EQ(results[1].sequence, 1);
  EXPECT_EQ(results[2].sequence, 2);
}

TEST_P(CommitTest, TheWatermarkFollowsTheOldestUncommittedChunk) {
  const JobKey job = Create()->key();
  PushMany(job, 5);
  std::vector<int64_t> watermarks;
  for (const int64_t sequence : {2, 4, 1, 3, 5}) {
    ASSERT_OK_AND_ASSIGN(const JobPtr after, Commit(ExampleCommit(job, sequence)));
    watermarks.push_back(after->watermark);
  }
  EXPECT_THAT(watermarks, ElementsAre(0, 0, 2, 4, 5));
}

TEST_P(CommitTest, AChunkIsCommittedOnce) {
  const JobKey job = Create()->key();
  PushMany(job, 2);
  CommitOne(job, 2, 1);
  const std::string before = Everything(job);
  Tick();
  EXPECT_THAT(Commit(ExampleCommit(job, 2, 3, 2)), IsError(Reason::kLeaseStale));
  EXPECT_EQ(Everything(job), before);
}

TEST_P(CommitTest, ALeaseOfAnotherEpochIsStale) {
  const JobKey job = Create()->key();
  PushMany(job, 1);
  const std::string before = Everything(job);
  model::ChunkCommit commit = ExampleCommit(job, 1);
  commit.epoch = store().epoch() - 1;
  EXPECT_THAT(Await<JobPtr>([&](auto done) { store().CommitChunk(std::move(commit), std::move(done)); }),
              IsError(Reason::kLeaseStale));
  EXPECT_EQ(Everything(job), before);
}

TEST_P(CommitTest, AChunkThatWasNeverPushedIsNotFound) {
  const JobKey job = Create()->key();
  PushMany(job, 1);
  EXPECT_THAT(Commit(ExampleCommit(job, 2)), IsError(Reason::kPipelineNotFound));
}

TEST_P(CommitTest, AnOutcomeWithOtherRecordsIsADefect) {
  const JobKey job = Create()->key();
  PushMany(job, 1);
  const std::string before = Everything(job);
  EXPECT_THAT(Commit(ExampleCommit(job, 1, 2)), IsError(Reason::kInternalError));
  EXPECT_EQ(Everything(job), before);
}

TEST_P(CommitTest, TheLastCommitOfAClosedJobCompletesIt) {
  const JobKey job = Create()->key();
  PushMany(job, 2);
  ASSERT_THAT(store().CloseJob(job), IsOk());
  CommitOne(job, 2);
  Tick();
  ASSERT_OK_AND_ASSIGN(const JobPtr done, Commit(ExampleCommit(job, 1)));
  EXPECT_EQ(done->state, JobState::kCompleted);
  EXPECT_EQ(done->complete_time, At(1));
}

TEST_P(CommitTest, LabelsSlowestRecordsAndWorkersAddUp) {
  const JobKey job = Create()->key();
  PushMany(job, 3);
  for (int64_t sequence = 1; sequence <= 3; ++sequence) {
    Tick();
    model::ChunkCommit commit = ExampleCommit(job, sequence, 3, sequence == 2 ? 1 : 0);
    commit.worker = sequence == 2 ? "b" : "a";
    commit.outcome.labels = {{1, "ADDED", 1}, {2, "UPDATED", sequence}};
    commit.outcome.process_time_ns = {sequence, 10 * sequence, 0};
    ASSERT_THAT(Commit(commit), IsOk());
  }
  const std::string expected =
      "label: ADDED 3\nlabel: UPDATED 6\n"
      "slow: 3-1 c3 30  ADDED=1 a\n"
      "slow: 2-1 c2 20  ADDED=1 b\n"
      "slow: 1-1 c1 10  ADDED=1 a\n"
      "slow: 3-0 c3 3   a\n"
      "slow: 2-0 c2 2 FAILED  b\n"
      "slow: 1-0 c1 1   a\n";
  const std::string text = Describe(store().GetRunStatistics(job));
  EXPECT_THAT(text, ::testing::HasSubstr(expected));
  EXPECT_THAT(text, ::testing::HasSubstr("worker: a\ncounts: 2 6 0 6000\n"));
  EXPECT_THAT(text, ::testing::HasSubstr("worker: b\ncounts: 1 3 1 3000\n"));
  ASSERT_OK_AND_ASSIGN(const model::RunStatistics run, store().GetRunStatistics(job));
  EXPECT_EQ(run.workers.at("a").first_commit_time, At(1));
  EXPECT_EQ(run.workers.at("a").last_commit_time, At(3));
}

TEST_P(CommitTest, NodeStatisticsAddUp) {
  const JobKey job = Create()->key();
  PushMany(job, 2);
  CommitOne(job, 1, 1);
  model::ChunkCommit second = ExampleCommit(job, 2);
  second.outcome.nodes["mass"].hold_count = 7;
  second.outcome.nodes["mass"].max_nanos = 900;
  second.outcome.nodes["mass"].run_times.Add(900);
  second.outcome.nodes["speed"].skipped_count = 4;
  ASSERT_THAT(Commit(second), IsOk());
  ASSERT_OK_AND_ASSIGN(const model::RunStatistics run, store().GetRunStatistics(job));
  model::NodeStatisticsMap nodes = run.nodes;
  ASSERT_THAT(nodes, SizeIs(2));
  EXPECT_EQ(nodes["mass"].record_count, 6);
  EXPECT_EQ(nodes["mass"].success_count, 5);
  EXPECT_EQ(nodes["mass"].failure_count, 1);
  EXPECT_EQ(nodes["mass"].hold_count, 7);
  EXPECT_EQ(nodes["mass"].run_nanos, 600);
  EXPECT_EQ(nodes["mass"].max_nanos, 900);
  EXPECT_GE(nodes["mass"].run_times.Quantile(1), 900);
  EXPECT_LT(nodes["mass"].run_times.Quantile(0.5), 120);
  EXPECT_EQ(nodes["speed"].skipped_count, 4);
}

TEST_P(CommitTest, ManyAtOnceAreEachCommittedOrRefusedAlone) {
  constexpr int64_t kChunks = 50;
  const JobKey one = Create("one")->key();
  const JobKey two = Create("two")->key();
  PushMany(one, kChunks);
  PushMany(two, kChunks);
  absl::BlockingCounter waiting(4 * kChunks);
  absl::Mutex mutex;
  int64_t committed = 0;
  int64_t stale = 0;
  for (int64_t sequence = 1; sequence <= kChunks; ++sequence) {
    for (const JobKey& job : {one, two, one, two}) {
      model::ChunkCommit commit = ExampleCommit(job, sequence, 3, 1);
      commit.epoch = store().epoch();
      store().CommitChunk(std::move(commit), [&](absl::StatusOr<JobPtr> outcome) {
        {
          absl::MutexLock lock(&mutex);
          if (outcome.ok()) ++committed;
          if (model::HasReason(outcome.status(), Reason::kLeaseStale)) ++stale;
        }
        waiting.DecrementCount();
      });
    }
  }
  waiting.Wait();
  EXPECT_EQ(committed, 2 * kChunks);
  EXPECT_EQ(stale, 2 * kChunks);
  for (const JobKey& job : {one, two}) {
    ASSERT_OK_AND_ASSIGN(const JobPtr stored, store().GetJob(job));
    EXPECT_EQ(stored->last_result, kChunks);
    EXPECT_EQ(stored->watermark, kChunks);
    EXPECT_EQ(stored->counters.records_failed, kChunks);
    EXPECT_THAT(Results(job), SizeIs(kChunks));
    ASSERT_OK_AND_ASSIGN(const auto groups, store().ListExceptionGroups(job));
    ASSERT_THAT(groups, SizeIs(1));
    EXPECT_EQ(groups[0].count, kChunks);
  }
}

INSTANTIATE_TEST_SUITE_P(Stores, CommitTest, ::testing::ValuesIn(AllStores()), StoreName);

}  // namespace
}  // namespace millrace::store
