// `millrace jobs submit`: what it asks the server, and how it waits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "client/cpp/errors.h"
#include "client/cpp/mocks/fake_stream.h"
#include "client/cpp/mocks/mock_connection.h"
#include "storage/model/limits.h"
#include "tests/tools/millrace/cli_fixture.h"

namespace millrace::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::InSequence;
using ::testing::Not;
using ::testing::Return;
using ::testing::StrictMock;

class SubmitTest : public CliFixture {
 protected:
  /// Runs `jobs submit demo/double` with these, and returns what it asked for.
  v1::SubmitJobRequest RequestOf(std::vector<std::string> arguments) {
    v1::SubmitJobRequest sent;
    EXPECT_CALL(*connection_, SubmitJob).WillOnce([&](const v1::SubmitJobRequest& request, const auto&) {
      sent = request;
      return JobIn(v1::JOB_STATE_CREATED);
    });
    arguments.insert(arguments.begin(), {"jobs", "submit", "demo/double"});
    EXPECT_EQ(Run(arguments, connection_), 0) << err();
    return sent;
  }

  int Usage(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"jobs", "submit", "demo/double"});
    return Run(arguments);
  }

  static v1::Job JobIn(v1::JobState state, int64_t read = 0, int64_t failed = 0) {
    v1::Job job;
    job.set_id("job-1");
    job.set_state(state);
    job.mutable_source()->mutable_range()->set_count(10);
    job.mutable_source_progress()->set_records_read(read);
    job.mutable_source_progress()->set_total_known(true);
    job.mutable_source_progress()->set_total_records(10);
    job.mutable_summary()->set_records_submitted(read);
    job.mutable_summary()->set_records_failed(failed);
    return job;
  }

  /// The job is watched while it is so and so; with the last of these it has ended.
  void ExpectWatch(const std::vector<v1::Job>& jobs) {
    EXPECT_CALL(*connection_, WatchJob).WillOnce([=](const v1::WatchJobRequest& request, const auto&) {
      EXPECT_EQ(request.job_id(), "job-1");
      client::FakeWatch server;
      for (size_t i = 0; i < jobs.size(); ++i) {
        v1::WatchJobResponse message;
        *message.mutable_job() = jobs[i];
        message.set_ended(i + 1 == jobs.size());
        server.Answer(message);
      }
      server.End(absl::OkStatus());
      return server.Call();
    });
  }

  std::shared_ptr<StrictMock<client::MockConnection>> connection_ =
      std::make_shared<StrictMock<client::MockConnection>>();
};

TEST_F(SubmitTest, AFileOfTheServerIsNamedAndNotRead) {
  const v1::SubmitJobRequest request = RequestOf({"--file",
                                                  "in/a.data",
                                                  "--format",
                                                  "csv",
                                                  "--sample-first",
                                                  "5",
                                                  "--chunk-size",
                                                  "7",
                                                  "--param",
                                                  "x=1",
                                                  "--id",
                                                  "mine",
                                                  "--estimated-records",
                                                  "9",
                                                  "--output-buffer-bytes",
                                                  "123",
                                                  "--input-buffer-bytes",
                                                  "2MB",
                                                  "--correlation-id",
                                                  "c-1",
                                                  "--call-purpose",
                                                  "month-end"});
  EXPECT_EQ(request.service(), "demo/double");
  EXPECT_EQ(request.job_id(), "mine");
  EXPECT_FALSE(request.request_id().empty()) << "so that it can be repeated";
  EXPECT_EQ(request.source().file().path(), "in/a.data");
  EXPECT_EQ(request.source().file().format(), v1::FILE_FORMAT_CSV);
  EXPECT_EQ(request.sample().first_n(), 5);
  EXPECT_EQ(request.chunk_size(), 7);
  EXPECT_EQ(request.estimated_records(), 9);
  EXPECT_EQ(request.parameters().fields().at("x").number_value(), 1);
  EXPECT_EQ(request.options().output_buffer_bytes(), 123);
  EXPECT_EQ(request.options().input_buffer_bytes(), 2'000'000);
  EXPECT_EQ(request.metadata().correlation_id(), "c-1");
  EXPECT_EQ(request.metadata().call_purpose(), "month-end");
  EXPECT_EQ(request.metadata().source_system(), "millrace-cli");
}

TEST_F(SubmitTest, AWebhookAndARetentionAreOptionsOfTheJob) {
  v1::SubmitJobRequest request =
      RequestOf({"--range", "3", "--webhook", "https://h/x", "--webhook-events", "ended,First_Exception",
                 "--webhook-secret", "ops", "--retention", "2h", "--drop-unresolved-exceptions"});
  const v1::JobOptions& options = request.options();
  EXPECT_EQ(options.webhook().url(), "https://h/x");
  EXPECT_EQ(options.webhook().secret(), "ops");
  ASSERT_EQ(options.webhook().events_size(), 2);
  EXPECT_EQ(options.webhook().events(0), v1::WEBHOOK_EVENT_ENDED);
  EXPECT_EQ(options.webhook().events(1), v1::WEBHOOK_EVENT_FIRST_EXCEPTION);
  EXPECT_EQ(options.retention().seconds(), 7200);
  EXPECT_TRUE(options.drop_unresolved_exceptions());
  request = RequestOf({"--range", "3", "--webhook", "none"});
  EXPECT_TRUE(request.options().has_webhook()) << "none is a choice";
  EXPECT_EQ(request.options().webhook().url(), "");
  request = RequestOf({"--range", "3"});
  EXPECT_FALSE(request.options().has_webhook());
  EXPECT_FALSE(request.options().has_retention());
  EXPECT_EQ(Usage({"--range", "3", "--webhook", "http://h", "--webhook-events", "born"}), 2);
  EXPECT_THAT(err(), HasSubstr("ended, paused or first_exception"));
  EXPECT_EQ(Usage({"--range", "3", "--webhook-secret", "ops"}), 2);
}

TEST_F(SubmitTest, AnotherJobIsNamed) {
  v1::SubmitJobRequest request = RequestOf({"--results-of", "job-7"});
  EXPECT_EQ(request.source().results().job_id(), "job-7");
  request = RequestOf({"--exceptions-of", "job-7", "--group", "0123456789abcdef"});
  EXPECT_EQ(request.source().exceptions().job_id(), "job-7");
  EXPECT_EQ(request.source().exceptions().fingerprint(), "0123456789abcdef");
  EXPECT_EQ(Usage({"--results-of", "job-7", "--group", "0123456789abcdef"}), 2);
  EXPECT_THAT(err(), HasSubstr("--group requires --exceptions-of"));
  EXPECT_EQ(Usage({"--results-of", "job-7", "--exceptions-of", "job-7"}), 2);
}

TEST_F(SubmitTest, PartsAreNumbersAndRanges) {
  const v1::SubmitJobRequest request =
      RequestOf({"--source-of", "job-7", "--partitioning", "every_200", "--parts", "3,7-9"});
  EXPECT_EQ(request.source().source_of().job_id(), "job-7");
  EXPECT_EQ(request.partitioning(), "every_200");
  ASSERT_EQ(request.parts_size(), 2);
  EXPECT_EQ(request.parts(0).first(), 3);
  EXPECT_EQ(request.parts(0).last(), 3);
  EXPECT_EQ(request.parts(1).first(), 7);
  EXPECT_EQ(request.parts(1).last(), 9);
  for (const char* parts : {"", "x", "3,", "3-", "-3", "9-7", "1,2 3", "1-2-3", "99999999999999999999"}) {
    EXPECT_EQ(Usage({"--range", "9", "--partitioning", "size_2", "--parts", parts}), 2) << parts;
  }
  EXPECT_THAT(err(), HasSubstr("--parts: expected numbers and ranges such as 3,7-9, got '99999999999999999999'"));
  EXPECT_EQ(Usage({"--range", "9", "--parts", "1"}), 2);
  EXPECT_THAT(err(), HasSubstr("--parts requires --partitioning"));
  EXPECT_EQ(Usage({"--range", "9", "--partitioning", "size_2", "--sample-first", "1"}), 2);
  EXPECT_EQ(Usage({"--range", "9", "--source-of", "job-7"}), 2);
}

TEST_F(SubmitTest, AJobSaysWhichPartsItRuns) {
  v1::Job job = JobIn(v1::JOB_STATE_CREATED);
  job.set_partitioning("size_5");
  EXPECT_CALL(*connection_, SubmitJob).Times(2).WillRepeatedly([&](const auto&, const auto&) { return job; });
  EXPECT_EQ(Run({"jobs", "submit", "demo/double", "--range", "10", "--partitioning", "size_5"}, connection_), 0);
  EXPECT_THAT(out(), HasSubstr("10 numbers from 0, size_5: all parts\n"));
  job.add_parts()->set_first(3);
  job.mutable_parts(0)->set_last(3);
  job.add_parts()->set_first(7);
  job.mutable_parts(1)->set_last(9);
  job.set_sample_continued(true);
  EXPECT_EQ(Run({"jobs", "submit", "demo/double", "--range", "10", "--partitioning", "size_5"}, connection_), 0);
  EXPECT_THAT(out(), HasSubstr("10 numbers from 0, size_5: parts 3,7-9, then the rest\n"));
}

TEST_F(SubmitTest, TheOtherSources) {
  v1::SubmitJobRequest request = RequestOf({"--range", "10", "--first", "-3", "--field", "x", "--sample-every", "2"});
  EXPECT_EQ(request.source().range().count(), 10);
  EXPECT_EQ(request.source().range().first(), -3);
  EXPECT_EQ(request.source().range().field(), "x");
  EXPECT_EQ(request.sample().every_n(), 2);
  request = RequestOf({"--ids", "a,b c,d"});
  EXPECT_THAT(request.source().ids().ids(), ::testing::ElementsAre("a", "b c", "d"));
  request = RequestOf({"--input", WriteFile("in.csv", "n\n1\n2\n")});
  EXPECT_EQ(request.source().inline_().records().json_lines(), "{\"n\":\"1\"}\n{\"n\":\"2\"}\n");
  EXPECT_FALSE(request.has_sample());
}

TEST_F(SubmitTest, ASampleThatCannotBeContinuedIsSaidToBeOne) {
  v1::Job job = JobIn(v1::JOB_STATE_CREATED);
  EXPECT_CALL(*connection_, SubmitJob).WillRepeatedly([&](const auto&, const auto&) { return job; });
  const auto told = [&] {
    EXPECT_EQ(Run({"jobs", "submit", "demo/double", "--range", "10"}, connection_), 0) << err();
    return err();
  };
  job.mutable_sample()->set_every_n(3);
  EXPECT_EQ(told(), "") << "a range is what it was";
  job.mutable_source()->mutable_query();
  EXPECT_THAT(told(), HasSubstr("cannot run the rest of this sample, because what is between the rows of a query"));
  job.mutable_source()->mutable_exceptions();
  EXPECT_THAT(told(), HasSubstr("what is between exceptions cannot be told again"));
  job.mutable_sample()->set_first_n(3);
  EXPECT_EQ(told(), "");
  job.clear_sample();
  EXPECT_EQ(told(), "") << "no sample";
  job.set_partitioning("every_10");
  job.add_parts()->set_first(3);
  job.mutable_parts(0)->set_last(4);
  EXPECT_THAT(told(), HasSubstr("cannot be told again"));
  job.set_partitioning("size_10");
  EXPECT_THAT(told(), HasSubstr("cannot be told again"));
  job.mutable_parts(0)->set_first(0);
  EXPECT_EQ(told(), "") << "the rest lies behind";
}

TEST_F(SubmitTest, AQueryHasAConnectionAndAKey) {
  v1::SubmitJobRequest request = RequestOf(
      {"--connection", "sales", "--query", "SELECT a, b FROM t", "--key", "a", "--key", "b", "--sample-first", "3"});
  EXPECT_EQ(request.source().query().connection(), "sales");
  EXPECT_EQ(request.source().query().query(), "SELECT a, b FROM t");
  EXPECT_THAT(request.source().query().key_columns(), ::testing::ElementsAre("a", "b"));
  EXPECT_EQ(request.sample().first_n(), 3);
  request = RequestOf({"--connection", "sales", "--query", "@" + WriteFile("q.sql", "SELECT 1 AS a\n"), "--key", "a"});
  EXPECT_EQ(request.source().query().query(), "SELECT 1 AS a\n");
}

TEST_F(SubmitTest, AQueryIsGivenWhole) {
  EXPECT_EQ(Usage({"--query", "SELECT 1 AS a", "--key", "a"}), 2);
  EXPECT_EQ(Usage({"--query", "SELECT 1 AS a", "--connection", "sales"}), 2);
  EXPECT_EQ(Usage({"--connection", "sales", "--key", "a"}), 2);
  EXPECT_EQ(Usage({"--range", "3", "--key", "a"}), 2);
  EXPECT_NE(Usage({"--query", "@/no/such/file", "--connection", "sales", "--key", "a"}), 0);
}

TEST_F(SubmitTest, WrongCommandLinesAskForNothing) {
  EXPECT_EQ(Usage({}), 2);
  EXPECT_EQ(Usage({"--range", "10", "--file", "a.csv"}), 2);
  EXPECT_EQ(Usage({"--range", "0"}), 2);
  EXPECT_EQ(Usage({"--range", "10", "--sample-first", "1", "--sample-every", "2"}), 2);
  EXPECT_EQ(Usage({"--file", "a.csv", "--format", "xml"}), 2);
  EXPECT_EQ(Usage({"--file", "a.csv", "--first", "100"}), 2);
  EXPECT_THAT(err(), HasSubstr("--first requires --range"));
  EXPECT_EQ(Usage({"--file", "a.csv", "--field", "n"}), 2);
  EXPECT_EQ(Usage({"--range", "10", "--format", "csv"}), 2);
  const std::string large(model::kSourceInlineBytesMax, 'x');
  EXPECT_EQ(Usage({"--input", WriteFile("large.jsonl", large)}), 2);
  EXPECT_THAT(err(), HasSubstr("--file"));
}

TEST_F(SubmitTest, WaitShowsHowFarItIsAndEndsWithTheJob) {
  InSequence sequence;
  EXPECT_CALL(*connection_, SubmitJob).WillOnce(Return(JobIn(v1::JOB_STATE_CREATED)));
  ExpectWatch({JobIn(v1::JOB_STATE_IN_PROGRESS, 4), JobIn(v1::JOB_STATE_COMPLETED, 10, 1)});
  EXPECT_CALL(*connection_, GetPipelineStatus).WillOnce(Return(v1::PipelineStatus()));
  EXPECT_EQ(Run({"jobs", "submit", "demo/double", "--range", "10", "--wait"}, connection_), 3) << "a record failed";
  EXPECT_THAT(err(), HasSubstr("job job-1\n"));
  EXPECT_THAT(err(), HasSubstr("output buffer; it goes on when they are pulled: millrace pipelines pull job-1"));
  EXPECT_THAT(out(), HasSubstr("10 numbers from 0"));
}

TEST_F(SubmitTest, ADatabaseThatIsDownIsNotAServerThatIsDown) {
  client::ErrorDetails details;
  details.reason = v1::SOURCE_CONNECTION_FAILED;
  details.reason_name = "SOURCE_CONNECTION_FAILED";
  EXPECT_CALL(*connection_, SubmitJob)
      .WillOnce(Return(client::MakeServerError(absl::StatusCode::kUnavailable, "refused", details)));
  EXPECT_EQ(Run({"jobs", "submit", "demo/double", "--range", "10"}, connection_), 1);
  EXPECT_THAT(err(), HasSubstr("--source-connections"));
}

TEST_F(SubmitTest, AJobThatFailedIsAFailure) {
  EXPECT_CALL(*connection_, SubmitJob).WillOnce(Return(JobIn(v1::JOB_STATE_CREATED)));
  ExpectWatch({JobIn(v1::JOB_STATE_FAILED)});
  EXPECT_EQ(Run({"jobs", "submit", "demo/double", "--range", "10", "--wait", "-o", "json"}, connection_), 1);
  EXPECT_THAT(out(), HasSubstr("JOB_STATE_FAILED"));
}

TEST_F(SubmitTest, WithoutWaitTheJobIsShownAsItIs) {
  RequestOf({"--range", "10"});
  EXPECT_THAT(out(), HasSubstr("job-1"));
  EXPECT_THAT(out(), Not(HasSubstr("COMPLETED")));
}

}  // namespace
}  // namespace millrace::cli
