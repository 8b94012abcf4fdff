#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "storage/model/errors.h"
#include "tests/storage/store/job_store_fixture.h"

namespace millrace::store {
namespace {

using ::millrace::testing::ExampleJob;
using ::millrace::testing::ExampleVersion;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using model::Job;
using model::JobKey;
using model::JobPtr;
using model::JobState;
using model::Reason;
using model::ServiceVersion;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr char kTenantName[] = "default";

class ListJobsTest : public JobStoreTest {
 protected:
  /// The ids of all jobs, read page by page.
  std::vector<std::string> IdsOf(ListJobsQuery query) {
    std::vector<std::string> ids;
    do {
      const absl::StatusOr<Page<JobPtr>> page = store().ListJobs(query);
      EXPECT_THAT(page, IsOk());
      if (!page.ok()) break;
      EXPECT_LE(page->items.size(), static_cast<size_t>(query.page_size));
      for (const JobPtr& job : page->items) ids.push_back(job->id);
      query.token = page->next_token;
    } while (!query.token.empty());
    return ids;
  }
};

TEST_P(ListJobsTest, ShowsTheNewestFirst) {
  for (const std::string id : {"b", "c", "a"}) {
    Create(id);
    Tick();
  }
  EXPECT_THAT(IdsOf({.tenant = kTenantName}), ElementsAre("a", "c", "b"));
}

TEST_P(ListJobsTest, JobsOfOneMomentGoByDescendingId) {
  for (const std::string id : {"b", "c", "a"}) Create(id);
  EXPECT_THAT(IdsOf({.tenant = kTenantName}), ElementsAre("c", "b", "a"));
}

TEST_P(ListJobsTest, FiltersByState) {
  const JobKey closed = Create("closed")->key();
  PushMany(closed, 1);
  ASSERT_THAT(store().CloseJob(closed), IsOk());
  Create("created");
  PushMany(Create("running")->key(), 1);
  ASSERT_THAT(store().CancelJob(Create("cancelled")->key(), "", false), IsOk());
  EXPECT_THAT(IdsOf({.tenant = kTenantName, .states = {JobState::kCancelled}}), ElementsAre("cancelled"));
  EXPECT_THAT(IdsOf({.tenant = kTenantName, .states = {JobState::kClosed, JobState::kInProgress}}),
              ElementsAre("running", "closed"));
  CommitOne(closed, 1);
  EXPECT_THAT(IdsOf({.tenant = kTenantName, .states = {JobState::kClosed}}), IsEmpty());
  EXPECT_THAT(IdsOf({.tenant = kTenantName, .states = {JobState::kCompleted}}), ElementsAre("closed"));
}

TEST_P(ListJobsTest, FiltersByService) {
  Create("one");
  ASSERT_OK_AND_ASSIGN(const ServiceVersion other, store().CreateServiceVersion(ExampleVersion("3.0.0", "demo/other")));
  Job job = ExampleJob("two");
  job.service = other.service;
  job.version_id = other.version_id;
  Create(job);
  EXPECT_THAT(IdsOf({.tenant = kTenantName, .states = {}, .service = "demo/other"}), ElementsAre("two"));
  EXPECT_THAT(IdsOf({.tenant = kTenantName, .states = {}, .service = "demo/none"}), IsEmpty());
}

TEST_P(ListJobsTest, PagesMissNoneAndRepeatNone) {
  std::vector<std::string> all;
  for (int i = 0; i < 7; ++i) {
    all.insert(all.begin(), Create("job-" + std::to_string(i))->id);
    if (i % 3 == 0) Tick();
  }
  for (int32_t page_size = 1; page_size <= 8; ++page_size) {
    EXPECT_EQ(IdsOf({.tenant = kTenantName, .states = {}, .service = "", .page_size = page_size}), all) << page_size;
  }
}

TEST_P(ListJobsTest, APageOfAFilteredListIsFullOrTheLast) {
  for (int i = 0; i < 6; ++i) {
    const JobKey job = Create("job-" + std::to_string(i))->key();
    if (i % 2 == 0) {
      ASSERT_THAT(store().CloseJob(job), IsOk());
    }
  }
  ListJobsQuery query{.tenant = kTenantName, .states = {JobState::kCompleted}, .service = "", .page_size = 2};
  ASSERT_OK_AND_ASSIGN(const auto first, store().ListJobs(query));
  EXPECT_THAT(first.items, SizeIs(2));
  ASSERT_NE(first.next_token, "");
  query.token = first.next_token;
  ASSERT_OK_AND_ASSIGN(const auto last, store().ListJobs(query));
  EXPECT_THAT(last.items, SizeIs(1));
  EXPECT_EQ(last.next_token, "");
}

TEST_P(ListJobsTest, OldestFirstIsTheSameTheOtherWayRound) {
  std::vector<std::string> all;
  for (int i = 0; i < 7; ++i) {
    all.push_back(Create("job-" + std::to_string(i))->id);
    if (i % 3 == 0) Tick();
  }
  for (int32_t page_size = 1; page_size <= 8; ++page_size) {
    EXPECT_EQ(IdsOf({.tenant = kTenantName, .page_size = page_size, .oldest_first = true}), all) << page_size;
    EXPECT_EQ(IdsOf({.tenant = kTenantName,
                     .states = {JobState::kCreated},
                     .page_size = page_size,
                     .created_from = clock_.Now() - absl::Seconds(2),
                     .oldest_first = true}),
              std::vector<std::string>(all.begin() + 1, all.end()))
        << page_size;
  }
}

TEST_P(ListJobsTest, AFilterThatFindsLittleEndsAPageAndMissesNothing) {
  Create("first");
  Tick();
  for (int64_t i = 0; i < 2 * kJobsLookedAtMax; ++i) {
    ASSERT_THAT(store().CancelJob(Create("cancelled-" + std::to_string(i))->key(), "", false), IsOk());
  }
  Tick();
  Create("last");
  for (const std::string id : {"first", "last"}) ASSERT_THAT(store().CloseJob({kTenantName, id}), IsOk());
  EXPECT_THAT(IdsOf({.tenant = kTenantName, .states = {JobState::kCompleted}, .page_size = 2}),
              ElementsAre("last", "first"));
  EXPECT_THAT(IdsOf({.tenant = kTenantName, .states = {JobState::kCompleted}, .page_size = 2, .oldest_first = true}),
              ElementsAre("first", "last"));
}

TEST_P(ListJobsTest, ANewJobDoesNotDisturbTheWalk) {
  for (const std::string id : {"a", "b", "c"}) {
    Create(id);
    Tick();
  }
  ListJobsQuery query{.tenant = kTenantName, .states = {}, .service = "", .page_size = 2};
  ASSERT_OK_AND_ASSIGN(const auto first, store().ListJobs(query));
  Create("d");
  query.token = first.next_token;
  ASSERT_OK_AND_ASSIGN(const auto second, store().ListJobs(query));
  ASSERT_THAT(second.items, SizeIs(1));
  EXPECT_EQ(second.items[0]->id, "a");
}

TEST_P(ListJobsTest, TenantsDoNotSeeEachOther) {
  Create("ours");
  ServiceVersion version = ExampleVersion();
  version.tenant = "default-2";
  ASSERT_THAT(store().CreateServiceVersion(version), IsOk());
  Job theirs = ExampleJob("theirs");
  theirs.tenant = "default-2";
  Create(theirs);
  EXPECT_THAT(IdsOf({.tenant = kTenantName}), ElementsAre("ours"));
  EXPECT_THAT(IdsOf({.tenant = "default-2"}), ElementsAre("theirs"));
  EXPECT_THAT(IdsOf({.tenant = "def"}), IsEmpty());
  EXPECT_THAT(store().ActiveJobs(), SizeIs(2));
}

TEST_P(ListJobsTest, APageTokenFromElsewhereIsRefused) {
  EXPECT_THAT(store().ListJobs({.tenant = kTenantName, .states = {}, .service = "", .page_size = 1, .token = "?"}),
              IsError(Reason::kPageTokenInvalid));
}

TEST_P(ListJobsTest, ActiveJobsAreThoseThatMayStillChange) {
  Create("created");
  PushMany(Create("running")->key(), 1);
  const JobKey closed = Create("closed")->key();
  PushMany(closed, 1);
  ASSERT_THAT(store().CloseJob(closed), IsOk());
  ASSERT_THAT(store().CloseJob(Create("completed")->key()), IsOk());
  ASSERT_THAT(store().CancelJob(Create("cancelled")->key(), "", false), IsOk());
  std::vector<std::string> active;
  for (const JobPtr& job : store().ActiveJobs()) active.push_back(job->id);
  EXPECT_THAT(active, UnorderedElementsAre("created", "running", "closed"));
}

TEST_P(ListJobsTest, JobsThatHaveEndedAreListedByTheirEnd) {
  const std::string tenant = kTenantName;
  const auto ended = [&](absl::Time since, size_t jobs_max = 10) {
    std::vector<std::string> ids;
    const absl::StatusOr<std::vector<JobPtr>> jobs = store().ListEndedJobs(tenant, since, jobs_max);
    EXPECT_THAT(jobs, IsOk());
    for (const JobPtr& job : *jobs) ids.push_back(job->id);
    return ids;
  };
  const JobKey old = Create("old")->key();
  const JobKey young = Create("young")->key();
  Create("at-work");
  Tick();
  ASSERT_THAT(store().CloseJob(young), IsOk());
  EXPECT_THAT(ended(clock_.Now()), ElementsAre("young"));
  Tick();
  const absl::Time later = clock_.Now();
  ASSERT_THAT(store().CancelJob(old, "", false), IsOk());
  EXPECT_THAT(ended(absl::InfinitePast()), ElementsAre("old", "young")) << "by the end, and not by the beginning";
  EXPECT_THAT(ended(absl::InfinitePast(), 1), ElementsAre("old"));
  EXPECT_THAT(ended(later), ElementsAre("old")) << "from that moment on";
  EXPECT_THAT(ended(later + absl::Nanoseconds(1)), IsEmpty());
  Tick();
  ASSERT_THAT(store().CancelJob(old, "", true), IsOk());
  EXPECT_THAT(ended(absl::InfinitePast()), ElementsAre("old", "young")) << "it ended once";
  ASSERT_THAT(store().DeleteJob(old), IsOk());
  EXPECT_THAT(ended(absl::InfinitePast()), ElementsAre("young"));
}

TEST_P(ListJobsTest, AJobThatIsAtWorkAgainHasNotEnded) {
  const JobKey job = Create("job")->key();
  PushMany(job, 1);
  CommitOne(job, 1, 1);
  ASSERT_THAT(store().CloseJob(job), IsOk());
  ASSERT_EQ(store().ListEndedJobs(kTenantName, absl::InfinitePast(), 9)->size(), 1);
  ResolveExceptions again{.job = job, .kind = model::ResolutionKind::kReprocess, .exceptions = {{1, 0}}};
  again.chunk = millrace::testing::ExampleChunk("again", 1);
  ASSERT_THAT(store().ResolveExceptions(again), IsOk());
  EXPECT_THAT(*store().ListEndedJobs(kTenantName, absl::InfinitePast(), 9), IsEmpty());
  Tick();
  ASSERT_THAT(Commit(millrace::testing::ExampleCommit(job, 2, 1)), IsOk());
  EXPECT_EQ(store().ListEndedJobs(kTenantName, clock_.Now(), 9)->size(), 1);
}

INSTANTIATE_TEST_SUITE_P(Stores, ListJobsTest, ::testing::ValuesIn(AllStores()), StoreName);

}  // namespace
}  // namespace millrace::store
