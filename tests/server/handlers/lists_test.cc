#include <string>
#include <vector>

#include "tests/server/handlers/handlers_fixture.h"

namespace millrace::handlers {
namespace {

using model::Reason;
using testing::IsError;
using testing::IsOk;

class ListsTest : public HandlersFixture {};

TEST_F(ListsTest, JobsAreListedNewestFirstAndEachOnce) {
  CreateService();
  std::vector<std::string> created;
  for (int i = 0; i < 5; ++i) {
    clock_.Advance(absl::Seconds(1));
    v1::CreatePipelineRequest request;
    request.set_service("demo/doubler");
    created.insert(created.begin(), CreatePipeline(request, call_, deps_)->id());
  }
  v1::ListJobsRequest request;
  request.set_page_size(2);
  std::vector<std::string> listed;
  do {
    ASSERT_OK_AND_ASSIGN(const v1::ListJobsResponse response, ListJobs(request, call_, deps_));
    for (const v1::Job& job : response.jobs()) listed.push_back(job.id());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(listed, created);
}

TEST_F(ListsTest, JobsAreFilteredByWhatIsSaidAboutThem) {
  CreateService();
  v1::CreatePipelineRequest create;
  create.set_service("demo/doubler");
  create.mutable_metadata()->set_name("Month-end run");
  create.mutable_metadata()->set_project("pricing");
  create.mutable_metadata()->add_tags("urgent");
  ASSERT_THAT(CreatePipeline(create, call_, deps_), IsOk());
  const auto count = [&](const v1::ListJobsRequest& request) { return ListJobs(request, call_, deps_)->jobs_size(); };
  v1::ListJobsRequest request;
  request.set_project("pricing");
  request.set_tag("urgent");
  request.set_created_by("anonymous");
  request.set_text("month-END");
  request.mutable_create_time_from()->set_seconds(absl::ToUnixSeconds(clock_.Now()));
  request.mutable_create_time_before()->set_seconds(absl::ToUnixSeconds(clock_.Now()) + 1);
  EXPECT_EQ(count(request), 1);
  for (const auto& change : std::vector<void (*)(v1::ListJobsRequest&)>{
           [](v1::ListJobsRequest& r) { r.set_project("risk"); }, [](v1::ListJobsRequest& r) { r.set_tag("slow"); },
           [](v1::ListJobsRequest& r) { r.set_created_by("bob"); }, [](v1::ListJobsRequest& r) { r.set_text("daily"); },
           [](v1::ListJobsRequest& r) { r.mutable_create_time_from()->set_nanos(1); },
           [](v1::ListJobsRequest& r) { *r.mutable_create_time_before() = r.create_time_from(); }}) {
    v1::ListJobsRequest other = request;
    change(other);
    EXPECT_EQ(count(other), 0) << other.ShortDebugString();
  }
  v1::ListJobsRequest wrong;
  wrong.mutable_create_time_from()->set_nanos(-1);
  EXPECT_EQ(FieldOf(ListJobs(wrong, call_, deps_).status()), "create_time_from");
  wrong.mutable_create_time_from()->set_nanos(1);
  wrong.mutable_create_time_before();
  EXPECT_EQ(FieldOf(ListJobs(wrong, call_, deps_).status()), "create_time_before");
  wrong.clear_create_time_before();
  wrong.set_text(std::string(1'025, 'x'));
  EXPECT_EQ(FieldOf(ListJobs(wrong, call_, deps_).status()), "text");
}

TEST_F(ListsTest, JobsAreListedOldestFirstWhenAsked) {
  CreateService();
  std::vector<std::string> created;
  for (int i = 0; i < 2; ++i) {
    clock_.Advance(absl::Seconds(1));
    v1::CreatePipelineRequest request;
    request.set_service("demo/doubler");
    created.push_back(CreatePipeline(request, call_, deps_)->id());
  }
  v1::ListJobsRequest request;
  request.set_order(v1::JOB_ORDER_OLDEST_FIRST);
  request.set_page_size(1);
  ASSERT_OK_AND_ASSIGN(const v1::ListJobsResponse first, ListJobs(request, call_, deps_));
  EXPECT_EQ(first.jobs(0).id(), created[0]);
  request.set_page_token(first.next_page_token());
  EXPECT_EQ(ListJobs(request, call_, deps_)->jobs(0).id(), created[1]);
  request.set_order(v1::JOB_ORDER_NEWEST_FIRST);
  EXPECT_THAT(ListJobs(request, call_, deps_), IsError(Reason::kPageTokenInvalid));
  request.set_order(static_cast<v1::JobOrder>(9));
  EXPECT_EQ(FieldOf(ListJobs(request, call_, deps_).status()), "order");
}

TEST_F(ListsTest, ATokenGoesOnWithTheFiltersThatMadeIt) {
  CreateDoublerPipeline();
  v1::CreatePipelineRequest create;
  create.set_service("demo/doubler");
  ASSERT_THAT(CreatePipeline(create, call_, deps_), IsOk());
  v1::ListJobsRequest request;
  request.set_page_size(1);
  request.set_created_by("anonymous");
  request.set_page_token(ListJobs(request, call_, deps_)->next_page_token());
  EXPECT_EQ(ListJobs(request, call_, deps_)->jobs_size(), 1);
  request.set_created_by("bob");
  EXPECT_THAT(ListJobs(request, call_, deps_), IsError(Reason::kPageTokenInvalid));
}

TEST_F(ListsTest, JobsAreFilteredByStateAndService) {
  const std::string id = CreateDoublerPipeline();
  v1::ListJobsRequest request;
  request.add_states(v1::JOB_STATE_CREATED);
  EXPECT_EQ(ListJobs(request, call_, deps_)->jobs_size(), 1);
  request.set_states(0, v1::JOB_STATE_COMPLETED);
  EXPECT_EQ(ListJobs(request, call_, deps_)->jobs_size(), 0);
  request.clear_states();
  request.set_service("demo/other");
  EXPECT_EQ(ListJobs(request, call_, deps_)->jobs_size(), 0);
  request.set_service("demo/doubler[9.0.0]");
  EXPECT_EQ(ListJobs(request, call_, deps_)->jobs_size(), 0);
  request.set_service("demo/doubler[1.0.0]");
  EXPECT_EQ(ListJobs(request, call_, deps_)->jobs_size(), 1);
  for (const std::string wrong : {"not a name", "demo/doubler[", "01h2xcejqtf2nbrexx3vqjhp41"}) {
    request.set_service(wrong);
    EXPECT_EQ(FieldOf(ListJobs(request, call_, deps_).status()), "service") << wrong;
  }
  request.clear_service();
  request.add_states(v1::JOB_STATE_UNSPECIFIED);
  EXPECT_EQ(FieldOf(ListJobs(request, call_, deps_).status()), "states[0]");
  request.clear_states();
  request.set_page_size(-1);
  EXPECT_EQ(FieldOf(ListJobs(request, call_, deps_).status()), "page_size");
}

TEST_F(ListsTest, APageTokenOfOtherFiltersIsRefused) {
  CreateService();
  for (int i = 0; i < 2; ++i) {
    v1::CreatePipelineRequest request;
    request.set_service("demo/doubler");
    ASSERT_THAT(CreatePipeline(request, call_, deps_), IsOk());
  }
  v1::ListJobsRequest request;
  request.set_page_size(1);
  request.set_page_token(ListJobs(request, call_, deps_)->next_page_token());
  request.set_service("demo/doubler");
  EXPECT_THAT(ListJobs(request, call_, deps_), IsError(Reason::kPageTokenInvalid));
}

TEST_F(ListsTest, ExceptionsKeepTheirInputAndFallIntoGroups) {
  const std::string id = CreateDoublerPipeline();
  ASSERT_THAT(PushLines(id, "{\"n\":\"x\"}\n{\"n\":1}\nrubbish\n{}\n{\"n\":\"y\"}\n"), IsOk());
  StartWorkers();
  AwaitCommitted(id);

  v1::ListExceptionsRequest list;
  list.set_job_id(id);
  ASSERT_OK_AND_ASSIGN(const v1::ListExceptionsResponse all, ListExceptions(list, call_, deps_));
  ASSERT_EQ(all.exceptions_size(), 4);
  EXPECT_EQ(all.exceptions(0).input(), "{\"n\":\"x\"}");
  EXPECT_EQ(all.exceptions(1).input(), "rubbish");
  EXPECT_EQ(all.exceptions(1).index(), 2);
  EXPECT_EQ(all.exceptions(1).state(), v1::EXCEPTION_STATE_UNRESOLVED);

  v1::ListExceptionGroupsRequest groups;
  groups.set_job_id(id);
  ASSERT_OK_AND_ASSIGN(const v1::ListExceptionGroupsResponse grouped, ListExceptionGroups(groups, call_, deps_));
  ASSERT_EQ(grouped.groups_size(), 3);
  EXPECT_EQ(grouped.groups(0).count(), 2) << "the two values of a wrong type differ in the value only";
  EXPECT_EQ(grouped.groups(0).code(), core::record_code::kInputType);

  list.set_fingerprint(grouped.groups(0).fingerprint());
  EXPECT_EQ(ListExceptions(list, call_, deps_)->exceptions_size(), 2);
  list.set_job_id("nobody");
  EXPECT_THAT(ListExceptions(list, call_, deps_), IsError(Reason::kPipelineNotFound));
  groups.set_job_id("nobody");
  EXPECT_THAT(ListExceptionGroups(groups, call_, deps_), IsError(Reason::kPipelineNotFound));
}

TEST_F(ListsTest, DescribeShowsActiveAndRecentJobsAndTheTenant) {
  const std::string ended = CreateDoublerPipeline();
  v1::ClosePipelineRequest close;
  close.set_pipeline_id(ended);
  ASSERT_THAT(ClosePipeline(close, call_, deps_), IsOk());
  v1::CreatePipelineRequest create;
  create.set_service("demo/doubler");
  ASSERT_OK_AND_ASSIGN(const v1::Job active, CreatePipeline(create, call_, deps_));
  ASSERT_THAT(PushLines(active.id(), "{\"n\":1}\n"), IsOk());

  ASSERT_OK_AND_ASSIGN(const v1::DescribePipelinesResponse now, DescribePipelines({}, call_, deps_));
  ASSERT_EQ(now.active_pipelines_size(), 1);
  EXPECT_EQ(now.active_pipelines(0).id(), active.id());
  ASSERT_EQ(now.recent_pipelines_size(), 1);
  EXPECT_EQ(now.recent_pipelines(0).id(), ended);
  EXPECT_EQ(now.tenant().tenant(), "default");
  EXPECT_EQ(now.tenant().max_workers(), 4);
  EXPECT_EQ(now.tenant().input_buffer_used_bytes(), 8);
  EXPECT_EQ(now.tenant().input_buffer_remaining_bytes(), 70'000'000 - 8);
  EXPECT_EQ(now.server().instance_id(), "server-1");
  EXPECT_EQ(now.server().epoch(), store_->epoch());
  EXPECT_EQ(now.server().worker_labels().at("site"), "paris");

  clock_.Advance(absl::Hours(2));
  EXPECT_EQ(DescribePipelines({}, call_, deps_)->recent_pipelines_size(), 0) << "recent is the last hour";
}

TEST_F(ListsTest, RecentIsWhatEndedLastWheneverItBegan) {
  CreateService();
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    v1::CreatePipelineRequest create;
    create.set_service("demo/doubler");
    ids.push_back(CreatePipeline(create, call_, deps_)->id());
    clock_.Advance(absl::Hours(3));
  }
  for (const int i : {2, 0, 1}) {
    ASSERT_THAT(store_->CloseJob(call_.job(ids[static_cast<size_t>(i)])), IsOk());
    clock_.Advance(absl::Minutes(1));
  }
  v1::DescribePipelinesRequest request;
  request.set_max_pipelines(2);
  ASSERT_OK_AND_ASSIGN(v1::DescribePipelinesResponse response, DescribePipelines(request, call_, deps_));
  ASSERT_EQ(response.recent_pipelines_size(), 2);
  EXPECT_EQ(response.recent_pipelines(0).id(), ids[1]);
  EXPECT_EQ(response.recent_pipelines(1).id(), ids[0]);
  EXPECT_TRUE(response.truncated());
  request.set_max_pipelines(3);
  ASSERT_OK_AND_ASSIGN(response, DescribePipelines(request, call_, deps_));
  EXPECT_EQ(response.recent_pipelines(2).id(), ids[2]);
  EXPECT_FALSE(response.truncated());
}

TEST_F(ListsTest, GetJobAndStatusSpeakOfTheSameNumbers) {
  const std::string id = CreateDoublerPipeline();
  ASSERT_THAT(PushLines(id, "{\"n\":1}\n{}\n"), IsOk());
  StartWorkers();
  AwaitCommitted(id);
  v1::GetJobRequest get;
  get.set_job_id(id);
  v1::GetPipelineStatusRequest status_request;
  status_request.set_pipeline_id(id);
  ASSERT_OK_AND_ASSIGN(const v1::Job job, GetJob(get, call_, deps_));
  ASSERT_OK_AND_ASSIGN(const v1::PipelineStatus status, GetPipelineStatus(status_request, call_, deps_));
  EXPECT_EQ(job.summary().records_submitted(), 2);
  EXPECT_EQ(job.summary().records_completed(), 1);
  EXPECT_EQ(job.summary().records_failed(), 1);
  EXPECT_EQ(job.summary().chunks_completed(), 1);
  EXPECT_EQ(job.summary().input_size_bytes(), 11);
  EXPECT_EQ(status.records_completed(), 1);
  EXPECT_EQ(status.records_failed(), 1);
  EXPECT_EQ(status.records_available(), 2);
  EXPECT_TRUE(status.idle());
  get.set_job_id("nobody");
  EXPECT_THAT(GetJob(get, call_, deps_), IsError(Reason::kPipelineNotFound));
}

}  // namespace
}  // namespace millrace::handlers
