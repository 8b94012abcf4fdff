// One verb over many jobs, and jobs summary.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "client/cpp/mocks/mock_connection.h"
#include "tests/tools/millrace/cli_fixture.h"

namespace millrace::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::InSequence;
using ::testing::Not;
using ::testing::Return;
using ::testing::StrictMock;

class BulkChangeTest : public CliFixture {
 protected:
  static v1::Job Job(const std::string& id, v1::JobState state = v1::JOB_STATE_IN_PROGRESS) {
    v1::Job job;
    job.set_id(id);
    job.set_state(state);
    job.set_service_uri("demo/echo[1.0.0]");
    return job;
  }

  /// Two pages: the second is asked for before any job is changed.
  void ExpectList(const std::vector<std::string>& first, const std::vector<std::string>& second = {}) {
    EXPECT_CALL(*connection_, ListJobs).WillOnce([=, this](const v1::ListJobsRequest& request, const auto&) {
      seen_ = request;
      v1::ListJobsResponse response;
      for (const std::string& id : first) *response.add_jobs() = Job(id);
      if (!second.empty()) response.set_next_page_token("more");
      return response;
    });
    if (second.empty()) return;
    EXPECT_CALL(*connection_, ListJobs).WillOnce([=](const v1::ListJobsRequest& request, const auto&) {
      EXPECT_EQ(request.page_token(), "more");
      v1::ListJobsResponse response;
      for (const std::string& id : second) *response.add_jobs() = Job(id);
      return response;
    });
  }

  void ExpectCancel(const std::string& id, absl::StatusOr<v1::Job> answer) {
    EXPECT_CALL(*connection_, CancelPipeline).WillOnce([=](const v1::CancelPipelineRequest& request, const auto&) {
      EXPECT_EQ(request.pipeline_id(), id);
      EXPECT_EQ(request.reason(), "wrong file");
      return answer;
    });
  }

  v1::ListJobsRequest seen_;
  std::shared_ptr<StrictMock<client::MockConnection>> connection_ =
      std::make_shared<StrictMock<client::MockConnection>>();
};

TEST_F(BulkChangeTest, EveryJobThatMatchesIsChangedAndHasAResult) {
  const InSequence sequence;
  ExpectList({"a", "b"}, {"c"});
  ExpectCancel("a", Job("a", v1::JOB_STATE_CANCELLED));
  ExpectCancel("b", absl::NotFoundError("no such pipeline"));
  ExpectCancel("c", Job("c", v1::JOB_STATE_CANCELLED));
  EXPECT_EQ(
      Run({"jobs", "cancel", "--all-matching", "--tag", "urgent", "--since", "24h", "--reason", "wrong file", "--yes"},
          connection_),
      1);
  EXPECT_EQ(seen_.tag(), "urgent");
  EXPECT_TRUE(seen_.has_create_time_from());
  EXPECT_THAT(seen_.states(), ElementsAre(v1::JOB_STATE_CREATED, v1::JOB_STATE_IN_PROGRESS, v1::JOB_STATE_PAUSED,
                                          v1::JOB_STATE_CLOSED, v1::JOB_STATE_CLOSED_BY_TIMEOUT));
  EXPECT_THAT(out(), HasSubstr("a   CANCELLED\n"));
  EXPECT_THAT(out(), HasSubstr("b   FAILED: no such pipeline\n"));
  EXPECT_THAT(out(), HasSubstr("c   CANCELLED\n"));
  EXPECT_EQ(err(), "cancelled 2 jobs, 1 failed\n");
}

TEST_F(BulkChangeTest, ResultsComeAsJson) {
  const InSequence sequence;
  ExpectList({"a", "b"});
  EXPECT_CALL(*connection_, PauseJob).WillOnce(Return(Job("a", v1::JOB_STATE_PAUSED)));
  EXPECT_CALL(*connection_, PauseJob).WillOnce(Return(absl::FailedPreconditionError("the job has ended")));
  EXPECT_EQ(Run({"jobs", "pause", "--all-matching", "--state", "IN_PROGRESS", "--yes", "-o", "json"}, connection_), 1);
  EXPECT_THAT(seen_.states(), ElementsAre(v1::JOB_STATE_IN_PROGRESS));
  EXPECT_THAT(out(), HasSubstr(R"("id": "a")"));
  EXPECT_THAT(out(), HasSubstr(R"("detail": "PAUSED")"));
  EXPECT_THAT(out(), HasSubstr(R"("error": "the job has ended")"));
  EXPECT_THAT(out(), HasSubstr(R"("failed": 1)"));
}

TEST_F(BulkChangeTest, APreviewTouchesNothing) {
  ExpectList({"a", "b"});
  EXPECT_EQ(Run({"jobs", "delete", "--all-matching", "--before", "2024-01-01", "--preview"}, connection_), 0) << err();
  EXPECT_THAT(seen_.states(), ElementsAre(v1::JOB_STATE_COMPLETED, v1::JOB_STATE_COMPLETED_BY_TIMEOUT,
                                          v1::JOB_STATE_FAILED, v1::JOB_STATE_CANCELLED));
  EXPECT_THAT(out(), HasSubstr("demo/echo[1.0.0]"));
  EXPECT_EQ(err(), "2 jobs would be deleted\n");
}

TEST_F(BulkChangeTest, WhoeverSitsAtTheTerminalIsAsked) {
  is_terminal_ = true;
  ExpectList({"a"});
  answer_ = "no\n";
  EXPECT_EQ(Run({"jobs", "resume", "--all-matching"}, connection_), 1);
  EXPECT_THAT(err(), HasSubstr("nothing was changed"));
  EXPECT_THAT(err(), HasSubstr("resume 1 job? [y/N] "));
  EXPECT_THAT(seen_.states(), ElementsAre(v1::JOB_STATE_PAUSED));
  const InSequence sequence;
  ExpectList({"a"});
  EXPECT_CALL(*connection_, ResumeJob).WillOnce(Return(Job("a")));
  answer_ = "Y\n";
  EXPECT_EQ(Run({"jobs", "resume", "--all-matching"}, connection_), 0) << err();
}

TEST_F(BulkChangeTest, WhereNobodyCanBeAskedNothingIsDone) {
  ExpectList({"a"});
  EXPECT_EQ(Run({"jobs", "delete", "--all-matching", "--force"}, connection_), 2);
  EXPECT_EQ(seen_.states_size(), 0) << "also jobs that have not ended";
  EXPECT_THAT(err(), HasSubstr("--yes"));
}

TEST_F(BulkChangeTest, TheRateIsKept) {
  const InSequence sequence;
  ExpectList({"a", "b", "c"});
  EXPECT_CALL(*connection_, DeleteJob).Times(3).WillRepeatedly(Return(v1::DeleteJobResponse()));
  EXPECT_EQ(Run({"jobs", "delete", "--all-matching", "--jobs-per-second", "2", "--yes"}, connection_), 0) << err();
  EXPECT_THAT(timer_.sleeps(), ElementsAre(absl::Milliseconds(500), absl::Milliseconds(500)));
}

TEST_F(BulkChangeTest, AnInterruptLeavesTheRestAlone) {
  const InSequence sequence;
  ExpectList({"a", "b", "c"});
  EXPECT_CALL(*connection_, DeleteJob).WillOnce([this](const auto&, const auto&) {
    stop_.request_stop();
    return v1::DeleteJobResponse();
  });
  EXPECT_EQ(Run({"jobs", "delete", "--all-matching", "--yes"}, connection_), 4);
  EXPECT_THAT(err(), HasSubstr("deleted 1 job, 2 left as they were\n"));
}

TEST_F(BulkChangeTest, RetryRunsTheFailedRecordsOfEach) {
  const InSequence sequence;
  ExpectList({"a", "b"});
  for (const std::string id : {"a", "b"}) {
    EXPECT_CALL(*connection_, RetryJob).WillOnce([=](const v1::RetryJobRequest& request, const auto&) {
      EXPECT_EQ(request.job_id(), id);
      EXPECT_TRUE(request.failed());
      v1::RetryJobResponse response;
      response.set_failed_record_count(3);
      return response;
    });
  }
  EXPECT_EQ(Run({"jobs", "retry", "--all-matching", "--yes"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("a   3 records are run again\n"));
  ExpectList({"a"});
  EXPECT_EQ(Run({"jobs", "retry", "--all-matching", "--preview"}, connection_), 0) << err();
  EXPECT_EQ(err(), "1 job would be retried\n");
  EXPECT_EQ(Run({"jobs", "retry", "--all-matching", "--group", "g"}, connection_), 2) << "a group is of one job";
}

TEST_F(BulkChangeTest, CancelledJobsAreRetriedWhereThatIsAllowed) {
  ExpectList({"a"});
  EXPECT_CALL(*connection_, RetryJob).WillOnce([](const v1::RetryJobRequest& request, const auto&) {
    EXPECT_TRUE(request.allow_cancelled());
    EXPECT_TRUE(request.other_code_than_job());
    return v1::RetryJobResponse();
  });
  EXPECT_EQ(Run({"jobs", "retry", "--all-matching", "--allow-cancelled", "--other-code", "--yes"}, connection_), 0);
  EXPECT_THAT(seen_.states(), ::testing::Contains(v1::JOB_STATE_CANCELLED));
}

TEST_F(BulkChangeTest, OneJobOrAllThatMatch) {
  for (const std::string verb : {"cancel", "pause", "resume", "delete", "retry"}) {
    EXPECT_EQ(Run({"jobs", verb}), 2) << verb;
    EXPECT_EQ(Run({"jobs", verb, "j", "--all-matching"}), 2) << verb;
    EXPECT_EQ(Run({"jobs", verb, "j", "--tag", "x"}), 2) << verb;
  }
  ExpectList({});
  EXPECT_EQ(Run({"jobs", "cancel", "--all-matching"}, connection_), 0) << err();
  EXPECT_EQ(err(), "cancelled 0 jobs\n");
}

TEST_F(BulkChangeTest, ASummaryShowsJobsByStateAndService) {
  EXPECT_CALL(*connection_, GetStatistics).WillOnce([](const v1::GetStatisticsRequest& request, const auto&) {
    EXPECT_EQ(request.project(), "pricing");
    EXPECT_TRUE(request.has_create_time_from());
    EXPECT_FALSE(request.has_create_time_before());
    v1::GetStatisticsResponse all;
    all.set_jobs(1'200);
    all.set_jobs_active(3);
    v1::JobStateCount& state = *all.add_states();
    state.set_state(v1::JOB_STATE_COMPLETED);
    state.set_jobs(1'197);
    v1::ServiceStatistics& service = *all.add_services();
    service.set_service("demo/echo");
    service.set_jobs(1'200);
    all.set_services_total(7);
    *all.add_recent_jobs() = Job("newest");
    all.set_partial(true);
    all.mutable_complete_from()->set_seconds(1'700'000'000);
    return all;
  });
  EXPECT_EQ(Run({"jobs", "summary", "--project", "pricing", "--since", "24h"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("COMPLETED 1,197"));
  EXPECT_THAT(out(), HasSubstr("demo/echo"));
  EXPECT_THAT(out(), HasSubstr("newest"));
  EXPECT_THAT(err(), HasSubstr("there are 7 services"));
  EXPECT_THAT(err(), HasSubstr("only those since 2023-11-14 22:13:20 are counted"));
  EXPECT_CALL(*connection_, GetStatistics).WillOnce(Return(v1::GetStatisticsResponse()));
  EXPECT_EQ(Run({"jobs", "summary", "-o", "json"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("\"jobsActive\""));
}

}  // namespace
}  // namespace millrace::cli
