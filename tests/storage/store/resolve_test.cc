// What is done about records that failed: run again, given outputs, discarded.
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

using ::millrace::testing::At;
using ::millrace::testing::Describe;
using ::millrace::testing::ExampleChunk;
using ::millrace::testing::ExampleCommit;
using ::millrace::testing::ExampleJob;
using ::millrace::testing::ExampleVersion;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using ::millrace::testing::kTenant;
using model::ExceptionState;
using model::JobKey;
using model::JobPtr;
using model::JobState;
using model::Reason;
using model::RecordPlace;
using model::ResolutionKind;
using ::testing::SizeIs;

class ResolveTest : public JobStoreTest {
 protected:
  /// A completed job with one chunk of three records, the first two of which failed.
  JobKey CompletedJob(model::Job job = ExampleJob()) {
    JobKey key = Create(std::move(job))->key();
    PushMany(key, 1);
    CommitOne(key, 1, 2);
    EXPECT_THAT(store().CloseJob(key), IsOk());
    return key;
  }

  absl::StatusOr<JobPtr> Resolve(const JobKey& job, ResolutionKind kind, std::vector<RecordPlace> exceptions) {
    ResolveExceptions request{.job = job, .kind = kind, .exceptions = std::move(exceptions)};
    const auto count = static_cast<int32_t>(request.exceptions.size());
    request.chunk = ExampleChunk(absl::StrCat("rerun-", ++reruns_), count);
    for (int32_t i = 0; i < count; ++i) request.outputs_json_lines += "{\"m\":9}\n";
    request.resolved_by = "ann";
    request.note = "why";
    return store().ResolveExceptions(std::move(request));
  }

  model::RecordException Get(const JobKey& job, const RecordPlace& place) {
    const absl::StatusOr<model::RecordException> exception = store().GetException(job, place);
    EXPECT_THAT(exception, IsOk());
    return exception.value_or(model::RecordException());
  }

  ExceptionState StateOf(const JobKey& job, const RecordPlace& place) { return Get(job, place).resolution.state; }

  int64_t Unsettled(const JobKey& job) {
    const auto groups = store().ListExceptionGroups(job);
    EXPECT_THAT(groups, IsOk());
    int64_t count = 0;
    for (const model::ExceptionGroup& group : *groups) count += group.count - group.settled_count;
    return count;
  }

  JobPtr Job(const JobKey& job) { return *store().GetJob(job); }

  int reruns_ = 0;
};

TEST_P(ResolveTest, ARecordThatSucceedsWhenItIsRunAgainIsCompleted) {
  const JobKey job = CompletedJob();
  Tick();
  ASSERT_OK_AND_ASSIGN(const JobPtr reopened, Resolve(job, ResolutionKind::kReprocess, {{1, 0}, {1, 1}}));
  EXPECT_EQ(reopened->state, JobState::kClosed);
  EXPECT_EQ(reopened->last_sequence, 2);
  EXPECT_EQ(reopened->counters.records_submitted, 3);
  EXPECT_EQ(reopened->counters.records_failed, 2) << "until they have succeeded";
  EXPECT_EQ(reopened->complete_time, absl::InfinitePast());
  EXPECT_THAT(store().ActiveJobs(), SizeIs(1));
  EXPECT_EQ(StateOf(job, {1, 0}), ExceptionState::kReprocessing);

  ASSERT_THAT(Commit(ExampleCommit(job, 2, 2)), IsOk());
  const JobPtr completed = Job(job);
  EXPECT_EQ(completed->state, JobState::kCompleted);
  EXPECT_EQ(model::OutcomeOf(*completed), model::Outcome::kSucceeded);
  EXPECT_EQ(completed->counters.records_completed, 3);
  EXPECT_EQ(completed->counters.records_failed, 0);
  EXPECT_EQ(completed->watermark, 2);
  EXPECT_EQ(StateOf(job, {1, 1}), ExceptionState::kResolved);
  EXPECT_EQ(Unsettled(job), 0);
  EXPECT_THAT(store().ActiveJobs(), SizeIs(0));
  EXPECT_THAT(Results(job, 1), SizeIs(1)) << "one more result, behind the others";
}

TEST_P(ResolveTest, TheExceptionStaysAsItWasAndSaysWhatWasDoneByWhom) {
  const JobKey job = CompletedJob();
  const model::RecordException before = Get(job, {1, 0});
  Tick();
  ASSERT_THAT(Resolve(job, ResolutionKind::kCorrectedInput, {{1, 0}}), IsOk());
  const model::RecordException after = Get(job, {1, 0});
  EXPECT_EQ(after.input, before.input);
  EXPECT_EQ(after.message, before.message);
  EXPECT_EQ(after.resolution.kind, ResolutionKind::kCorrectedInput);
  EXPECT_EQ(after.resolution.resolved_by, "ann");
  EXPECT_EQ(after.resolution.note, "why");
  EXPECT_EQ(after.resolution.time, At(1));
  EXPECT_EQ(after.resolution.rerun, (RecordPlace{2, 0}));
}

TEST_P(ResolveTest, WhatFailsAgainIsANewExceptionInPlaceOfTheOld) {
  const JobKey job = CompletedJob();
  ASSERT_THAT(Resolve(job, ResolutionKind::kReprocess, {{1, 1}, {1, 0}}), IsOk());
  // The first of the two fails again: the record of 1-1.
  ASSERT_THAT(Commit(ExampleCommit(job, 2, 2, 1)), IsOk());
  EXPECT_EQ(StateOf(job, {1, 1}), ExceptionState::kReplaced);
  EXPECT_EQ(StateOf(job, {1, 0}), ExceptionState::kResolved);
  const model::RecordException newer = Get(job, {2, 0});
  EXPECT_EQ(newer.replaces, (RecordPlace{1, 1}));
  EXPECT_EQ(newer.resolution.state, ExceptionState::kUnresolved);
  EXPECT_EQ(Unsettled(job), 1);
  EXPECT_EQ(Job(job)->counters.records_failed, 1);
  EXPECT_EQ(Job(job)->counters.records_completed, 2);
  EXPECT_EQ(model::OutcomeOf(*Job(job)), model::Outcome::kPartial);
}

TEST_P(ResolveTest, GivenOutputsAreAResultAtOnce) {
  const JobKey job = CompletedJob();
  ASSERT_OK_AND_ASSIGN(const JobPtr after, Resolve(job, ResolutionKind::kOutputs, {{1, 0}}));
  EXPECT_EQ(after->state, JobState::kCompleted);
  EXPECT_EQ(after->counters.records_completed, 2);
  EXPECT_EQ(after->counters.records_failed, 1);
  EXPECT_EQ(after->unacknowledged_records, 4);
  EXPECT_EQ(StateOf(job, {1, 0}), ExceptionState::kResolved);
  const auto results = Results(job, 1);
  ASSERT_THAT(results, SizeIs(1));
  EXPECT_EQ(results[0].json_lines, "{\"m\":9}\n");
  EXPECT_EQ(results[0].config_hash, "") << "no code ran";
}

TEST_P(ResolveTest, ADiscardedRecordIsCountedAsSuchAndHasNoResult) {
  const JobKey job = CompletedJob();
  ASSERT_OK_AND_ASSIGN(const JobPtr after, Resolve(job, ResolutionKind::kDiscard, {{1, 0}, {1, 1}}));
  EXPECT_EQ(after->state, JobState::kCompleted);
  EXPECT_EQ(after->counters.records_discarded, 2);
  EXPECT_EQ(after->counters.records_failed, 0);
  EXPECT_EQ(model::OutcomeOf(*after), model::Outcome::kPartial) << "a result is missing";
  EXPECT_EQ(StateOf(job, {1, 1}), ExceptionState::kDiscarded);
  EXPECT_EQ(Unsettled(job), 0);
  EXPECT_EQ(after->last_result, 1);
}

TEST_P(ResolveTest, WhatIsSettledOrWaitsIsRefusedAndNothingOfTheCallIsDone) {
  const JobKey job = CompletedJob();
  ASSERT_THAT(Resolve(job, ResolutionKind::kReprocess, {{1, 0}}), IsOk());
  const std::string before = Everything(job);
  for (const ResolutionKind kind : {ResolutionKind::kReprocess, ResolutionKind::kCorrectedInput,
                                    ResolutionKind::kOutputs, ResolutionKind::kDiscard}) {
    EXPECT_THAT(Resolve(job, kind, {{1, 1}, {1, 0}}), IsError(Reason::kExceptionSettled));
    EXPECT_THAT(Resolve(job, kind, {{1, 1}, {1, 2}}), IsError(Reason::kExceptionNotFound));
  }
  EXPECT_THAT(store().GetException(job, {9, 0}), IsError(Reason::kExceptionNotFound));
  EXPECT_THAT(store().GetException({job.tenant, "none"}, {1, 0}), IsError(Reason::kPipelineNotFound));
  EXPECT_EQ(Everything(job), before);
}

TEST_P(ResolveTest, AJobThatIsStillAtWorkGoesOnBesideIt) {
  const JobKey job = Create()->key();
  PushMany(job, 2);
  CommitOne(job, 1, 2);
  ASSERT_OK_AND_ASSIGN(const JobPtr after, Resolve(job, ResolutionKind::kReprocess, {{1, 0}}));
  EXPECT_EQ(after->state, JobState::kInProgress);
  PushMany(job, 1);
  CommitOne(job, 4);
  CommitOne(job, 2);
  ASSERT_THAT(Commit(ExampleCommit(job, 3, 1)), IsOk());
  ASSERT_THAT(store().CloseJob(job), IsOk());
  EXPECT_EQ(Job(job)->state, JobState::kCompleted);
  EXPECT_EQ(Job(job)->counters.records_completed, 8);
  EXPECT_EQ(Job(job)->counters.records_failed, 1);
}

TEST_P(ResolveTest, ACancelledJobRunsNothingAgainAndItsRecordsMayStillBeDiscarded) {
  const JobKey job = CompletedJob();
  ASSERT_THAT(Resolve(job, ResolutionKind::kReprocess, {{1, 0}}), IsOk());
  ASSERT_THAT(store().CancelJob(job, "enough", false), IsOk());
  EXPECT_EQ(StateOf(job, {1, 0}), ExceptionState::kUnresolved) << "it waits in vain";
  EXPECT_THAT(Resolve(job, ResolutionKind::kReprocess, {{1, 1}}), IsError(Reason::kPipelineCancelled));
  ASSERT_THAT(Resolve(job, ResolutionKind::kDiscard, {{1, 0}, {1, 1}}), IsOk());
  EXPECT_EQ(Job(job)->counters.records_discarded, 2);
  EXPECT_EQ(model::RecordsSkipped(*Job(job)), 0);
}

TEST_P(ResolveTest, AJobThatIsAtWorkAgainHoldsItsUniqueKeyAgain) {
  model::Job with_key = ExampleJob();
  with_key.options.unique_key = "nightly";
  const JobKey job = CompletedJob(with_key);
  ASSERT_THAT(Resolve(job, ResolutionKind::kReprocess, {{1, 0}}), IsOk());
  with_key.id = "job-2";
  EXPECT_THAT(store().CreateJob(with_key), IsError(Reason::kUniqueKeyTaken));
  ASSERT_THAT(Commit(ExampleCommit(job, 2, 1)), IsOk());
  Create(with_key);
  EXPECT_THAT(Resolve(job, ResolutionKind::kReprocess, {{1, 1}}), IsError(Reason::kUniqueKeyTaken));
  EXPECT_THAT(Resolve(job, ResolutionKind::kOutputs, {{1, 1}}), IsOk()) << "the job does not wake for it";
}

TEST_P(ResolveTest, ACompletedJobWhoseVersionIsDeletedIsNotPutToWorkUnderIt) {
  const JobKey job = CompletedJob();
  const model::ServiceVersion version = ExampleVersion();
  ASSERT_THAT(
      store().DeleteServiceVersion(kTenant, {.service = version.service, .version = version.version, .version_id = ""}),
      IsOk());
  const std::string before = Everything(job);
  EXPECT_THAT(Resolve(job, ResolutionKind::kReprocess, {{1, 0}}), IsError(Reason::kServiceVersionNotFound));
  EXPECT_THAT(Resolve(job, ResolutionKind::kCorrectedInput, {{1, 0}}), IsError(Reason::kServiceVersionNotFound));
  EXPECT_EQ(Everything(job), before);
  EXPECT_THAT(Resolve(job, ResolutionKind::kDiscard, {{1, 0}}), IsOk());
}

TEST_P(ResolveTest, OutputsWaitUntilChunksBeforeThemAreDoneWhereResultsAreInOrder) {
  model::Job ordered = ExampleJob();
  ordered.options.order_results = true;
  const JobKey job = Create(ordered)->key();
  PushMany(job, 2);
  CommitOne(job, 1, 1);
  EXPECT_THAT(Resolve(job, ResolutionKind::kOutputs, {{1, 0}}), IsError(Reason::kJobNotFinished));
  CommitOne(job, 2);
  EXPECT_THAT(Resolve(job, ResolutionKind::kOutputs, {{1, 0}}), IsOk());
}

TEST_P(ResolveTest, AFullInputBufferRefusesARerun) {
  model::Job small = ExampleJob();
  small.options.input_buffer_bytes = 3 * millrace::testing::kExampleRecordBytes;
  const JobKey job = Create(small)->key();
  PushMany(job, 1);
  CommitOne(job, 1, 2);
  PushMany(job, 1);
  EXPECT_THAT(Resolve(job, ResolutionKind::kReprocess, {{1, 0}}), IsError(Reason::kInputBufferFull));
  EXPECT_EQ(StateOf(job, {1, 0}), ExceptionState::kUnresolved);
}

TEST_P(ResolveTest, ListsShowStatesAndCanBeFilteredByThem) {
  const JobKey job = CompletedJob();
  ASSERT_THAT(Resolve(job, ResolutionKind::kDiscard, {{1, 1}}), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto open, store().ListExceptions({.job = job, .states = {ExceptionState::kUnresolved}}));
  ASSERT_THAT(open.items, SizeIs(1));
  EXPECT_EQ(open.items[0].index, 0);
  ASSERT_OK_AND_ASSIGN(const auto all, store().ListExceptions({.job = job}));
  EXPECT_THAT(all.items, SizeIs(2));
}

TEST_P(ResolveTest, AllOfItSurvivesARestart) {
  if (!GetParam().durable) GTEST_SKIP() << "only what is on disk";
  const JobKey job = CompletedJob();
  ASSERT_THAT(Resolve(job, ResolutionKind::kReprocess, {{1, 0}}), IsOk());
  ASSERT_THAT(Resolve(job, ResolutionKind::kDiscard, {{1, 1}}), IsOk());
  const model::RecordException before = Get(job, {1, 0});
  Reopen();
  EXPECT_EQ(Describe(Get(job, {1, 0})), Describe(before));
  EXPECT_EQ(StateOf(job, {1, 1}), ExceptionState::kDiscarded);
  EXPECT_EQ(Job(job)->counters.records_discarded, 1);
  EXPECT_THAT(store().ActiveJobs(), SizeIs(1)) << "the job is at work";
  ASSERT_THAT(Commit(ExampleCommit(job, 2, 1)), IsOk());
  EXPECT_EQ(StateOf(job, {1, 0}), ExceptionState::kResolved);
  EXPECT_THAT(store().DeleteJob(job), IsOk());
}

TEST_P(ResolveTest, WhatIsHeldIsCountedUntilSomebodyHasAnswered) {
  const JobKey job = Create()->key();
  PushMany(job, 2);
  for (int64_t sequence = 1; sequence <= 2; ++sequence) {
    model::ChunkCommit commit = ExampleCommit(job, sequence, 3, 3);
    commit.outcome.failures[0].held = true;
    commit.outcome.failures[1].held = true;
    ASSERT_THAT(Commit(commit), IsOk());
  }
  const auto held = [&] { return (*store().GetJob(job))->counters.records_held; };
  EXPECT_EQ(held(), 4);
  ASSERT_OK_AND_ASSIGN(const auto listed, store().ListExceptions({.job = job, .held_only = true}));
  ASSERT_THAT(listed.items, SizeIs(4));
  EXPECT_EQ(listed.items[2].place(), (RecordPlace{2, 0}));
  EXPECT_TRUE(Get(job, {1, 1}).held);
  EXPECT_FALSE(Get(job, {1, 2}).held);

  ASSERT_THAT(Resolve(job, ResolutionKind::kDiscard, {{1, 0}, {1, 2}}), IsOk());
  EXPECT_EQ(held(), 3);
  ASSERT_THAT(Resolve(job, ResolutionKind::kOutputs, {{1, 1}}), IsOk());
  EXPECT_EQ(held(), 2);
  ASSERT_THAT(Resolve(job, ResolutionKind::kCorrectedInput, {{2, 0}}), IsOk());
  EXPECT_EQ(held(), 2) << "not before it has run";
  ASSERT_THAT(Resolve(job, ResolutionKind::kReprocess, {{2, 1}, {2, 2}}), IsOk());
  ASSERT_THAT(Commit(ExampleCommit(job, 4, 1)), IsOk());
  EXPECT_EQ(held(), 1);
  model::ChunkCommit asks_again = ExampleCommit(job, 5, 2, 1);
  asks_again.outcome.failures[0].held = true;
  ASSERT_THAT(Commit(asks_again), IsOk());
  EXPECT_EQ(held(), 1);
  ASSERT_THAT(Resolve(job, ResolutionKind::kOutputs, {{5, 0}}), IsOk());
  EXPECT_EQ(held(), 0);
}

TEST_P(ResolveTest, WhatIsGivenForADeletedJobDoesNotGoToAnotherWithItsId) {
  const JobPtr seen = Job(CompletedJob());
  ASSERT_THAT(store().DeleteJob(seen->key()), IsOk());
  Tick();
  const JobKey other = CompletedJob();
  ASSERT_EQ(other, seen->key());
  const std::string before = Everything(other);
  ResolveExceptions request{.job = seen->key(), .job_create_time = seen->create_time, .exceptions = {{1, 0}}};
  request.chunk = ExampleChunk("rerun", 1);
  request.outputs_json_lines = "{\"m\":9}\n";
  for (const ResolutionKind kind : {ResolutionKind::kDiscard, ResolutionKind::kOutputs, ResolutionKind::kReprocess}) {
    request.kind = kind;
    EXPECT_THAT(store().ResolveExceptions(request), IsError(Reason::kPipelineNotFound));
    EXPECT_EQ(Everything(other), before);
  }
  request.job_create_time = Job(other)->create_time;
  EXPECT_THAT(store().ResolveExceptions(request), IsOk());
}

INSTANTIATE_TEST_SUITE_P(Stores, ResolveTest, ::testing::ValuesIn(AllStores()), StoreName);

}  // namespace
}  // namespace millrace::store
