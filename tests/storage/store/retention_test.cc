// Jobs go when their retention is over, and unresolved exceptions never without being named.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "storage/model/errors.h"
#include "tests/storage/store/job_store_fixture.h"

namespace millrace::store {
namespace {

using ::millrace::testing::ExampleJob;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using model::Expiration;
using model::Expiry;
using model::JobKey;
using model::JobPtr;
using model::Reason;
using model::ResolutionKind;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kDay = absl::Hours(24);

class RetentionTest : public JobStoreTest {
 protected:
  static model::Job Kept(absl::Duration retention, std::string_view id = "job-1") {
    model::Job job = ExampleJob(id);
    job.options.retention = retention;
    return job;
  }

  /// A completed job with one chunk of 3 records, `failed` of which failed.
  JobKey Ended(model::Job job, int32_t failed = 0) {
    const JobKey key = Create(std::move(job))->key();
    PushMany(key, 1);
    CommitOne(key, 1, failed);
    EXPECT_THAT(store().CloseJob(key), IsOk());
    return key;
  }

  /// The ids of jobs whose retention is over.
  std::vector<std::string> Expired() {
    const auto expired = store().ListExpired(clock_.Now(), {}, 1'000);
    EXPECT_THAT(expired, IsOk());
    std::vector<std::string> ids;
    if (!expired.ok()) return ids;
    ids.reserve(expired->size());
    for (const Expiry& expiry : *expired) ids.push_back(expiry.job.job_id);
    return ids;
  }

  absl::Status Discard(const JobKey& key, int32_t index) {
    ResolveExceptions request{.job = key, .kind = ResolutionKind::kDiscard, .exceptions = {{1, index}}};
    return store().ResolveExceptions(std::move(request)).status();
  }
};

TEST_P(RetentionTest, AJobIsListedFromTheEndOfItsRetentionAndThenGoesWhole) {
  const JobKey key = Ended(Kept(kDay));
  clock_.Advance(kDay - absl::Nanoseconds(1));
  EXPECT_THAT(Expired(), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const Expiration early, store().ExpireJob(key));
  EXPECT_EQ(early, Expiration::kKept);
  if (GetParam().durable) Reopen();
  clock_.Advance(absl::Nanoseconds(1));
  EXPECT_THAT(Expired(), ElementsAre("job-1"));
  ASSERT_OK_AND_ASSIGN(const Expiration expiration, store().ExpireJob(key));
  EXPECT_EQ(expiration, Expiration::kDeleted);
  EXPECT_THAT(store().GetJob(key), IsError(Reason::kPipelineNotFound));
  EXPECT_THAT(store().ExpireJob(key), IsError(Reason::kPipelineNotFound));
  EXPECT_THAT(Expired(), IsEmpty());
  Create("job-1");
}

TEST_P(RetentionTest, JobsThatRunOrAreKeptForEverAreNotListed) {
  Ended(Kept(absl::ZeroDuration(), "for-ever"));
  const JobKey running = Create(Kept(absl::Seconds(1), "running"))->key();
  clock_.Advance(365 * kDay);
  EXPECT_THAT(Expired(), IsEmpty());
  ASSERT_THAT(store().CancelJob(running, "enough", true), IsOk());
  EXPECT_THAT(Expired(), IsEmpty()) << "it has just ended";
  Tick();
  EXPECT_THAT(Expired(), ElementsAre("running"));
}

TEST_P(RetentionTest, WhatExpiresFirstIsListedFirstInPages) {
  Ended(Kept(3 * kDay, "c"));
  Ended(Kept(kDay, "a"));
  Ended(Kept(2 * kDay, "b"));
  clock_.Advance(2 * kDay);
  EXPECT_THAT(Expired(), ElementsAre("a", "b"));
  ASSERT_OK_AND_ASSIGN(const std::vector<Expiry> first, store().ListExpired(clock_.Now(), {}, 1));
  ASSERT_THAT(first, SizeIs(1));
  ASSERT_OK_AND_ASSIGN(const std::vector<Expiry> second, store().ListExpired(clock_.Now(), first[0], 1));
  ASSERT_THAT(second, SizeIs(1));
  EXPECT_EQ(second[0].job.job_id, "b");
}

TEST_P(RetentionTest, AnUnresolvedExceptionKeepsItsJobUntilItIsSettled) {
  const JobKey key = Ended(Kept(kDay), /*failed=*/2);
  clock_.Advance(2 * kDay);
  EXPECT_THAT(Expired(), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const Expiration expiration, store().ExpireJob(key));
  EXPECT_EQ(expiration, Expiration::kKept);
  ASSERT_THAT(Discard(key, 0), IsOk());
  EXPECT_THAT(Expired(), IsEmpty());
  ASSERT_THAT(Discard(key, 1), IsOk());
  EXPECT_THAT(Expired(), ElementsAre("job-1"));
}

TEST_P(RetentionTest, AJobThatIsAtWorkAgainIsNotListedUntilItEndsAgain) {
  const JobKey key = Ended(Kept(kDay), /*failed=*/1);
  ResolveExceptions rerun{.job = key, .kind = ResolutionKind::kReprocess, .exceptions = {{1, 0}}};
  rerun.chunk = millrace::testing::ExampleChunk("rerun", 1);
  ASSERT_THAT(store().ResolveExceptions(std::move(rerun)), IsOk());
  clock_.Advance(2 * kDay);
  EXPECT_THAT(Expired(), IsEmpty());
  ASSERT_THAT(Commit(millrace::testing::ExampleCommit(key, 2, 1)), IsOk());
  EXPECT_THAT(Expired(), IsEmpty());
  clock_.Advance(kDay);
  EXPECT_THAT(Expired(), ElementsAre("job-1"));
}

TEST_P(RetentionTest, ExceptionsThatGoAreNamedByTheEventsOfAJobThatStays) {
  model::Job job = Kept(kDay);
  job.options.drop_unresolved_exceptions = true;
  const JobKey key = Ended(job, /*failed=*/2);
  ASSERT_OK_AND_ASSIGN(const auto groups, store().ListExceptionGroups(key));
  ASSERT_THAT(groups, SizeIs(1));
  ASSERT_OK_AND_ASSIGN(const JobPtr before, store().GetJob(key));
  clock_.Advance(kDay);
  EXPECT_THAT(Expired(), ElementsAre("job-1"));
  ASSERT_OK_AND_ASSIGN(const Expiration expiration, store().ExpireJob(key));
  EXPECT_EQ(expiration, Expiration::kDropped);
  if (GetParam().durable) Reopen();

  ASSERT_OK_AND_ASSIGN(const JobPtr dropped, store().GetJob(key));
  EXPECT_EQ(dropped->drop_time, clock_.Now());
  EXPECT_EQ(dropped->counters.records_failed, 2) << "what happened stays counted";
  ASSERT_OK_AND_ASSIGN(const auto events, store().ListJobEvents(key, before->last_event, 10));
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].kind, model::JobEventKind::kExceptionsDropped);
  EXPECT_THAT(events[0].detail, AllOf(HasSubstr("2 of " + groups[0].fingerprint), HasSubstr("unknown size")));

  EXPECT_THAT(store().FindChunk(key, 1), IsError(Reason::kJobExpired));
  EXPECT_THAT(store().FindChunk(key, 2), IsError(Reason::kJobExpired)) << "nobody can tell whether it ever was";
  EXPECT_THAT(store().ListChunks({.job = key}), IsError(Reason::kJobExpired));
  EXPECT_THAT(store().ListChunks({.job = key, .after = 1}), IsError(Reason::kJobExpired));
  EXPECT_THAT(store().ReadChunk(key, 1), IsError(Reason::kJobExpired));
  EXPECT_THAT(store().ReadResults(key, 0, 1, 1), IsError(Reason::kJobExpired));
  EXPECT_THAT(store().ReadResults(key, 1, 1, 1), IsError(Reason::kJobExpired));
  EXPECT_THAT(store().GetRunStatistics(key), IsError(Reason::kJobExpired));
  EXPECT_THAT(store().ListRepeats(key, 1), IsError(Reason::kJobExpired));
  EXPECT_THAT(store().GetException(key, {1, 0}), IsError(Reason::kJobExpired));
  EXPECT_THAT(store().ListExceptions({.job = key}), IsError(Reason::kJobExpired));
  EXPECT_THAT(store().ListExceptionGroups(key), IsError(Reason::kJobExpired));
  EXPECT_THAT(Discard(key, 0), IsError(Reason::kJobExpired));
  EXPECT_THAT(Expired(), IsEmpty()) << "nothing is left to go";
  ASSERT_THAT(store().DeleteJob(key), IsOk());
  Create("job-1");
}

TEST_P(RetentionTest, AJobIsKeptWhileAnUnfinishedOneReadsWhatItHas) {
  const JobKey key = Ended(Kept(kDay));
  ASSERT_OK_AND_ASSIGN(const JobPtr read, store().GetJob(key));
  model::Job reader = ExampleJob("reader");
  reader.source.kind = model::SourceKind::kResults;
  reader.source.job_id = read->id;
  reader.source.job_create_time = read->create_time;
  const JobKey reading = Create(reader)->key();
  clock_.Advance(kDay);
  ASSERT_OK_AND_ASSIGN(const Expiration kept, store().ExpireJob(key));
  EXPECT_EQ(kept, Expiration::kKept);
  EXPECT_THAT(Expired(), ElementsAre("job-1")) << "it is looked at again";
  ASSERT_THAT(store().CancelJob(reading, "enough", true), IsOk());
  ASSERT_OK_AND_ASSIGN(const Expiration expiration, store().ExpireJob(key));
  EXPECT_EQ(expiration, Expiration::kDeleted);
}

TEST_P(RetentionTest, AJobThatIsDeletedByHandIsNotListedAnyMore) {
  const JobKey key = Ended(Kept(kDay));
  ASSERT_THAT(store().DeleteJob(key), IsOk());
  clock_.Advance(2 * kDay);
  EXPECT_THAT(Expired(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Stores, RetentionTest, ::testing::ValuesIn(AllStores()), StoreName);

}  // namespace
}  // namespace millrace::store
