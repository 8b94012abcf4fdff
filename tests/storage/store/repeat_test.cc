// Records that had succeeded are run again: their new outcome counts, and the old one stays to be seen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "tests/storage/store/job_store_fixture.h"

namespace millrace::store {
namespace {

using ::millrace::testing::Describe;
using ::millrace::testing::ExampleChunk;
using ::millrace::testing::ExampleCommit;
using ::millrace::testing::ExampleJob;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using model::JobKey;
using model::JobPtr;
using model::JobState;
using model::Reason;
using model::RecordRun;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RepeatTest : public JobStoreTest {
 protected:
  /// A completed job with one chunk of three records, the first `failed` of which failed.
  JobKey CompletedJob(int32_t failed = 0, model::Job job = ExampleJob()) {
    JobKey key = Create(std::move(job))->key();
    PushMany(key, 1);
    CommitOne(key, 1, failed);
    EXPECT_THAT(store().CloseJob(key), IsOk());
    return key;
  }

  absl::StatusOr<JobPtr> Repeat(const JobKey& job, std::vector<RecordRun> runs, int64_t seen = 0,
                                std::string event = "") {
    RepeatRecords request{.job = job, .repeats_seen = seen};
    request.chunk = ExampleChunk(absl::StrCat("repeat-", ++repeats_), static_cast<int32_t>(model::CountOf(runs)));
    request.chunk.repeats = std::move(runs);
    request.event = std::move(event);
    request.by = "ann";
    return store().RepeatRecords(std::move(request));
  }

  JobPtr Job(const JobKey& job) { return *store().GetJob(job); }

  int repeats_ = 0;
};

TEST_P(RepeatTest, TheNewOutcomeCountsOnceItIsThere) {
  const JobKey job = CompletedJob();
  ASSERT_OK_AND_ASSIGN(const JobPtr again, Repeat(job, {{1, 0, 3}}, 0, "the fixed code"));
  EXPECT_EQ(again->state, JobState::kClosed);
  EXPECT_EQ(again->counters.records_completed, 3) << "the old outcome stands until then";
  EXPECT_EQ(again->counters.records_submitted, 3);
  EXPECT_EQ(again->counters.input_bytes, 24) << "nothing was pushed";
  ASSERT_THAT(Commit(ExampleCommit(job, 2, 3, 1)), IsOk());
  const JobPtr after = Job(job);
  EXPECT_EQ(after->state, JobState::kCompleted);
  EXPECT_EQ(after->counters.records_completed, 2);
  EXPECT_EQ(after->counters.records_failed, 1);
  EXPECT_EQ(after->counters.records_rerun, 3);
  EXPECT_EQ(after->counters.records_repeated, 3);
  EXPECT_EQ(model::OutcomeOf(*after), model::Outcome::kPartial);
  EXPECT_EQ(after->unacknowledged_records, 6) << "both results can be pulled";
  const std::vector<model::ChunkResult> results = Results(job);
  ASSERT_THAT(results, SizeIs(2));
  EXPECT_THAT(results[0].replaces, IsEmpty());
  EXPECT_THAT(results[1].replaces, ElementsAre(RecordRun{1, 0, 3}));
  ASSERT_OK_AND_ASSIGN(const model::RecordException exception, store().GetException(job, {2, 0}));
  EXPECT_EQ(exception.replaces, model::RecordPlace()) << "it failed for the first time";
}

TEST_P(RepeatTest, ARecordThatFailsIsResolvedLikeAnyOther) {
  const JobKey job = CompletedJob();
  ASSERT_THAT(Repeat(job, {{1, 0, 3}}), IsOk());
  ASSERT_THAT(Commit(ExampleCommit(job, 2, 3, 1)), IsOk());
  ResolveExceptions request{.job = job, .kind = model::ResolutionKind::kReprocess, .exceptions = {{2, 0}}};
  request.chunk = ExampleChunk("rerun", 1);
  ASSERT_THAT(store().ResolveExceptions(request), IsOk());
  ASSERT_THAT(Commit(ExampleCommit(job, 3, 1)), IsOk());
  EXPECT_EQ(Job(job)->counters.records_completed, 3);
  EXPECT_EQ(Job(job)->counters.records_failed, 0);
  EXPECT_THAT(Results(job, 2)[0].replaces, ElementsAre(RecordRun{2, 0, 1}));
}

TEST_P(RepeatTest, TheChunksThatRepeatAChunkAreListedInOrder) {
  const JobKey job = CompletedJob();
  EXPECT_THAT(*store().ListRepeats(job, 1), IsEmpty());
  ASSERT_THAT(Repeat(job, {{1, 2, 1}}), IsOk());
  ASSERT_THAT(Repeat(job, {{1, 0, 2}}, 1), IsOk());
  ASSERT_THAT(Commit(ExampleCommit(job, 3, 2)), IsOk());
  ASSERT_OK_AND_ASSIGN(const std::vector<model::Chunk> repeats, store().ListRepeats(job, 1));
  ASSERT_THAT(repeats, SizeIs(2));
  EXPECT_EQ(repeats[0].sequence, 2);
  EXPECT_EQ(repeats[0].state, model::ChunkState::kPending);
  EXPECT_THAT(repeats[1].repeats, ElementsAre(RecordRun{1, 0, 2}));
  EXPECT_EQ(repeats[1].state, model::ChunkState::kCommitted);
  EXPECT_THAT(*store().ListRepeats(job, 3), IsEmpty());
  EXPECT_THAT(store().ListRepeats({job.tenant, "none"}, 1), IsError(Reason::kPipelineNotFound));
}

TEST_P(RepeatTest, WhoeverHasNotSeenAnEarlierRepeatDoesNothing) {
  const JobKey job = CompletedJob();
  ASSERT_THAT(Repeat(job, {{1, 0, 3}}), IsOk());
  const std::string before = Everything(job);
  ASSERT_OK_AND_ASSIGN(const JobPtr none, Repeat(job, {{1, 0, 3}}, 0));
  EXPECT_EQ(none, nullptr);
  EXPECT_EQ(Everything(job), before);
}

TEST_P(RepeatTest, TheRetentionTakesThemWithTheRest) {
  model::Job kept = ExampleJob();
  kept.options.retention = absl::Hours(1);
  kept.options.drop_unresolved_exceptions = true;
  const JobKey job = CompletedJob(0, kept);
  ASSERT_THAT(Repeat(job, {{1, 0, 3}}), IsOk());
  ASSERT_THAT(Commit(ExampleCommit(job, 2, 3, 1)), IsOk());
  clock_.Advance(absl::Hours(1));
  ASSERT_OK_AND_ASSIGN(const model::Expiration expiration, store().ExpireJob(job));
  ASSERT_EQ(expiration, model::Expiration::kDropped);
  EXPECT_THAT(store().ListRepeats(job, 1), IsError(Reason::kJobExpired));
  for (const int64_t seen : {0, 1}) EXPECT_THAT(Repeat(job, {{1, 0, 3}}, seen), IsError(Reason::kJobExpired)) << seen;
}

TEST_P(RepeatTest, RecordsOfADeletedJobDoNotGoToAnotherWithItsId) {
  const JobPtr seen = Job(CompletedJob());
  ASSERT_THAT(store().DeleteJob(seen->key()), IsOk());
  Tick();
  const JobKey other = CompletedJob();
  ASSERT_EQ(other, seen->key());
  const std::string before = Everything(other);
  RepeatRecords request{.job = seen->key(), .job_create_time = seen->create_time};
  request.chunk = ExampleChunk("repeat", 3);
  request.chunk.repeats = {{1, 0, 3}};
  EXPECT_THAT(store().RepeatRecords(request), IsError(Reason::kPipelineNotFound));
  EXPECT_EQ(Everything(other), before);
  request.job_create_time = Job(other)->create_time;
  EXPECT_THAT(store().RepeatRecords(request), IsOk());
}

TEST_P(RepeatTest, AnEventTellsOfItWhereItIsToldSo) {
  const JobKey job = CompletedJob();
  const int64_t before = Job(job)->last_event;
  ASSERT_THAT(Repeat(job, {{1, 0, 1}}, 0, "the fixed code"), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto events, store().ListJobEvents(job, before, 9));
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_EQ(events[0].kind, model::JobEventKind::kRecordsRepeated);
  EXPECT_EQ(events[0].detail, "the fixed code");
  EXPECT_EQ(events[0].by, "ann");
  EXPECT_EQ(events[1].to_state, JobState::kClosed);
  ASSERT_THAT(Repeat(job, {{1, 1, 1}}, 1), IsOk());
  EXPECT_EQ(Job(job)->last_event, before + 2);
}

TEST_P(RepeatTest, AJobThatEndedEarlyAFullBufferAndATakenKeyRefuseIt) {
  model::Job small = ExampleJob();
  small.options.input_buffer_bytes = 3 * millrace::testing::kExampleRecordBytes;
  small.options.unique_key = "nightly";
  const JobKey job = CompletedJob(0, small);
  small.id = "job-2";
  Create(small);
  EXPECT_THAT(Repeat(job, {{1, 0, 3}}), IsError(Reason::kUniqueKeyTaken));
  ASSERT_THAT(store().CancelJob({job.tenant, "job-2"}, "", false), IsOk());
  ASSERT_THAT(Repeat(job, {{1, 0, 2}}), IsOk());
  EXPECT_THAT(Repeat(job, {{1, 1, 2}}, 1), IsError(Reason::kInputBufferFull));
  ASSERT_THAT(store().CancelJob(job, "", false), IsOk());
  const std::string before = Everything(job);
  EXPECT_THAT(Repeat(job, {{1, 2, 1}}, 1), IsError(Reason::kPipelineCancelled));
  EXPECT_EQ(Everything(job), before);
}

TEST_P(RepeatTest, WhatFailedIsJudgedByTheErrorBudget) {
  model::Job careful = ExampleJob();
  careful.options.stop_on_error = true;
  const JobKey job = CompletedJob(0, careful);
  ASSERT_THAT(Repeat(job, {{1, 0, 3}}), IsOk());
  ASSERT_THAT(Commit(ExampleCommit(job, 2, 3, 2)), IsOk());
  EXPECT_EQ(Job(job)->state, JobState::kFailed);
  EXPECT_EQ(Job(job)->counters.records_failed, 2);
}

TEST_P(RepeatTest, AllOfItSurvivesARestart) {
  if (!GetParam().durable) GTEST_SKIP() << "only what is on disk";
  const JobKey job = CompletedJob();
  RepeatRecords request{.job = job};
  request.chunk = ExampleChunk("repeat", 2);
  request.chunk.repeats = {{1, 1, 2}};
  request.chunk.answers = {{.index = 1, .node = "rate", .question = "may it?", .answer = "yes"}};
  ASSERT_THAT(store().RepeatRecords(request), IsOk());
  ASSERT_OK_AND_ASSIGN(const model::ChunkInput before, store().ReadChunk(job, 2));
  Reopen();
  ASSERT_OK_AND_ASSIGN(const model::ChunkInput after, store().ReadChunk(job, 2));
  EXPECT_EQ(Describe(after), Describe(before));
  EXPECT_THAT(after.chunk.answers, ElementsAre(request.chunk.answers[0]));
  EXPECT_THAT(*store().ListRepeats(job, 1), SizeIs(1));
  ASSERT_THAT(Commit(ExampleCommit(job, 2, 2)), IsOk());
  EXPECT_EQ(Job(job)->state, JobState::kCompleted);
  ASSERT_THAT(store().DeleteJob(job), IsOk());
  EXPECT_THAT(store().ListRepeats(job, 1), IsError(Reason::kPipelineNotFound));
}

INSTANTIATE_TEST_SUITE_P(Stores, RepeatTest, ::testing::ValuesIn(AllStores()), StoreName);

}  // namespace
}  // namespace millrace::store
