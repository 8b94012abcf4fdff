// Lists of jobs in other orders than that of their creation, by outcome, and how many they have.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/model/limits.h"
#include "tests/server/handlers/handlers_fixture.h"

namespace millrace::handlers {
namespace {

using model::Reason;
using ::testing::ElementsAre;
using testing::IsError;
using testing::IsOk;

/// At each look at it so much time has passed that no call looks at a second thousand of jobs.
class HastyClock final : public model::Clock {
 public:
  absl::Time Now() const override { return absl::FromUnixSeconds(1'700'000'000); }
  int64_t SteadyNanos() const override { return nanos_ += absl::ToInt64Nanoseconds(model::kStatisticsTimeMax); }
  void WaitUntil(std::condition_variable_any&, absl::Mutex&, int64_t) const override {}

 private:
  mutable int64_t nanos_ = 0;
};

class SortedListsTest : public HandlersFixture {
 protected:
  SortedListsTest() {
    CreateService();
    StartWorkers();
  }

  void Create(const std::string& id, const std::string& name = "") {
    v1::CreatePipelineRequest request;
    request.set_service("demo/doubler");
    request.set_pipeline_id(id);
    request.mutable_metadata()->set_name(name);
    ASSERT_THAT(CreatePipeline(request, call_, deps_), IsOk());
  }

  /// A job that is through with so many records, `failed` of which have failed, `seconds` after its first push.
  void Run(const std::string& id, int good, int failed, int64_t seconds) {
    std::string lines;
    for (int i = 0; i < good; ++i) lines += "{\"n\":1}\n";
    for (int i = 0; i < failed; ++i) lines += "{\"n\":\"x\"}\n";
    ASSERT_THAT(PushLines(id, lines), IsOk());
    AwaitCommitted(id);
    clock_.Advance(absl::Seconds(seconds));
    ASSERT_THAT(store_->CloseJob(call_.job(id)), IsOk());
  }

  /// Four jobs. In the order of their creation: c, a, d, b.
  void CreateFour() {
    for (const auto& [id, name] :
         {std::pair("c", "Beta"), std::pair("a", ""), std::pair("d", "Alpha, the first\n"), std::pair("b", "beta")}) {
      Create(id, name);
      clock_.Advance(absl::Seconds(1));
    }
    Run("b", 2, 1, 30);
    Run("d", 0, 3, 10);
    Run("c", 1, 0, 20);
  }

  /// The ids of all jobs of a list, one after the other.
  std::string Ids(v1::ListJobsRequest request, const Deps& deps) {
    std::string ids;
    do {
      const absl::StatusOr<v1::ListJobsResponse> response = ListJobs(request, call_, deps);
      EXPECT_THAT(response, IsOk());
      if (!response.ok()) break;
      for (const v1::Job& job : response->jobs()) ids += job.id();
      request.set_page_token(response->next_page_token());
    } while (!request.page_token().empty());
    return ids;
  }

  std::string Sorted(v1::JobOrder order, int32_t page_size) {
    v1::ListJobsRequest request;
    request.set_order(order);
    request.set_page_size(page_size);
    return Ids(request, deps_);
  }
};

TEST_F(SortedListsTest, EachOrderHasEveryJobOnceHoweverSmallItsPages) {
  CreateFour();
  for (const int32_t page_size : {1, 2, 3, 4, 100}) {
    EXPECT_EQ(Sorted(v1::JOB_ORDER_LAST_ENDED_FIRST, page_size), "cdba") << page_size;
    EXPECT_EQ(Sorted(v1::JOB_ORDER_MOST_FAILED_FIRST, page_size), "dbac") << "alike: newest first; " << page_size;
    EXPECT_EQ(Sorted(v1::JOB_ORDER_LONGEST_FIRST, page_size), "bcda") << page_size;
    EXPECT_EQ(Sorted(v1::JOB_ORDER_NAME, page_size), "dcba") << page_size;
  }
}

TEST_F(SortedListsTest, WhatStillRunsKeepsItsPlaceWhileTheListIsRead) {
  CreateFour();
  ASSERT_THAT(PushLines("a", "{\"n\":1}\n"), IsOk());
  AwaitCommitted("a");
  clock_.Advance(absl::Seconds(15));
  v1::ListJobsRequest request;
  request.set_order(v1::JOB_ORDER_LONGEST_FIRST);
  request.set_page_size(1);
  std::string ids;
  do {
    ASSERT_OK_AND_ASSIGN(const v1::ListJobsResponse response, ListJobs(request, call_, deps_));
    for (const v1::Job& job : response.jobs()) ids += job.id();
    clock_.Advance(absl::Seconds(100));
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(ids, "bcad");
}

TEST_F(SortedListsTest, ManyJobsTakeSeveralCallsAndTheFirstPageIsThatOfAll) {
  for (int i = 0; i < 2 * model::kPageSizeMax + 2; ++i) Create(absl::StrCat("j", i), absl::StrCat("n", 10'000 - i));
  const HastyClock hasty;
  const Deps deps{.store = *store_, .leases = hub_, .compiler = *compiler_, .clock = hasty, .ids = ids_, .server = {}};
  v1::ListJobsRequest request;
  request.set_order(v1::JOB_ORDER_NAME);
  request.set_page_size(2);
  std::vector<int> sizes;
  std::vector<std::string> names;
  for (int call = 0; call < 6; ++call) {
    ASSERT_OK_AND_ASSIGN(const v1::ListJobsResponse response, ListJobs(request, call_, deps));
    sizes.push_back(response.jobs_size());
    for (const v1::Job& job : response.jobs()) names.push_back(job.metadata().name());
    request.set_page_token(response.next_page_token());
    ASSERT_NE(request.page_token(), "");
    // A page that was begun does not grow: what did not lead then is forgotten.
    request.set_page_size(call == 0 ? 100 : 2);
  }
  EXPECT_THAT(sizes, ElementsAre(0, 0, 2, 0, 0, 2));
  EXPECT_THAT(names, ElementsAre("n10000", "n7999", "n8000", "n8001"));
}

TEST_F(SortedListsTest, WhereLeadersAreDeletedNoJobBehindThemIsPassedOver) {
  for (int i = 0; i < 2 * model::kPageSizeMax; ++i) Create(absl::StrCat("j", 1'000 + i), absl::StrCat("n", 3'000 - i));
  const HastyClock hasty;
  const Deps deps{.store = *store_, .leases = hub_, .compiler = *compiler_, .clock = hasty, .ids = ids_, .server = {}};
  v1::ListJobsRequest request;
  request.set_order(v1::JOB_ORDER_NAME);
  request.set_page_size(3);
  ASSERT_OK_AND_ASSIGN(const v1::ListJobsResponse half, ListJobs(request, call_, deps));
  EXPECT_EQ(half.jobs_size(), 0);
  for (const std::string id : {"j2999", "j2997"}) {
    ASSERT_THAT(store_->CancelJob(call_.job(id), "", /*force=*/true), IsOk());
    ASSERT_THAT(store_->DeleteJob(call_.job(id)), IsOk());
  }
  request.set_page_token(half.next_page_token());
  std::vector<std::string> names;
  while (names.size() < 4) {
    ASSERT_OK_AND_ASSIGN(const v1::ListJobsResponse response, ListJobs(request, call_, deps));
    for (const v1::Job& job : response.jobs()) names.push_back(job.metadata().name());
    request.set_page_token(response.next_page_token());
    ASSERT_NE(request.page_token(), "");
  }
  EXPECT_THAT(names, ElementsAre("n1002", "n1004", "n1005", "n1006"));
}

TEST_F(SortedListsTest, ByOutcome) {
  CreateFour();
  v1::ListJobsRequest request;
  request.add_outcomes(v1::OUTCOME_PARTIAL);
  EXPECT_EQ(Ids(request, deps_), "b");
  request.add_outcomes(v1::OUTCOME_FAILED_ALL);
  EXPECT_EQ(Ids(request, deps_), "bd");
  request.set_order(v1::JOB_ORDER_MOST_FAILED_FIRST);
  EXPECT_EQ(Ids(request, deps_), "db");
  request.add_outcomes(v1::OUTCOME_UNSPECIFIED);
  EXPECT_EQ(FieldOf(ListJobs(request, call_, deps_).status()), "outcomes[2]");
}

TEST_F(SortedListsTest, TheFirstPageSaysHowManyThereAreWhereThatIsKept) {
  CreateFour();
  v1::ListJobsRequest request;
  request.set_page_size(1);
  ASSERT_OK_AND_ASSIGN(const v1::ListJobsResponse first, ListJobs(request, call_, deps_));
  EXPECT_EQ(first.total_count(), 4);
  request.set_page_token(first.next_page_token());
  EXPECT_FALSE(ListJobs(request, call_, deps_)->has_total_count());
  request.clear_page_token();
  request.set_service("demo/doubler");
  request.add_states(v1::JOB_STATE_COMPLETED);
  request.add_states(v1::JOB_STATE_COMPLETED);
  EXPECT_EQ(ListJobs(request, call_, deps_)->total_count(), 3);
  request.clear_states();
  request.add_outcomes(v1::OUTCOME_SUCCEEDED);
  EXPECT_EQ(ListJobs(request, call_, deps_)->total_count(), 1);
  request.set_service("demo/other");
  EXPECT_TRUE(ListJobs(request, call_, deps_)->has_total_count());
  EXPECT_EQ(ListJobs(request, call_, deps_)->total_count(), 0);
  request.set_text("beta");
  EXPECT_FALSE(ListJobs(request, call_, deps_)->has_total_count());
}

TEST_F(SortedListsTest, ATokenGoesOnWithTheOrderThatMadeIt) {
  CreateFour();
  v1::ListJobsRequest request;
  request.set_page_size(1);
  request.set_order(v1::JOB_ORDER_NAME);
  request.set_page_token(ListJobs(request, call_, deps_)->next_page_token());
  EXPECT_THAT(ListJobs(request, call_, deps_), IsOk());
  request.set_order(v1::JOB_ORDER_LONGEST_FIRST);
  EXPECT_THAT(ListJobs(request, call_, deps_), IsError(Reason::kPageTokenInvalid));
}

}  // namespace
}  // namespace millrace::handlers
