// Jobs that run for records of a bulk run: their list, and what keeps them from being deleted. The built-in service.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "storage/model/built_in.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "tests/storage/store/job_store_fixture.h"

namespace millrace::store {
namespace {

using ::millrace::testing::ExampleJob;
using ::millrace::testing::ExampleVersion;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using ::millrace::testing::kTenant;
using model::Job;
using model::JobKey;
using model::JobPtr;
using model::Reason;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::SizeIs;

class ChildrenTest : public JobStoreTest {
 protected:
  JobPtr CreateBulk(const std::string& id = "bulk") { return CreateBulk(ExampleJob(id)); }
  JobPtr CreateBulk(Job bulk) {
    bulk.service = model::kJobsService;
    bulk.service_version = model::JobsService().version;
    bulk.version_id = model::JobsService().version_id;
    bulk.config_hash = model::JobsService().config_hash;
    return Create(std::move(bulk));
  }
  static Job ChildOf(const Job& bulk, const std::string& id, int64_t sequence = 1) {
    Job child = ExampleJob(id);
    child.parent = {.job_id = bulk.id,
                    .job_create_time = bulk.create_time,
                    .sequence = sequence,
                    .index = 0,
                    .attempt = 1,
                    .depth = 1};
    return child;
  }
  static JobKey Key(std::string_view id) { return {std::string(kTenant), std::string(id)}; }

  ListJobsQuery Query(const std::string& parent = "bulk") const {
    ListJobsQuery query{.tenant = std::string(kTenant), .page_size = 2};
    query.parent_job_id = parent;
    return query;
  }
  /// Page by page.
  std::vector<std::string> Ids(ListJobsQuery query) {
    std::vector<std::string> ids;
    do {
      const auto page = store().ListJobs(query);
      EXPECT_THAT(page, IsOk());
      if (!page.ok()) break;
      for (const JobPtr& job : page->items) ids.push_back(job->id);
      query.token = page->next_token;
    } while (!query.token.empty());
    return ids;
  }
  void Cancel(const std::string& id) { ASSERT_THAT(store().CancelJob(Key(id), "", false), IsOk()); }
};

TEST_P(ChildrenTest, AChildRemembersItsRecordAndIsListedUnderItsBulkRunAlone) {
  const JobPtr bulk = CreateBulk();
  const JobPtr other = CreateBulk("other");
  for (const std::string id : {"a", "b", "c"}) {
    Create(ChildOf(*bulk, id));
    Tick();
  }
  Create(ChildOf(*other, "d"));
  Create("on-its-own");
  Cancel("b");
  EXPECT_EQ((*store().GetJob(Key("a")))->parent, ChildOf(*bulk, "a").parent);
  EXPECT_THAT(Ids(Query()), ElementsAre("c", "b", "a"));
  EXPECT_THAT(Ids(Query("other")), ElementsAre("d"));
  EXPECT_THAT(Ids(Query("a")), ElementsAre());
  EXPECT_THAT(Ids(Query("nobody")), ElementsAre());

  ListJobsQuery query = Query();
  query.oldest_first = true;
  EXPECT_THAT(Ids(query), ElementsAre("a", "b", "c"));
  query.states = {model::JobState::kCreated};
  EXPECT_THAT(Ids(query), ElementsAre("a", "c"));
  query.states = {model::JobState::kCancelled};
  EXPECT_THAT(Ids(query), ElementsAre("b"));
  query.states.clear();
  query.created_from = ::millrace::testing::At(1);
  query.created_before = ::millrace::testing::At(2);
  EXPECT_THAT(Ids(query), ElementsAre("b"));
}

TEST_P(ChildrenTest, APageGoesOnBehindTheOneBeforeWhateverBecameOfTheJobs) {
  const JobPtr bulk = CreateBulk();
  for (const std::string id : {"a", "b", "c"}) Create(ChildOf(*bulk, id));
  ListJobsQuery query = Query();
  const auto page = store().ListJobs(query);
  ASSERT_THAT(page, IsOk());
  ASSERT_THAT(page->items, SizeIs(2));
  Cancel("c");
  query.token = page->next_token;
  EXPECT_THAT(Ids(query), ElementsAre("a"));
}

TEST_P(ChildrenTest, AChildOutlivesItsBulkRunAndBelongsToNoLaterOneUnderItsId) {
  const JobPtr bulk = CreateBulk();
  Create(ChildOf(*bulk, "a"));
  Create(ChildOf(*bulk, "b"));
  ASSERT_THAT(store().FailJob(Key("bulk"), "broken"), IsOk());
  ASSERT_THAT(store().DeleteJob(Key("bulk")), IsOk());
  EXPECT_THAT(store().GetJob(Key("a")), IsOk());
  EXPECT_THAT(Ids(Query()), ElementsAre());
  Tick();
  const JobPtr again = CreateBulk();
  EXPECT_THAT(Ids(Query()), ElementsAre());
  ListJobsQuery active = Query();
  active.states = {model::JobState::kCreated};
  EXPECT_THAT(Ids(active), ElementsAre());
  Cancel("a");
  EXPECT_THAT(store().DeleteJob(Key("a")), IsOk());
  Create(ChildOf(*again, "c"));
  EXPECT_THAT(Ids(Query()), ElementsAre("c"));
}

TEST_P(ChildrenTest, ABulkRunThatWasCancelledStaysUntilItsJobsHaveEnded) {
  Job kept = ExampleJob("bulk");
  kept.options.retention = absl::Hours(1);
  const JobPtr bulk = CreateBulk(std::move(kept));
  const JobPtr other = CreateBulk("other");
  for (const std::string id : {"a", "b"}) Create(ChildOf(*bulk, id));
  Create(ChildOf(*other, "c"));
  Cancel("bulk");
  clock_.Advance(absl::Hours(2));
  const auto expects_kept = [&](const std::string& child) {
    const absl::Status refused = store().DeleteJob(Key("bulk"));
    EXPECT_THAT(refused, IsError(Reason::kJobNotFinished));
    EXPECT_THAT(model::DetailsOf(refused).metadata, Contains(Pair("child_job_id", child)));
    EXPECT_GT(model::DetailsOf(refused).retry_after, absl::ZeroDuration());
    EXPECT_EQ(store().ExpireJob(Key("bulk")).value_or(model::Expiration::kDeleted), model::Expiration::kKept);
  };
  expects_kept("a");
  Cancel("a");
  if (GetParam().durable) Reopen();
  expects_kept("b");
  Cancel("b");
  EXPECT_EQ(store().ExpireJob(Key("bulk")).value_or(model::Expiration::kKept), model::Expiration::kDeleted);
}

TEST_P(ChildrenTest, NoJobIsMadeForABulkRunThatIsGone) {
  const JobPtr bulk = CreateBulk();
  Cancel("bulk");
  ASSERT_THAT(store().DeleteJob(Key("bulk")), IsOk());
  EXPECT_THAT(store().CreateJob(ChildOf(*bulk, "a")), IsError(Reason::kPipelineNotFound));
  Tick();
  CreateBulk();
  EXPECT_THAT(store().CreateJob(ChildOf(*bulk, "a")), IsError(Reason::kPipelineNotFound));
}

TEST_P(ChildrenTest, AChildCannotBeDeletedBeforeItsOutcomeIsTaken) {
  const JobPtr bulk = CreateBulk();
  PushMany(bulk->key(), 2);
  Create(ChildOf(*bulk, "a", 1));
  Create(ChildOf(*bulk, "b", 2));
  for (const std::string id : {"a", "b"}) Cancel(id);
  EXPECT_THAT(store().DeleteJob(Key("a")), IsError(Reason::kJobNotFinished));
  CommitOne(bulk->key(), 1);
  EXPECT_THAT(store().DeleteJob(Key("a")), IsOk());
  EXPECT_THAT(Ids(Query()), ElementsAre("b"));
  EXPECT_THAT(store().DeleteJob(Key("b")), IsError(Reason::kJobNotFinished));
  Cancel("bulk");
  EXPECT_THAT(store().DeleteJob(Key("b")), IsOk());
  EXPECT_THAT(Ids(Query()), ElementsAre());
}

TEST_P(ChildrenTest, TheBuiltInServiceIsThereWithoutBeingCreated) {
  const auto by_name = store().GetServiceVersion("nobody", {"millrace/jobs", "", ""});
  ASSERT_THAT(by_name, IsOk());
  EXPECT_EQ(by_name->version_id, model::JobsService().version_id);
  EXPECT_THAT(store().GetServiceVersion("nobody", {"", "", by_name->version_id}), IsOk());
  EXPECT_THAT(store().GetServiceVersion("nobody", {"millrace/jobs", "2.0.0", ""}),
              IsError(Reason::kServiceVersionNotFound));
  EXPECT_THAT(*store().ListServiceVersions("nobody", "millrace/jobs"), SizeIs(1));
}

TEST_P(ChildrenTest, TheBuiltInServiceCanBeNeitherReplacedNorDeleted) {
  EXPECT_THAT(store().CreateServiceVersion(ExampleVersion("2.0.0", model::kJobsService)),
              IsError(Reason::kServiceDefinitionInvalid));
  EXPECT_THAT(store().DeleteServiceVersion(kTenant, {"millrace/jobs", "1.0.0", ""}),
              IsError(Reason::kServiceVersionInUse));
}

TEST_P(ChildrenTest, TheBuiltInServiceHasItsPlaceByNameOnEveryPage) {
  for (const char* service : {"a/a", "n/n", "z/z"}) {
    auto version = ExampleVersion("1.0.0", service);
    version.version_id += service[0];
    ASSERT_THAT(store().CreateServiceVersion(version), IsOk());
  }
  for (const int32_t page_size : {1, 2, 3, 4, 5, 6}) {
    std::vector<std::string> names;
    std::string token;
    do {
      const auto page = store().ListServices(kTenant, page_size, token);
      ASSERT_THAT(page, IsOk());
      EXPECT_LE(page->items.size(), static_cast<size_t>(page_size));
      for (const auto& service : page->items) names.push_back(service.service);
      token = page->next_token;
    } while (!token.empty());
    EXPECT_THAT(names, ElementsAre("a/a", "demo/double", "millrace/jobs", "n/n", "z/z")) << page_size;
  }
  EXPECT_THAT(store().ListServices("nobody", 10, "")->items, SizeIs(1));
}

INSTANTIATE_TEST_SUITE_P(Stores, ChildrenTest, ::testing::ValuesIn(AllStores()), StoreName);

using DurableChildrenTest = ChildrenTest;

TEST_P(DurableChildrenTest, ARestartForgetsNoChild) {
  const JobPtr bulk = CreateBulk();
  Create(ChildOf(*bulk, "a"));
  Reopen();
  EXPECT_THAT(Ids(Query()), ElementsAre("a"));
  EXPECT_EQ((*store().GetJob(Key("a")))->parent, ChildOf(*bulk, "a").parent);
}

INSTANTIATE_TEST_SUITE_P(Stores, DurableChildrenTest, ::testing::ValuesIn(DurableStores()), StoreName);

}  // namespace
}  // namespace millrace::store
