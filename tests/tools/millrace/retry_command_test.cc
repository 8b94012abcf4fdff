// jobs retry, and the answer to a question.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "client/cpp/mocks/mock_connection.h"
#include "tests/tools/millrace/cli_fixture.h"

namespace millrace::cli {
namespace {

using ::testing::HasSubstr;
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
      "10,005 records are run again, 9,005 of them had succeeded, 1 passed over; 2 chunks that were skipped go on, "
      "with 600 records that never ran\n");
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
  EXPECT_EQ(out(),
            "20 records would be run again; 2 chunks that were skipped would go on, with 6 records that never ran\n");
  EXPECT_CALL(*connection_, RetryJob).WillOnce([&](const v1::RetryJobRequest& request, const auto&) {
    EXPECT_EQ(request.fingerprint(), "g");
    return part(true);
  });
  EXPECT_EQ(Run({"jobs", "retry", "j", "--group", "g", "--preview", "-o", "json"}, connection_), 0);
  EXPECT_THAT(err(), HasSubstr("only the first are counted"));
  EXPECT_THAT(out(), HasSubstr("\"recordCount\": 10"));
  EXPECT_THAT(out(), HasSubstr("\"takenUpRecordCount\": 6"));
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
