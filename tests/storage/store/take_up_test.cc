// A job that failed or was cancelled is taken up with what it left.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "tests/storage/store/job_store_fixture.h"

namespace millrace::store {
namespace {

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
using model::ResolutionKind;
using ::testing::SizeIs;

class TakeUpTest : public JobStoreTest {
 protected:
  /// Three chunks, of which the second is committed with a failed record.
  JobKey CancelledJob(bool force = false, model::Job job = ExampleJob()) {
    JobKey key = Create(std::move(job))->key();
    PushMany(key, 3);
    CommitOne(key, 2, 1);
    EXPECT_THAT(store().CancelJob(key, "enough", force), IsOk());
    return key;
  }

  absl::Status Resolve(const JobKey& job, ResolutionKind kind, const model::RecordPlace& exception) {
    ResolveExceptions request{.job = job, .kind = kind, .exceptions = {exception}};
    request.chunk = millrace::testing::ExampleChunk("rerun", 1);
    return store().ResolveExceptions(std::move(request)).status();
  }

  JobPtr Job(const JobKey& job) { return *store().GetJob(job); }

  absl::StatusOr<JobPtr> TakeUp(const JobKey& job, std::string_view by = {}) { return store().TakeUpJob(Job(job), by); }
};

TEST_P(TakeUpTest, ACancelledJobGoesOnWhereItStoppedAndNothingIsDoubled) {
  const JobKey job = CancelledJob();
  Tick();
  ASSERT_OK_AND_ASSIGN(const JobPtr taken_up, TakeUp(job, "ann"));
  EXPECT_EQ(taken_up->state, JobState::kClosed);
  EXPECT_EQ(taken_up->state_reason, "");
  EXPECT_EQ(taken_up->cancel_mode, model::CancelMode::kNone);
  EXPECT_EQ(taken_up->complete_time, absl::InfinitePast());
  EXPECT_THAT(store().ActiveJobs(), SizeIs(1));
  ASSERT_OK_AND_ASSIGN(const auto events, store().ListJobEvents(job, taken_up->last_event - 1, 9));
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].to_state, JobState::kClosed);
  EXPECT_EQ(events[0].by, "ann");

  CommitOne(job, 1);
  EXPECT_THAT(Commit(ExampleCommit(job, 2)), IsError(Reason::kLeaseStale)) << "it is committed";
  CommitOne(job, 3);
  EXPECT_EQ(Job(job)->state, JobState::kCompleted);
  EXPECT_EQ(Job(job)->counters.records_completed, 8);
  EXPECT_EQ(Job(job)->counters.records_failed, 1);
  EXPECT_EQ(Job(job)->watermark, 3);
  EXPECT_EQ(Job(job)->input_buffer_used_bytes, 0);
  EXPECT_THAT(Results(job), SizeIs(3));
  EXPECT_THAT(store().ActiveJobs(), SizeIs(0));
}

TEST_P(TakeUpTest, AFailedJobGoesOnToo) {
  const JobKey job = Create()->key();
  PushMany(job, 2);
  ASSERT_THAT(store().FailJob(job, "the database is gone"), IsOk());
  ASSERT_THAT(TakeUp(job), IsOk());
  CommitOne(job, 1);
  CommitOne(job, 2);
  EXPECT_EQ(Job(job)->state, JobState::kCompleted);
  EXPECT_EQ(model::OutcomeOf(*Job(job)), model::Outcome::kSucceeded);
}

TEST_P(TakeUpTest, AnyOtherJobStaysAsItIs) {
  const JobKey job = Create()->key();
  PushMany(job, 1);
  const std::string before = Everything(job);
  ASSERT_THAT(TakeUp(job), IsOk());
  EXPECT_EQ(Everything(job), before);
  model::Job none = *Job(job);
  none.id = "none";
  EXPECT_THAT(store().TakeUpJob(std::make_shared<const model::Job>(none)), IsError(Reason::kPipelineNotFound));
}

// The clock stands still: only the events tell the two ends apart.
TEST_P(TakeUpTest, AnEndThatWasNotSeenStaysAsItIs) {
  const JobKey job = CancelledJob();
  const JobPtr seen = Job(job);
  ASSERT_THAT(store().TakeUpJob(seen), IsOk());
  ASSERT_THAT(store().CancelJob(job, "enough", false), IsOk());
  const std::string before = Everything(job);
  ASSERT_OK_AND_ASSIGN(const JobPtr stays, store().TakeUpJob(seen));
  EXPECT_EQ(stays->state, JobState::kCancelled);
  EXPECT_EQ(stays->last_event, Job(job)->last_event);
  EXPECT_EQ(Everything(job), before);
  ASSERT_OK_AND_ASSIGN(const JobPtr taken_up, store().TakeUpJob(stays));
  EXPECT_EQ(taken_up->state, JobState::kClosed);
}

TEST_P(TakeUpTest, TheEndOfALaterJobWithTheSameIdStaysAsItIs) {
  const JobKey job = CancelledJob();
  const JobPtr seen = Job(job);
  ASSERT_THAT(store().DeleteJob(job), IsOk());
  Tick();
  EXPECT_EQ(CancelledJob(), job);
  const std::string before = Everything(job);
  EXPECT_EQ(Job(job)->last_event, seen->last_event) << "or the events told them apart";
  ASSERT_THAT(store().TakeUpJob(seen), IsOk());
  EXPECT_EQ(Everything(job), before);
}

TEST_P(TakeUpTest, WhatAnAcknowledgementChangedDoesNotMatter) {
  const JobKey job = CancelledJob();
  const JobPtr seen = Job(job);
  Tick();
  ASSERT_THAT(store().Acknowledge(job, 1, "after"), IsOk());
  ASSERT_OK_AND_ASSIGN(const JobPtr taken_up, store().TakeUpJob(seen));
  EXPECT_EQ(taken_up->state, JobState::kClosed);
  EXPECT_EQ(taken_up->acknowledged_result, 1);
}

TEST_P(TakeUpTest, WhatAForcedCancelDiscardedIsCountedAndDoesNotComeBack) {
  const JobKey job = CancelledJob(/*force=*/true);
  const std::string before = Everything(job);
  const absl::Status refused = TakeUp(job).status();
  EXPECT_THAT(refused, IsError(Reason::kPipelineCancelled));
  const std::vector<std::pair<std::string, std::string>> numbers = {
      {"chunk_count", "2"}, {"pipeline_id", "job-1"}, {"record_count", "6"}};
  EXPECT_EQ(model::DetailsOf(refused).metadata, numbers);
  EXPECT_EQ(Everything(job), before);
}

TEST_P(TakeUpTest, AJobWhoseRetentionTookWhatItHadStaysAsItIs) {
  model::Job kept = ExampleJob();
  kept.options.retention = absl::Hours(1);
  kept.options.drop_unresolved_exceptions = true;
  const JobKey job = Create(kept)->key();
  PushMany(job, 1);
  CommitOne(job, 1, 1);
  ASSERT_THAT(store().FailJob(job, "the database is gone"), IsOk());
  clock_.Advance(absl::Hours(1));
  ASSERT_OK_AND_ASSIGN(const model::Expiration expiration, store().ExpireJob(job));
  ASSERT_EQ(expiration, model::Expiration::kDropped);
  const std::string before = Everything(job);
  EXPECT_THAT(TakeUp(job), IsError(Reason::kJobExpired));
  EXPECT_THAT(Resolve(job, ResolutionKind::kDiscard, {1, 0}), IsError(Reason::kJobExpired));
  EXPECT_EQ(Everything(job), before);
}

TEST_P(TakeUpTest, ItNeedsItsUniqueKeyAndItsVersion) {
  model::Job with_key = ExampleJob();
  with_key.options.unique_key = "nightly";
  const JobKey job = CancelledJob(false, with_key);
  with_key.id = "job-2";
  const JobKey other = Create(with_key)->key();
  EXPECT_THAT(TakeUp(job), IsError(Reason::kUniqueKeyTaken));
  ASSERT_THAT(store().CancelJob(other, "", false), IsOk());
  ASSERT_THAT(
      store().DeleteServiceVersion(
          kTenant, {.service = ExampleVersion().service, .version = ExampleVersion().version, .version_id = ""}),
      IsOk());
  const std::string before = Everything(job);
  EXPECT_THAT(TakeUp(job), IsError(Reason::kServiceVersionNotFound));
  EXPECT_EQ(Everything(job), before);
}

TEST_P(TakeUpTest, RecordsThatWaitedToBeRunAgainWaitOnceMore) {
  const JobKey job = Create()->key();
  PushMany(job, 1);
  CommitOne(job, 1, 2);
  ASSERT_THAT(Resolve(job, ResolutionKind::kReprocess, {1, 0}), IsOk());
  ASSERT_THAT(store().CancelJob(job, "enough", false), IsOk());
  EXPECT_EQ(store().GetException(job, {1, 0})->resolution.state, ExceptionState::kUnresolved);
  ASSERT_THAT(TakeUp(job), IsOk());
  EXPECT_EQ(store().GetException(job, {1, 0})->resolution.state, ExceptionState::kReprocessing);
  ASSERT_THAT(Commit(ExampleCommit(job, 2, 1)), IsOk());
  EXPECT_EQ(store().GetException(job, {1, 0})->resolution.state, ExceptionState::kResolved);
  EXPECT_EQ(Job(job)->counters.records_completed, 2);
}

// Discarded while nothing could run it: the record runs after all, and what comes of that is the latest.
TEST_P(TakeUpTest, ARecordThatWasDiscardedMeanwhileIsCountedByItsOutcomeAlone) {
  for (const int32_t failed : {0, 1}) {
    const JobKey job = Create(failed == 0 ? "succeeds" : "fails")->key();
    PushMany(job, 1);
    model::ChunkCommit asks = ExampleCommit(job, 1, 3, 2);
    asks.outcome.failures[0].held = true;
    ASSERT_THAT(Commit(asks), IsOk());
    ASSERT_THAT(Resolve(job, ResolutionKind::kReprocess, {1, 0}), IsOk());
    ASSERT_THAT(store().CancelJob(job, "enough", false), IsOk());
    ASSERT_THAT(Resolve(job, ResolutionKind::kDiscard, {1, 0}), IsOk());
    EXPECT_EQ(Job(job)->counters.records_held, 0);
    ASSERT_THAT(TakeUp(job), IsOk());
    EXPECT_EQ(store().GetException(job, {1, 0})->resolution.state, ExceptionState::kDiscarded);
    ASSERT_THAT(Commit(ExampleCommit(job, 2, 1, failed)), IsOk());
    const model::JobCounters counters = Job(job)->counters;
    EXPECT_EQ(counters.records_discarded, 0);
    EXPECT_EQ(counters.records_held, 0);
    EXPECT_EQ(counters.records_completed, 2 - failed);
    EXPECT_EQ(counters.records_failed, 1 + failed);
    const model::RecordException exception = *store().GetException(job, {1, 0});
    EXPECT_EQ(exception.resolution.state, failed == 0 ? ExceptionState::kResolved : ExceptionState::kReplaced);
    EXPECT_EQ(exception.resolution.rerun, (model::RecordPlace{2, 0}));
    int64_t settled = 0;
    ASSERT_OK_AND_ASSIGN(const auto groups, store().ListExceptionGroups(job));
    for (const model::ExceptionGroup& group : groups) settled += group.settled_count;
    EXPECT_EQ(settled, 1) << "once, however often";
  }
}

// The same with a chunk that runs out the cancel: the discard came while it was on its way.
TEST_P(TakeUpTest, ADiscardBesideARunningChunkCostsNoRecord) {
  const JobKey job = Create()->key();
  PushMany(job, 1);
  CommitOne(job, 1, 1);
  ASSERT_THAT(Resolve(job, ResolutionKind::kReprocess, {1, 0}), IsOk());
  ASSERT_THAT(store().CancelJob(job, "enough", false), IsOk());
  ASSERT_THAT(Resolve(job, ResolutionKind::kDiscard, {1, 0}), IsOk());
  ASSERT_THAT(Commit(ExampleCommit(job, 2, 1)), IsOk());
  EXPECT_EQ(Job(job)->counters.records_completed, 3);
  EXPECT_EQ(Job(job)->counters.records_failed, 0);
  EXPECT_EQ(Job(job)->counters.records_discarded, 0);
}

TEST_P(TakeUpTest, OrderedResultsFillTheGapsFirstAndThenGoOn) {
  model::Job ordered = ExampleJob();
  ordered.options.order_results = true;
  const JobKey job = Create(ordered)->key();
  PushMany(job, 4);
  CommitOne(job, 1);
  ASSERT_THAT(store().CancelJob(job, "enough", false), IsOk());
  CommitOne(job, 3);
  ASSERT_THAT(TakeUp(job), IsOk());
  EXPECT_THAT(Commit(ExampleCommit(job, 4)), IsError(Reason::kInternalError));
  CommitOne(job, 2);
  CommitOne(job, 4);
  EXPECT_EQ(Job(job)->state, JobState::kCompleted);
  std::vector<int64_t> sequences;
  for (const model::ChunkResult& result : Results(job)) sequences.push_back(result.sequence);
  EXPECT_THAT(sequences, ::testing::ElementsAre(1, 3, 2, 4));
}

TEST_P(TakeUpTest, ItSurvivesARestart) {
  if (!GetParam().durable) GTEST_SKIP() << "only what is on disk";
  const JobKey job = CancelledJob();
  ASSERT_THAT(TakeUp(job), IsOk());
  Reopen();
  EXPECT_THAT(store().ActiveJobs(), SizeIs(1));
  CommitOne(job, 1);
  CommitOne(job, 3);
  EXPECT_EQ(Job(job)->state, JobState::kCompleted);
}

INSTANTIATE_TEST_SUITE_P(Stores, TakeUpTest, ::testing::ValuesIn(AllStores()), StoreName);

}  // namespace
}  // namespace millrace::store
