// millrace bulk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/cpp/mocks/mock_connection.h"
#include "tests/tools/millrace/cli_fixture.h"

namespace millrace::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Return;
using ::testing::StartsWith;
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

  static v1::ExplainJobResponse Explanation(v1::ExplainReason reason) {
    v1::ExplainJobResponse explanation;
    explanation.set_reason(reason);
    return explanation;
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
}

TEST_F(BulkCommandsTest, TheJobsOfADocumentAreSentAsTheyWereWritten) {
  const std::string first =
      R"({"service":"a/b", "name":"z","chunk_size":10,"source":{"range":{"first":9007199254740993,"count":3}}})";
  const std::string second = R"({"source":{"ids":{"ids":["x, ]}","\""]}},"name":"y","service":"a/b"})";
  const std::string document = absl::StrCat("\xEF\xBB\xBF{\n  \"request_id\": \"r\", \"jobs\": [\n    ", first,
                                            " ,\n    ", second, "\n  ]\n}\n");
  const v1::SubmitJobRequest request = Submitted(document);
  EXPECT_EQ(request.source().inline_().records().json_lines(), absl::StrCat(first, "\n", second, "\n"));
  EXPECT_EQ(request.request_id(), "r");
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Submitted(document).SerializeAsString(), request.SerializeAsString()) << "a repeat is the same request";
  }
}

TEST_F(BulkCommandsTest, AJobOnSeveralLinesIsSentOnOne) {
  const std::string written = "{\n  \"service\": \"a/b\",\r\n  \"source\": {\"ids\": {\"ids\": [\"x y\"]}}\n}";
  const std::string sent = R"({"service":"a/b","source":{"ids":{"ids":["x y"]}}})";
  for (const std::string& file : {written + "\n", absl::StrCat("{\"jobs\": [", written, "]}")}) {
    EXPECT_EQ(Submitted(file).source().inline_().records().json_lines(), sent + "\n") << file;
  }
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

TEST_F(BulkCommandsTest, ABulkRunTakesTheOptionsOfAnyJobAndTheyGoOverThoseOfTheFile) {
  const std::string document = absl::StrCat(
      R"({"metadata":{"name":"file","description":"kept","tags":["a","b"]},"parameters":{"env":"test","kept":1},
          "options":{"retention":"3600s","retry":{"max_attempts":2,"initial_backoff":"5s"},
                     "webhook":{"url":"https://x/","secret":"s"}},"jobs":[)",
      kJob, "]}");
  const v1::SubmitJobRequest request =
      Submitted(document, {"--param", "env=prod", "--tag", "c", "--name", "typed", "--retention", "0s",
                           "--max-failed-ratio", "0.5", "--max-attempts", "7", "--webhook", "none"});
  EXPECT_EQ(request.parameters().fields().at("env").string_value(), "prod");
  EXPECT_EQ(request.parameters().fields().at("kept").number_value(), 1);
  EXPECT_EQ(request.metadata().name(), "typed");
  EXPECT_EQ(request.metadata().description(), "kept");
  EXPECT_THAT(request.metadata().tags(), ElementsAre("c"));
  EXPECT_EQ(request.metadata().source_system(), "millrace-cli");
  EXPECT_EQ(request.options().max_failed_ratio(), 0.5);
  EXPECT_EQ(request.options().retention().seconds(), 0);
  EXPECT_TRUE(request.options().has_retention());
  EXPECT_EQ(request.options().retry().max_attempts(), 7);
  EXPECT_EQ(request.options().retry().initial_backoff().seconds(), 5);
  EXPECT_TRUE(request.options().has_webhook());
  EXPECT_EQ(request.options().webhook().url(), "");
  EXPECT_EQ(request.options().webhook().secret(), "");
  EXPECT_EQ(Submitted(document).options().webhook().url(), "https://x/");
  EXPECT_EQ(Submitted(absl::StrCat(R"({"metadata":{"source_system":"cron"},"jobs":[)", kJob, "]}"))
                .metadata()
                .source_system(),
            "cron");
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
  EXPECT_THAT(Refused(absl::StrCat("{\"jobs\": [\n", kJob, "\n", kJob, "\n]}")), HasSubstr("expected a JSON object"));
  EXPECT_THAT(Refused(absl::StrCat("{\"jobs\": [\n", kJob, ",\n]}")),
              HasSubstr("expected one JSON object, or a JSON object on each line"));
  EXPECT_THAT(Refused(absl::StrCat(R"({"jobs":[)", kJob, R"(],"jobs":[]})")), HasSubstr("jobs: stands there twice"));
  for (const char* other : {"--parallel", "--max-workers"}) {
    EXPECT_EQ(Run({"bulk", "submit", WriteFile("a", kJob), "--sequential", other, "2"}), 2);
  }
  EXPECT_EQ(Run({"bulk", "submit", WriteFile("a", kJob), "--max-workers", "2", "--parallel", "2"}), 2);
  EXPECT_EQ(Run({"bulk", "submit", WriteFile("jobs.csv", kJob)}), 2);
  EXPECT_THAT(err(), HasSubstr("jobs.csv: the jobs of a bulk run are JSON or JSON Lines, not CSV"));
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
  EXPECT_CALL(*connection_, ExplainJob).Times(2).WillRepeatedly(Return(Explanation(v1::EXPLAIN_REASON_RUNNING)));
  ASSERT_EQ(Run({"bulk", "show", "nightly"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("40.0%"));
  EXPECT_THAT(out(), HasSubstr("2, with those below them 12"));
  EXPECT_THAT(out(), HasSubstr("1,200: 450 completed, 750 pending"));
  EXPECT_THAT(out(), HasSubstr("job-of-orders"));
  EXPECT_THAT(out(), HasSubstr("27%"));
  EXPECT_THAT(out(), HasSubstr("2-0 (2)"));
  EXPECT_THAT(out(), HasSubstr("the file is gone"));
}

TEST_F(BulkCommandsTest, ShowSaysWhatFailedAndWhyAndWhatWasRunAgain) {
  v1::Job bulk = BulkRun();
  bulk.mutable_summary()->set_records_failed(2);
  EXPECT_CALL(*connection_, GetJob).WillOnce(Return(bulk));
  v1::JobStatistics statistics = Statistics();
  statistics.set_exception_groups(2);
  EXPECT_CALL(*connection_, GetJobStatistics).WillOnce(Return(statistics));
  v1::ListJobsResponse children;
  for (const std::string record : {"1-0", "2-0", "5-0", "6-0"}) {
    v1::Job& child = *children.add_jobs();
    child = Child(absl::StrCat("of-", record));
    child.set_parent_record(record);
    child.set_state(v1::JOB_STATE_COMPLETED);
    child.set_outcome(record == "1-0" || record == "5-0" ? v1::OUTCOME_PARTIAL : v1::OUTCOME_SUCCEEDED);
    child.mutable_summary()->set_records_submitted(1'000);
    child.mutable_summary()->set_records_failed(record == "1-0" ? 143 : 0);
    child.mutable_summary()->set_records_discarded(record == "5-0" ? 9 : 0);
  }
  EXPECT_CALL(*connection_, ListJobs).WillOnce(Return(children));
  v1::ListExceptionsResponse exceptions;
  const auto add = [&](const std::string& id, v1::ExceptionState state, int64_t run_again_as) {
    v1::RecordException& exception = *exceptions.add_exceptions();
    exception.set_id(id);
    exception.set_state(state);
    exception.set_code("CHILD_PARTIAL");
    if (run_again_as > 0) exception.mutable_resolution()->set_sequence(run_again_as);
    return &exception;
  };
  add("1-0", v1::EXCEPTION_STATE_REPLACED, 5);
  v1::RecordException* const refused = add("4-0", v1::EXCEPTION_STATE_UNRESOLVED, 0);
  refused->set_code("SERVICE_NOT_FOUND");
  refused->set_message("no service no/such");
  refused->set_input(R"({"name":"typo","service":"no/such","colour":"red"})");
  add("5-0", v1::EXCEPTION_STATE_RESOLVED, 6);
  EXPECT_CALL(*connection_, ListExceptions).WillRepeatedly(Return(exceptions));

  ASSERT_EQ(Run({"bulk", "show", "nightly"}, connection_), 0) << err();
  const std::vector<std::string> lines = absl::StrSplit(out(), '\n');
  const auto line = [&](const std::string& text) {
    const auto found = std::ranges::find_if(lines, [&](const auto& row) { return absl::StrContains(row, text); });
    return found == lines.end() ? "" : *found;
  };
  EXPECT_THAT(line("of-1-0"),
              AllOf(StartsWith("1-0 "), Not(StartsWith("1-0 (")), HasSubstr("143 of 1,000 records failed")));
  EXPECT_THAT(line("of-2-0"), AllOf(StartsWith("2-0 "), Not(HasSubstr("of 1,000"))));
  EXPECT_THAT(line("of-5-0"), AllOf(StartsWith("1-0 (2)"), HasSubstr("9 of 1,000 records discarded")));
  EXPECT_THAT(line("of-6-0"), StartsWith("1-0 (3)"));
  EXPECT_THAT(line("typo"),
              AllOf(StartsWith("4-0"), HasSubstr("no/such"), HasSubstr("REFUSED"), HasSubstr("no service no/such")));
  EXPECT_THAT(out(), HasSubstr("3: 1 completed, 2 failed, 0 skipped"));
  EXPECT_THAT(out(), Not(HasSubstr("entries")));

  EXPECT_CALL(*connection_, GetJob).WillOnce(Return(bulk));
  EXPECT_CALL(*connection_, GetJobStatistics).WillOnce(Return(statistics));
  EXPECT_CALL(*connection_, ListJobs).WillOnce(Return(children));
  ASSERT_EQ(Run({"bulk", "show", "nightly", "-o", "json"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("\"withoutJob\""));
  EXPECT_THAT(out(), HasSubstr("\"SERVICE_NOT_FOUND\""));
}

TEST_F(BulkCommandsTest, ShowSaysWhichJobsWaitForSomebody) {
  EXPECT_CALL(*connection_, GetJob).WillOnce(Return(BulkRun()));
  EXPECT_CALL(*connection_, GetJobStatistics).WillOnce(Return(Statistics()));
  EXPECT_CALL(*connection_, ListJobs).WillOnce([](const v1::ListJobsRequest&, const auto&) {
    v1::ListJobsResponse response;
    for (const char* name : {"full", "gone"}) *response.add_jobs() = Child(name);
    return response;
  });
  EXPECT_CALL(*connection_, ExplainJob)
      .Times(2)
      .WillRepeatedly([](const v1::ExplainJobRequest& request, const auto&) -> absl::StatusOr<v1::ExplainJobResponse> {
        if (request.job_id() == "job-of-gone") return absl::NotFoundError("it was deleted");
        return Explanation(v1::EXPLAIN_REASON_OUTPUT_BUFFER_FULL);
      });
  ASSERT_EQ(Run({"bulk", "show", "nightly"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("its output buffer is full: pull its results"));
  EXPECT_THAT(err(), HasSubstr("millrace pipelines pull job-of-full --follow"));
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
  EXPECT_EQ(Run({"bulk", "list", "--help"}), 0);
  EXPECT_THAT(out(), Not(HasSubstr("--service")));
}

TEST_F(BulkCommandsTest, RetryGoesOnUntilAllThatFailedIsTaken) {
  EXPECT_CALL(*connection_, GetJob).WillRepeatedly(Return(BulkRun()));
  EXPECT_CALL(*connection_, RetryJob)
      .WillOnce([](const v1::RetryJobRequest& request, const auto&) {
        EXPECT_EQ(request.job_id(), "nightly");
        EXPECT_TRUE(request.failed());
        EXPECT_TRUE(request.allow_cancelled());
        EXPECT_EQ(request.note(), "the file is there");
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
        EXPECT_FALSE(request.allow_cancelled()) << "a bulk run that failed meanwhile is not taken up again";
        v1::RetryJobResponse response;
        *response.mutable_job() = BulkRun();
        response.set_failed_record_count(2);
        return response;
      });
  ASSERT_EQ(Run({"bulk", "retry", "nightly", "--allow-cancelled", "--note", "the file is there"}, connection_), 0);
  EXPECT_THAT(out(), HasSubstr("10,002 jobs are run again"));
  EXPECT_CALL(*connection_, RetryJob).WillOnce([](const v1::RetryJobRequest& request, const auto&) {
    EXPECT_EQ(request.fingerprint(), "g");
    EXPECT_TRUE(request.preview());
    return v1::RetryJobResponse();
  });
  ASSERT_EQ(Run({"bulk", "retry", "nightly", "--group", "g", "--preview"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("0 jobs would be run again"));
}

TEST_F(BulkCommandsTest, AnotherJobIsNeitherRetriedNorCancelled) {
  EXPECT_CALL(*connection_, GetJob).Times(2).WillRepeatedly(Return(Child("orders")));
  EXPECT_EQ(Run({"bulk", "retry", "job-of-orders"}, connection_), 2);
  EXPECT_EQ(Run({"bulk", "cancel", "job-of-orders", "--force"}, connection_), 2);
  EXPECT_THAT(err(), HasSubstr("is no bulk run but a job of demo/double"));
}

TEST_F(BulkCommandsTest, CancelSaysWhyAndHow) {
  EXPECT_CALL(*connection_, GetJob).WillOnce(Return(BulkRun()));
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
