// jobs retry, and the answer to a question.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "client/cpp/errors.h"
#include "client/cpp/mocks/mock_connection.h"
#include "google/protobuf/util/json_util.h"
#include "tests/tools/millrace/cli_fixture.h"

namespace millrace::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Return;
using ::testing::StrictMock;

class RetryCommandTest : public CliFixture {
 protected:
  std::shared_ptr<StrictMock<client::MockConnection>> connection_ =
      std::make_shared<StrictMock<client::MockConnection>>();
};

TEST_F(RetryCommandTest, AllOfAJobIsTakenInParts) {
  EXPECT_CALL(*connection_, RetryJob)
      .WillOnce([](const v1::RetryJobRequest& request, const auto&) {
        EXPECT_EQ(request.job_id(), "j");
        EXPECT_EQ(request.config_hash(), "abc");
        EXPECT_EQ(request.note(), "new prices");
        EXPECT_TRUE(request.allow_cancelled());
        EXPECT_EQ(request.up_to_sequence(), 0);
        v1::RetryJobResponse response;
        response.set_completed_record_count(9'000);
        response.set_failed_record_count(1'000);
        response.set_taken_up_chunk_count(2);
        response.set_taken_up_record_count(600);
        response.set_more(true);
        response.set_up_to_sequence(99);
        response.set_after_sequence(40);
        return response;
      })
      .WillOnce([](const v1::RetryJobRequest& request, const auto&) {
        EXPECT_EQ(request.up_to_sequence(), 99);
        EXPECT_EQ(request.after_sequence(), 40);
        EXPECT_FALSE(request.allow_cancelled()) << "a job that failed meanwhile is not taken up again";
        v1::RetryJobResponse response;
        response.set_completed_record_count(5);
        response.set_passed_over_count(1);
        return response;
      });
  EXPECT_EQ(Run({"jobs", "retry", "j", "--chunks-with-hash", "abc", "--allow-cancelled", "--note", "new prices"},
                connection_),
            0)
      << err();
  EXPECT_EQ(
      out(),
      "10,005 records are run again, 9,005 of them had succeeded, 1 passed over; 2 skipped chunks will run, with 600 "
      "records that never ran\n");
}

TEST_F(RetryCommandTest, APreviewCountsAllChunksAndOfFailedRecordsTheFirst) {
  const auto part = [](bool more) {
    v1::RetryJobResponse response;
    response.set_failed_record_count(10);
    response.set_taken_up_chunk_count(2);
    response.set_taken_up_record_count(6);
    response.set_more(more);
    return response;
  };
  EXPECT_CALL(*connection_, RetryJob)
      .WillOnce([&](const v1::RetryJobRequest& request, const auto&) {
        EXPECT_TRUE(request.preview() && request.other_code_than_job());
        return part(true);
      })
      .WillOnce([&](const v1::RetryJobRequest& request, const auto&) {
        EXPECT_TRUE(request.allow_cancelled());
        return part(false);
      });
  EXPECT_EQ(Run({"jobs", "retry", "j", "--other-code", "--allow-cancelled", "--preview"}, connection_), 0) << err();
  EXPECT_EQ(out(), "20 records would be run again; 2 skipped chunks would run, with 6 records that never ran\n");
  EXPECT_CALL(*connection_, RetryJob).WillOnce([&](const v1::RetryJobRequest& request, const auto&) {
    EXPECT_EQ(request.fingerprint(), "g");
    return part(true);
  });
  EXPECT_EQ(Run({"jobs", "retry", "j", "--group", "g", "--preview", "-o", "json"}, connection_), 0);
  EXPECT_THAT(err(), HasSubstr("only the first are counted"));
  EXPECT_THAT(out(), HasSubstr("\"more\": true"));
}

TEST_F(RetryCommandTest, JsonIsTheAnswerOfTheServerSummedUp) {
  EXPECT_CALL(*connection_, RetryJob)
      .WillOnce([](const auto&, const auto&) {
        v1::RetryJobResponse response;
        response.mutable_job()->set_state_reason("the first");
        response.set_failed_record_count(7);
        response.set_passed_over_count(1);
        response.set_taken_up_record_count(6);
        response.set_more(true);
        return response;
      })
      .WillOnce([](const auto&, const auto&) {
        v1::RetryJobResponse response;
        response.mutable_job()->set_state_reason("the second");
        response.set_failed_record_count(3);
        response.set_passed_over_count(1);
        return response;
      });
  EXPECT_EQ(Run({"jobs", "retry", "j", "-o", "json"}, connection_), 0) << err();
  v1::RetryJobResponse printed;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(out(), &printed).ok()) << out();
  EXPECT_EQ(printed.failed_record_count(), 10);
  EXPECT_EQ(printed.passed_over_count(), 2);
  EXPECT_EQ(printed.taken_up_record_count(), 6);
  EXPECT_EQ(printed.job().state_reason(), "the second");
  EXPECT_FALSE(printed.more());
  EXPECT_THAT(out(), HasSubstr("\"failedRecordCount\": \"10\"")) << "as the API writes such numbers";
}

TEST_F(RetryCommandTest, SomeExceptionsAreAskedForUntilAllAreTaken) {
  const auto part = [](int64_t taken, int64_t passed_over, bool more) {
    return [=](const v1::RetryJobRequest& request, const auto&) {
      EXPECT_EQ(request.ids().ids_size(), 4);
      EXPECT_EQ(request.note(), "again");
      EXPECT_EQ(request.up_to_sequence(), 0) << "not with ids";
      v1::RetryJobResponse response;
      response.set_failed_record_count(taken);
      response.set_passed_over_count(passed_over);
      response.set_more(more);
      response.set_up_to_sequence(40);
      return response;
    };
  };
  // One is settled, two fit in, and the last one does so when these have run.
  EXPECT_CALL(*connection_, RetryJob).WillOnce(part(2, 1, true)).WillOnce(part(1, 3, false));
  EXPECT_EQ(Run({"exceptions", "reprocess", "j", "1-0", "1-1", "2-0", "2-1", "--note", "again"}, connection_), 0);
  EXPECT_EQ(out(), "3 records are run again, 1 passed over\n");
}

TEST_F(RetryCommandTest, ReprocessingIsARetryOfWhatFailed) {
  EXPECT_CALL(*connection_, RetryJob).WillOnce([](const v1::RetryJobRequest& request, const auto&) {
    EXPECT_EQ(request.fingerprint(), "g");
    EXPECT_TRUE(request.preview());
    v1::RetryJobResponse response;
    response.set_failed_record_count(1);
    return response;
  });
  EXPECT_EQ(Run({"exceptions", "reprocess", "j", "--group", "g", "--preview"}, connection_), 0) << err();
  EXPECT_EQ(out(), "1 record would be run again\n");
  EXPECT_CALL(*connection_, RetryJob)
      .WillOnce([](const v1::RetryJobRequest& request, const auto&) {
        EXPECT_TRUE(request.failed());
        EXPECT_TRUE(request.allow_cancelled());
        v1::RetryJobResponse response;
        response.set_failed_record_count(10'000);
        response.set_more(true);
        response.set_up_to_sequence(40);
        return response;
      })
      .WillOnce([](const v1::RetryJobRequest& request, const auto&) {
        EXPECT_EQ(request.up_to_sequence(), 40) << "what fails again is not run again";
        v1::RetryJobResponse response;
        response.set_failed_record_count(5);
        response.set_passed_over_count(1);
        return response;
      });
  EXPECT_EQ(Run({"exceptions", "reprocess", "j", "--all", "--allow-cancelled"}, connection_), 0) << err();
  EXPECT_EQ(out(), "10,005 records are run again, 1 passed over\n");
  EXPECT_EQ(Run({"exceptions", "reprocess", "j"}, connection_), 2);
  EXPECT_EQ(Run({"exceptions", "reprocess", "j", "1-0", "--all"}, connection_), 2);
}

TEST_F(RetryCommandTest, ARefusalSaysHowAJobIsTakenUp) {
  client::ErrorDetails details;
  details.reason = v1::PIPELINE_CANCELLED;
  const auto refused = [&] { return client::MakeServerError(absl::StatusCode::kFailedPrecondition, "no", details); };
  EXPECT_CALL(*connection_, RetryJob).WillOnce(Return(refused()));
  EXPECT_EQ(Run({"jobs", "retry", "j"}, connection_), 1);
  EXPECT_THAT(err(), HasSubstr("millrace jobs retry ID --allow-cancelled"));
  details.metadata["chunk_count"] = "3";
  EXPECT_CALL(*connection_, RetryJob).WillOnce(Return(refused()));
  EXPECT_EQ(Run({"jobs", "retry", "j", "--allow-cancelled"}, connection_), 1);
  EXPECT_THAT(err(), Not(HasSubstr("--allow-cancelled"))) << "what a forced cancel discarded does not come back";
}

TEST_F(RetryCommandTest, OneThingIsChosenAtATime) {
  EXPECT_EQ(Run({"jobs", "retry", "j", "--failed", "--other-code"}, connection_), 2);
  EXPECT_EQ(Run({"jobs", "retry", "j", "--group", "g", "--chunks-with-hash", "h"}, connection_), 2);
}

TEST_F(RetryCommandTest, AQuestionIsAnswered) {
  EXPECT_CALL(*connection_, ResolveException).WillOnce([](const v1::ResolveExceptionRequest& request, const auto&) {
    EXPECT_EQ(request.job_id(), "j");
    EXPECT_EQ(request.exception_id(), "12-7");
    EXPECT_EQ(request.answer(), "yes, once");
    EXPECT_EQ(request.note(), "asked Ann");
    v1::RecordException exception;
    exception.set_held(true);
    exception.mutable_resolution()->set_kind(v1::RESOLUTION_KIND_ANSWER);
    exception.mutable_resolution()->set_answer("yes, once");
    return exception;
  });
  EXPECT_EQ(Run({"exceptions", "answer", "j", "12-7", "yes, once", "--note", "asked Ann"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("ANSWER"));
  EXPECT_THAT(out(), HasSubstr("yes, once"));
  EXPECT_EQ(Run({"exceptions", "answer", "j", "12-7"}, connection_), 2);
}

}  // namespace
}  // namespace millrace::cli
