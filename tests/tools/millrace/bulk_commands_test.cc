// millrace bulk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cpp/mocks/mock_connection.h"
#include "tests/tools/millrace/cli_fixture.h"

namespace millrace::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Return;
using ::testing::StrictMock;

class BulkCommandsTest : public CliFixture {
 protected:
  static v1::Job BulkRun() {
    v1::Job job;
    job.set_id("nightly");
    job.set_service("millrace/jobs");
    job.set_service_uri("millrace/jobs[1.0.0]");
    job.set_state(v1::JOB_STATE_IN_PROGRESS);
    job.mutable_configuration()->set_max_workers(4);
    job.mutable_summary()->set_records_submitted(3);
    job.mutable_summary()->set_records_completed(1);
    return job;
  }
  static v1::Job Child(const std::string& name) {
    v1::Job job;
    job.set_id("job-of-" + name);
    job.mutable_metadata()->set_name(name);
    job.set_service("demo/double");
    job.set_state(v1::JOB_STATE_CLOSED);
    job.set_parent_job_id("nightly");
    job.set_parent_record("2-0");
    job.set_parent_attempt(1);
    job.mutable_summary()->set_records_submitted(200);
    job.mutable_summary()->set_records_completed(50);
    job.mutable_summary()->set_records_failed(4);
    return job;
  }
  static v1::JobStatistics Statistics() {
    v1::JobStatistics statistics;
    v1::ChildStatistics& children = *statistics.mutable_children();
    children.set_jobs(2);
    children.set_jobs_below(12);
    children.set_percent(40);
    children.mutable_records()->set_submitted(1'200);
    children.mutable_records()->set_completed(450);
    children.mutable_records()->set_pending(750);
    return statistics;
  }

  /// Submits a file and returns what was sent.
  v1::SubmitJobRequest Submitted(const std::string& text, const std::vector<std::string>& options = {}) {
    v1::SubmitJobRequest sent;
    EXPECT_CALL(*connection_, SubmitJob).WillOnce([&](const v1::SubmitJobRequest& request, const auto&) {
      sent = request;
      return BulkRun();
    });
    std::vector<std::string> arguments = {"bulk", "submit", WriteFile("jobs.json", text)};
    arguments.insert(arguments.end(), options.begin(), options.end());
    EXPECT_EQ(Run(arguments, connection_), 0) << err();
    return sent;
  }
  /// The error of a file that nothing is sent of.
  std::string Refused(const std::string& text) {
    EXPECT_EQ(Run({"bulk", "submit", WriteFile("jobs.json", text)}), 2) << text;
    return err();
  }

  static constexpr char kJob[] = R"({"service":"demo/double","source":{"range":{"count":"3"}}})";

  std::shared_ptr<StrictMock<client::MockConnection>> connection_ =
      std::make_shared<StrictMock<client::MockConnection>>();
};

TEST_F(BulkCommandsTest, ADocumentIsAJobWithItsJobsAsRecords) {
  const v1::SubmitJobRequest request =
      Submitted(absl::StrCat(R"({"metadata":{"name":"n"},"options":{"max_workers":7,"stop_on_error":true},
                                 "parameters":{"env":"test"},"jobs":[)",
                             kJob, ",", R"({"name":"b","service":"a/b","source":{"ids":{"ids":["x"]}}})", "]}"));
  EXPECT_EQ(request.service(), "millrace/jobs");
  EXPECT_EQ(request.metadata().name(), "n");
  EXPECT_EQ(request.options().max_workers(), 7);
  EXPECT_TRUE(request.options().stop_on_error());
  EXPECT_EQ(request.parameters().fields().at("env").string_value(), "test");
  EXPECT_FALSE(request.request_id().empty());
  EXPECT_THAT(request.source().inline_().records().json_lines(), HasSubstr(R"("name":"b")"));
  EXPECT_EQ(std::ranges::count(request.source().inline_().records().json_lines(), '\n'), 2);
}

TEST_F(BulkCommandsTest, JsonLinesAreAJobEachAndOptionsOverrideTheFile) {
  const v1::SubmitJobRequest request =
      Submitted(absl::StrCat(kJob, "\n\n", kJob, "\n"),
                {"--sequential", "--stop-on-error", "--id", "nightly", "--name", "a name", "--project", "sales"});
  EXPECT_EQ(request.source().inline_().records().json_lines(), absl::StrCat(kJob, "\n", kJob, "\n"));
  EXPECT_EQ(request.options().max_workers(), 1);
  EXPECT_TRUE(request.options().stop_on_error());
  EXPECT_EQ(request.job_id(), "nightly");
  EXPECT_EQ(request.metadata().name(), "a name");
  EXPECT_EQ(request.metadata().project(), "sales");
  EXPECT_EQ(Submitted(kJob, {"--parallel", "4"}).options().max_workers(), 4);
}

TEST_F(BulkCommandsTest, ASlipIsToldWithItsPlaceBeforeAnythingIsSent) {
  EXPECT_THAT(Refused(absl::StrCat(R"({"jobs":[)", kJob, R"(,{"service":"a/b","source":{"rnge":{}}}]})")),
              HasSubstr("jobs[1]"));
  EXPECT_THAT(Refused(absl::StrCat(kJob, "\n{\"service\":\"a/b\"}\n")), HasSubstr("line 2: source is required"));
  EXPECT_THAT(Refused(R"({"jobs":[{"source":{"range":{"count":1}}}]})"), HasSubstr("jobs[0]: service is required"));
  EXPECT_THAT(Refused(R"({"jobs":[17]})"), HasSubstr("jobs[0]: expected an object"));
  EXPECT_THAT(Refused(R"({"jobs":{}})"), HasSubstr("jobs: expected a list"));
  EXPECT_THAT(Refused(R"({"jobs":[]})"), HasSubstr("holds no job"));
  EXPECT_THAT(Refused(R"({"service":"a/b","jobs":[]})"), HasSubstr("belongs to each of the jobs"));
  EXPECT_THAT(Refused(R"({"optoins":{},"jobs":[]})"), HasSubstr("optoins"));
  EXPECT_THAT(Refused(""), HasSubstr("holds no job"));
  EXPECT_EQ(Run({"bulk", "submit", Path("missing.json")}), 2);
  EXPECT_EQ(Run({"bulk", "submit", WriteFile("a", kJob), "--sequential", "--parallel", "2"}), 2);
}

TEST_F(BulkCommandsTest, ShowListsTheJobsAndHowFarAllOfItIs) {
  EXPECT_CALL(*connection_, GetJob).WillOnce(Return(BulkRun()));
  EXPECT_CALL(*connection_, GetJobStatistics).WillOnce(Return(Statistics()));
  EXPECT_CALL(*connection_, ListJobs).WillOnce([](const v1::ListJobsRequest& request, const auto&) {
    EXPECT_EQ(request.parent_job_id(), "nightly");
    EXPECT_EQ(request.order(), v1::JOB_ORDER_OLDEST_FIRST);
    v1::ListJobsResponse response;
    *response.add_jobs() = Child("orders");
    *response.add_jobs() = Child("refunds");
    response.mutable_jobs(1)->set_parent_attempt(2);
    response.mutable_jobs(1)->set_state_reason("the file is gone");
    return response;
  });
  ASSERT_EQ(Run({"bulk", "show", "nightly"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("40.0%"));
  EXPECT_THAT(out(), HasSubstr("2, with those below them 12"));
  EXPECT_THAT(out(), HasSubstr("1,200: 450 completed, 750 pending"));
  EXPECT_THAT(out(), HasSubstr("job-of-orders"));
  EXPECT_THAT(out(), HasSubstr("27%"));
  EXPECT_THAT(out(), HasSubstr("2-0 (2)"));
  EXPECT_THAT(out(), HasSubstr("the file is gone"));
}

TEST_F(BulkCommandsTest, ShowAsJsonHasAllOfIt) {
  EXPECT_CALL(*connection_, GetJob).WillOnce(Return(BulkRun()));
  EXPECT_CALL(*connection_, GetJobStatistics).WillOnce(Return(Statistics()));
  EXPECT_CALL(*connection_, ListJobs).WillOnce(Return(v1::ListJobsResponse()));
  ASSERT_EQ(Run({"bulk", "show", "nightly", "-o", "json"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("\"id\": \"nightly\""));
  EXPECT_THAT(out(), HasSubstr("\"children\": []"));
}

TEST_F(BulkCommandsTest, ShowOfAnotherJobSaysWhatItIs) {
  EXPECT_CALL(*connection_, GetJob).WillOnce(Return(Child("orders")));
  EXPECT_EQ(Run({"bulk", "show", "job-of-orders"}, connection_), 2);
  EXPECT_THAT(err(), HasSubstr("is no bulk run but a job of demo/double"));
}

TEST_F(BulkCommandsTest, ListAsksForBulkRunsAlone) {
  EXPECT_CALL(*connection_, ListJobs).WillOnce([](const v1::ListJobsRequest& request, const auto&) {
    EXPECT_EQ(request.service(), "millrace/jobs");
    EXPECT_EQ(request.project(), "sales");
    v1::ListJobsResponse response;
    *response.add_jobs() = BulkRun();
    return response;
  });
  ASSERT_EQ(Run({"bulk", "list", "--project", "sales"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("nightly"));
  EXPECT_EQ(Run({"bulk", "list", "--service", "a/b"}), 2);
}

TEST_F(BulkCommandsTest, RetryGoesOnUntilAllThatFailedIsTaken) {
  EXPECT_CALL(*connection_, RetryJob)
      .WillOnce([](const v1::RetryJobRequest& request, const auto&) {
        EXPECT_EQ(request.job_id(), "nightly");
        EXPECT_TRUE(request.failed());
        EXPECT_FALSE(request.allow_cancelled());
        v1::RetryJobResponse response;
        response.set_failed_record_count(10'000);
        response.set_more(true);
        response.set_up_to_sequence(77);
        response.set_after_sequence(33);
        return response;
      })
      .WillOnce([](const v1::RetryJobRequest& request, const auto&) {
        EXPECT_EQ(request.up_to_sequence(), 77);
        EXPECT_EQ(request.after_sequence(), 33);
        v1::RetryJobResponse response;
        *response.mutable_job() = BulkRun();
        response.set_failed_record_count(2);
        return response;
      });
  ASSERT_EQ(Run({"bulk", "retry", "nightly"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("run again: 10002 that failed; nightly is IN_PROGRESS"));

  EXPECT_CALL(*connection_, RetryJob).WillOnce([](const v1::RetryJobRequest& request, const auto&) {
    EXPECT_TRUE(request.allow_cancelled());
    return v1::RetryJobResponse();
  });
  ASSERT_EQ(Run({"bulk", "retry", "nightly", "--skipped"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("nothing to run again"));
}

TEST_F(BulkCommandsTest, CancelSaysWhyAndHow) {
  EXPECT_CALL(*connection_, CancelPipeline).WillOnce([](const v1::CancelPipelineRequest& request, const auto&) {
    EXPECT_EQ(request.pipeline_id(), "nightly");
    EXPECT_EQ(request.reason(), "wrong month");
    EXPECT_TRUE(request.force());
    return BulkRun();
  });
  ASSERT_EQ(Run({"bulk", "cancel", "nightly", "--reason", "wrong month", "--force"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("cancelled nightly, and its jobs with it"));
}

}  // namespace
}  // namespace millrace::cli
