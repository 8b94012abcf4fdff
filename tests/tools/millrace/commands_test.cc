// What single commands ask the server and show of its answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "client/cpp/errors.h"
#include "client/cpp/mocks/mock_connection.h"
#include "tests/tools/millrace/cli_fixture.h"
#include "tests/tools/millrace/fake_server.h"

namespace millrace::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::InSequence;
using ::testing::Not;
using ::testing::Return;
using ::testing::StrictMock;

class CommandsTest : public CliFixture {
 protected:
  static v1::PullResponse OneResult() {
    v1::PullResponse response;
    v1::ChunkResult& result = *response.add_results();
    result.set_number(7);
    result.set_chunk_id("c-000007");
    result.set_record_count(2);
    result.set_failed_count(1);
    result.set_json_lines("{\"e\":12345678901234567890}\nnull\n");
    v1::RecordError& error = *result.add_errors();
    error.set_index(1);
    error.set_code("BAD_SIZE");
    error.set_node("mass");
    error.set_message("unknown size");
    response.set_cursor(7);
    return response;
  }

  std::shared_ptr<StrictMock<client::MockConnection>> connection_ =
      std::make_shared<StrictMock<client::MockConnection>>();
};

TEST_F(CommandsTest, CreateSendsTheFileAsItIs) {
  const std::string definition = "service: demo/echo\nversion: 1.0.0\n";
  v1::ServiceVersion version;
  version.set_service_uri("demo/echo[1.0.0]");
  EXPECT_CALL(*connection_, CreateServiceVersion)
      .WillOnce([&](const v1::CreateServiceVersionRequest& request, const auto&) {
        EXPECT_EQ(request.definition(), definition);
        return version;
      });
  EXPECT_EQ(Run({"services", "create", WriteFile("s.yaml", definition)}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("demo/echo[1.0.0]"));
}

TEST_F(CommandsTest, AVersionThatIsHeldIsDeletedByForce) {
  const auto held = [](std::map<std::string, std::string> metadata) {
    return client::MakeServerError(absl::StatusCode::kFailedPrecondition, "it may still be needed",
                                   {.reason = v1::SERVICE_VERSION_IN_USE, .metadata = std::move(metadata)});
  };
  EXPECT_CALL(*connection_, DeleteServiceVersion)
      .WillOnce([&](const v1::DeleteServiceVersionRequest& request, const auto&) {
        EXPECT_FALSE(request.force());
        return held({{"schedule_count", "1"}});
      })
      .WillOnce(Return(held({{"schedule_count", "1"}, {"exception_job_count", "2"}})))
      .WillOnce(Return(held({{"job_count", "1"}})))
      .WillOnce([](const v1::DeleteServiceVersionRequest& request, const auto&) {
        EXPECT_EQ(request.service(), "demo/echo[1.0.0]");
        EXPECT_TRUE(request.force());
        return v1::DeleteServiceVersionResponse();
      });
  EXPECT_EQ(Run({"services", "delete", "demo/echo[1.0.0]"}, connection_), 1);
  EXPECT_THAT(err(), HasSubstr("hint: `millrace schedules update ID` names another version; --force deletes"));
  EXPECT_EQ(Run({"services", "delete", "demo/echo[1.0.0]"}, connection_), 1);
  EXPECT_THAT(err(), HasSubstr("--sort failed` shows the jobs; --force deletes"));
  EXPECT_EQ(Run({"services", "delete", "demo/echo[1.0.0]"}, connection_), 1);
  EXPECT_THAT(err(), HasSubstr("--unfinished` shows the jobs\n")) << "force is no help";
  EXPECT_EQ(Run({"services", "delete", "demo/echo[1.0.0]", "--force"}, connection_), 0) << err();
  EXPECT_EQ(out(), "deleted demo/echo[1.0.0]\n");
}

TEST_F(CommandsTest, FieldViolationsAreListed) {
  client::ErrorDetails details;
  details.reason = v1::FIELD_INVALID;
  details.field_violations = {{"options.max_workers", "expected 1 to 4096"}, {"service", "expected folder/name"}};
  EXPECT_CALL(*connection_, CreatePipeline)
      .WillOnce(Return(client::MakeServerError(absl::StatusCode::kInvalidArgument, "two fields are wrong", details)));
  EXPECT_EQ(Run({"pipelines", "create", "x", "--max-workers", "9999"}, connection_), 1);
  EXPECT_EQ(err(),
            "millrace: cannot create the pipeline: two fields are wrong (FIELD_INVALID)\n"
            "  options.max_workers: expected 1 to 4096\n"
            "  service: expected folder/name\n");
}

TEST_F(CommandsTest, ListsShowAllPages) {
  InSequence sequence;
  v1::ListServicesResponse first;
  first.add_services()->set_service("a/one");
  first.set_next_page_token("t");
  v1::ListServicesResponse second;
  second.add_services()->set_service("b/two");
  EXPECT_CALL(*connection_, ListServices).WillOnce(Return(first));
  EXPECT_CALL(*connection_, ListServices).WillOnce(Return(second));
  EXPECT_EQ(Run({"services", "list", "-o", "json"}, connection_), 0);
  EXPECT_THAT(out(), HasSubstr("\"a/one\""));
  EXPECT_THAT(out(), HasSubstr("\"b/two\""));
}

TEST_F(CommandsTest, PullShowsOutputsDigitForDigit) {
  EXPECT_CALL(*connection_, Pull).WillOnce([](const v1::PullRequest& request, const auto&) {
    EXPECT_TRUE(request.has_after());
    EXPECT_EQ(request.after(), 6);
    EXPECT_EQ(request.wait().seconds(), 1);
    EXPECT_EQ(request.wait().nanos(), 500'000'000);
    return OneResult();
  });
  EXPECT_EQ(Run({"pipelines", "pull", "p", "--after", "6", "--wait", "1.5s", "-o", "json"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("\"outputs\": [\n        {\n          \"e\": 12345678901234567890\n"
                               "        },\n        null"));
  EXPECT_THAT(out(), HasSubstr("\"cursor\": \"7\""));
  EXPECT_THAT(out(), Not(HasSubstr("jsonLines")));
}

TEST_F(CommandsTest, PullForPeopleHasALineForEachRecord) {
  EXPECT_CALL(*connection_, Pull).WillOnce(Return(OneResult()));
  EXPECT_EQ(Run({"pipelines", "pull", "p"}, connection_), 0);
  EXPECT_EQ(out(),
            "RESULT  CHUNK     RECORD  OUTPUT\n"
            "     7  c-000007       0  {\"e\":12345678901234567890}\n"
            "     7  c-000007       1  BAD_SIZE in mass: unknown size\n"
            "cursor 7\n");
}

TEST_F(CommandsTest, PullAcknowledgesAfterItHasShown) {
  InSequence sequence;
  EXPECT_CALL(*connection_, Pull).WillOnce([](const v1::PullRequest& request, const auto&) {
    EXPECT_FALSE(request.auto_acknowledge());
    return OneResult();
  });
  EXPECT_CALL(*connection_, Acknowledge).WillOnce([](const v1::AcknowledgeRequest& request, const auto&) {
    EXPECT_EQ(request.cursor(), 7);
    return v1::AcknowledgeResponse();
  });
  EXPECT_EQ(Run({"pipelines", "pull", "p", "--ack"}, connection_), 0);
}

TEST_F(CommandsTest, PullFollowsToTheLastResultAndAcknowledgesWhatItHasShown) {
  client::FakePullStream server;
  v1::PullStreamResponse response;
  *response.mutable_result() = OneResult().results(0);
  server.Answer(response);
  response.Clear();
  response.set_drained(true);
  server.Answer(response);
  server.End(absl::OkStatus());
  InSequence sequence;
  EXPECT_CALL(*connection_, GetJob).WillOnce(Return(v1::Job()));
  EXPECT_CALL(*connection_, PullStream).WillOnce([&](const auto&) { return server.Call(); });
  EXPECT_CALL(*connection_, Acknowledge).WillOnce([this](const v1::AcknowledgeRequest& request, const auto&) {
    EXPECT_EQ(request.cursor(), 7);
    EXPECT_THAT(out(), HasSubstr("unknown size"));
    return v1::AcknowledgeResponse();
  });
  EXPECT_EQ(Run({"pipelines", "pull", "p", "--after", "6", "--follow"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("\ncursor 7, drained\n"));
  const auto start = server.Take();
  ASSERT_TRUE(start.has_value());
  EXPECT_EQ(start->start().after(), 6);
  EXPECT_EQ(Run({"pipelines", "pull", "p", "--follow", "--wait", "1s"}), 2);
}

TEST_F(CommandsTest, PushCutsNamesAndCounts) {
  auto server = std::make_shared<FakeServer>();
  ASSERT_EQ(Run({"pipelines", "create", "demo/echo", "--id", "p1"}, server), 0) << err();
  const std::string input = WriteFile("in.jsonl", "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
  const std::vector<std::string> push = {"pipelines", "push",           "p1",    "--input", input, "--chunk-size",
                                         "2",         "--chunk-prefix", "monday"};
  EXPECT_EQ(Run(push, server), 0) << err();
  EXPECT_EQ(out(), "pushed 3 records in 2 chunks\n");
  EXPECT_THAT(server->chunk_ids(), ElementsAre("monday-c-000001", "monday-c-000002"));
  EXPECT_EQ(Run(push, server), 0) << err();
  EXPECT_EQ(out(), "pushed 3 records in 2 chunks, 2 of which were stored before\n");
  const std::string one = WriteFile("one.jsonl", "{\"n\":1}\n");
  EXPECT_EQ(Run({"pipelines", "push", "p1", "--input", one, "--chunk-prefix", "tuesday"}, server), 0) << err();
  EXPECT_EQ(out(), "pushed 1 record in 1 chunk\n");
}

TEST_F(CommandsTest, StatusMayBeWatchedUntilTheEnd) {
  InSequence sequence;
  v1::PipelineStatus status;
  status.set_state(v1::JOB_STATE_IN_PROGRESS);
  EXPECT_CALL(*connection_, GetPipelineStatus).Times(2).WillRepeatedly(Return(status));
  status.set_state(v1::JOB_STATE_COMPLETED);
  status.set_outcome(v1::OUTCOME_PARTIAL);
  status.set_records_submitted(6);
  status.set_records_completed(3);
  status.set_records_failed(2);
  status.set_records_discarded(1);
  EXPECT_CALL(*connection_, GetPipelineStatus).WillOnce(Return(status));
  EXPECT_EQ(Run({"pipelines", "status", "p", "--watch"}, connection_), 0);
  EXPECT_EQ(out(),
            "2023-11-14 22:13:20  IN_PROGRESS, records 0 of 0, 0 failed, 0 results to pull, 0 workers\n"
            "2023-11-14 22:13:20  COMPLETED, PARTIAL, records 6 of 6 (100%), 2 failed, 0 results to pull, 0 workers\n");
  EXPECT_EQ(timer_.Elapsed(), absl::Seconds(2));
}

TEST_F(CommandsTest, WhoWaitsLongIsToldOnceWhyAndForHowLong) {
  EXPECT_CALL(*connection_, GetPipelineStatus).WillRepeatedly([&](const auto&, const auto&) {
    if (const auto& on_retry = client_options_.retry.on_retry) {
      on_retry(client::MakeServerError(absl::StatusCode::kResourceExhausted, "no room yet",
                                       {.reason = v1::INPUT_BUFFER_FULL}),
               absl::Seconds(1));
      on_retry(client::MakeServerError(absl::StatusCode::kResourceExhausted, "the disk is full",
                                       {.reason = v1::STORAGE_FULL}),
               absl::Seconds(1));
      on_retry(absl::UnavailableError("connection refused"), absl::Seconds(1));
    }
    v1::PipelineStatus status;
    status.set_state(v1::JOB_STATE_COMPLETED);
    return status;
  });
  EXPECT_EQ(Run({"pipelines", "status", "p", "--watch", "--server", "h:1", "--retry-for", "5m"}, connection_), 0);
  EXPECT_EQ(err(),
            "millrace: the server cannot store anything (the disk is full); trying again at h:1 for up to 5m "
            "(--retry-for)\n");
  EXPECT_EQ(Run({"pipelines", "status", "p"}, connection_), 0);
  EXPECT_EQ(err(), "") << "a second of patience is no wait";
}

TEST_F(CommandsTest, AnAddressThatNamesNoPortIsAnErrorOfTheCommandLine) {
  for (const char* address : {"127.0.0.1:", "h", ":7400", "h:0", "h:65536", "h:-5", "h:7400/x"}) {
    EXPECT_EQ(Run({"jobs", "list", "--server", address}), 2) << address;
    EXPECT_THAT(err(), HasSubstr("--server: expected HOST:PORT with a port of 1 to 65535, not"));
  }
}

TEST_F(CommandsTest, CancelPassesReasonAndForce) {
  EXPECT_CALL(*connection_, CancelPipeline).WillOnce([](const v1::CancelPipelineRequest& request, const auto&) {
    EXPECT_EQ(request.pipeline_id(), "p");
    EXPECT_EQ(request.reason(), "wrong file");
    EXPECT_TRUE(request.force());
    return v1::Job();
  });
  EXPECT_EQ(Run({"pipelines", "cancel", "p", "--reason", "wrong file", "--force"}, connection_), 0);
}

TEST_F(CommandsTest, JobsAreFilteredAndLimited) {
  EXPECT_CALL(*connection_, ListJobs).WillOnce([](const v1::ListJobsRequest& request, const auto&) {
    EXPECT_THAT(request.states(), ElementsAre(v1::JOB_STATE_IN_PROGRESS, v1::JOB_STATE_CLOSED));
    EXPECT_EQ(request.service(), "demo/echo");
    v1::ListJobsResponse response;
    response.add_jobs()->set_id("j1");
    response.add_jobs()->set_id("j2");
    return response;
  });
  EXPECT_EQ(
      Run({"jobs", "list", "--state", "in_progress", "--state", "CLOSED", "--service", "demo/echo", "--limit", "1"},
          connection_),
      0)
      << err();
  EXPECT_THAT(out(), HasSubstr("j1"));
  EXPECT_THAT(out(), Not(HasSubstr("j2")));
  EXPECT_THAT(err(), HasSubstr("there are more"));
}

TEST_F(CommandsTest, AJobIsExplainedInOneSentenceWithItsNumbers) {
  EXPECT_CALL(*connection_, ExplainJob).WillOnce([](const v1::ExplainJobRequest& request, const auto&) {
    EXPECT_EQ(request.job_id(), "j1");
    EXPECT_EQ(request.sequence(), 17);
    v1::ExplainJobResponse response;
    response.set_reason(v1::EXPLAIN_REASON_THROTTLED);
    response.set_explanation("Chunk 17 waits: it is throttled.");
    response.set_chunks_ahead(1'234);
    return response;
  });
  EXPECT_EQ(Run({"jobs", "explain", "j1", "--chunk", "17"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("Chunk 17 waits: it is throttled."));
  EXPECT_THAT(out(), HasSubstr("THROTTLED"));
  EXPECT_THAT(out(), HasSubstr("1,234"));
}

TEST_F(CommandsTest, ExceptionsShowTheirInput) {
  EXPECT_CALL(*connection_, ListExceptions).WillRepeatedly([](const v1::ListExceptionsRequest& request, const auto&) {
    EXPECT_EQ(request.fingerprint(), "00aa");
    v1::ListExceptionsResponse response;
    response.add_exceptions()->set_input("{\"n\":12345678901234567890}");
    response.add_exceptions()->set_input("oops\xFF");
    return response;
  });
  EXPECT_EQ(Run({"exceptions", "list", "j", "--group", "00aa", "-o", "json"}, connection_), 0);
  EXPECT_THAT(out(), HasSubstr("\"input\": {\n        \"n\": 12345678901234567890\n      }"));
  EXPECT_THAT(out(), HasSubstr("\"input\": \"oops\xEF\xBF\xBD\""));
}

TEST_F(CommandsTest, QuestionsAreShownAsSuch) {
  v1::RecordException exception;
  exception.set_id("12-7");
  exception.set_code("HELD");
  exception.set_message("is 50 right?");
  exception.set_held(true);
  EXPECT_CALL(*connection_, ListExceptions).WillOnce([&](const v1::ListExceptionsRequest& request, const auto&) {
    EXPECT_TRUE(request.held_only());
    v1::ListExceptionsResponse response;
    *response.add_exceptions() = exception;
    return response;
  });
  EXPECT_EQ(Run({"exceptions", "list", "j", "--held"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("is 50 right?"));
  EXPECT_CALL(*connection_, GetException).WillOnce(Return(exception));
  EXPECT_EQ(Run({"exceptions", "show", "j", "12-7"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("question"));
}

TEST_F(CommandsTest, AnExceptionIsResolvedInExactlyOneWay) {
  EXPECT_CALL(*connection_, ResolveException)
      .WillOnce([](const v1::ResolveExceptionRequest& request, const auto&) {
        EXPECT_EQ(request.job_id(), "j");
        EXPECT_EQ(request.exception_id(), "12-7");
        EXPECT_EQ(request.corrected_input(), "{\"n\":5}");
        EXPECT_EQ(request.note(), "typing error");
        v1::RecordException exception;
        exception.set_id("12-7");
        exception.set_state(v1::EXCEPTION_STATE_REPROCESSING);
        exception.mutable_resolution()->set_kind(v1::RESOLUTION_KIND_CORRECTED_INPUT);
        exception.mutable_resolution()->set_resolved_by("ann");
        return exception;
      })
      .WillOnce([](const v1::ResolveExceptionRequest& request, const auto&) {
        EXPECT_TRUE(request.discard());
        return v1::RecordException();
      });
  EXPECT_EQ(Run({"exceptions", "resolve", "j", "12-7", "--input", "{\"n\":5}", "--note", "typing error"}, connection_),
            0)
      << err();
  EXPECT_THAT(out(), HasSubstr("REPROCESSING"));
  EXPECT_THAT(out(), HasSubstr("CORRECTED_INPUT"));
  EXPECT_THAT(out(), HasSubstr("ann"));
  EXPECT_EQ(Run({"exceptions", "resolve", "j", "12-7", "--discard"}, connection_), 0) << err();
  EXPECT_EQ(Run({"exceptions", "resolve", "j", "12-7"}, connection_), 2);
  EXPECT_EQ(Run({"exceptions", "resolve", "j", "12-7", "--discard", "--outputs", "{}"}, connection_), 2);
}

TEST_F(CommandsTest, TestingAServiceTellsWhetherRecordsFailed) {
  v1::TestServiceResponse response;
  *response.mutable_result() = OneResult().results(0);
  response.add_labels()->set_label("ADDED");
  EXPECT_CALL(*connection_, TestService).WillOnce([&](const v1::TestServiceRequest& request, const auto&) {
    EXPECT_EQ(request.inputs().json_lines(), "{\"a\":\"1\"}\n");
    EXPECT_EQ(request.parameters().fields().at("rate").number_value(), 1.5);
    EXPECT_EQ(request.parameters().fields().at("mode").string_value(), "fast");
    return response;
  });
  EXPECT_EQ(Run({"services", "test", "demo/echo", "--input", WriteFile("in.csv", "a\n1\n"), "--param", "rate=1.5",
                 "--param", "mode=fast"},
                connection_),
            3)
      << err();
  EXPECT_THAT(out(), HasSubstr("ADDED"));
  EXPECT_EQ(Run({"services", "test", "--input", Path("in.csv")}, connection_), 2);
}

}  // namespace
}  // namespace millrace::cli
