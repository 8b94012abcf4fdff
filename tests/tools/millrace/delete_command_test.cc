// jobs delete.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "client/cpp/errors.h"
#include "client/cpp/mocks/mock_connection.h"
#include "tests/tools/millrace/cli_fixture.h"

namespace millrace::cli {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Return;
using ::testing::SizeIs;
using ::testing::StrictMock;

class DeleteCommandTest : public CliFixture {
 protected:
  /// As the server tells of a bulk run that was cancelled, whose jobs have not been yet.
  static absl::Status StillCancelled() {
    return client::MakeServerError(absl::StatusCode::kFailedPrecondition, "job c has not ended yet",
                                   {.reason = v1::JOB_NOT_FINISHED,
                                    .metadata = {{"pipeline_id", "j"}, {"child_job_id", "c"}},
                                    .retry_delay = absl::Milliseconds(200)});
  }
  static absl::Status NotEnded() {
    return client::MakeServerError(absl::StatusCode::kFailedPrecondition, "job j has not ended",
                                   {.reason = v1::JOB_NOT_FINISHED, .metadata = {{"state", "IN_PROGRESS"}}});
  }

  std::shared_ptr<StrictMock<client::MockConnection>> connection_ =
      std::make_shared<StrictMock<client::MockConnection>>();
};

TEST_F(DeleteCommandTest, WhatIsCancelledFirstIsDeletedWhenItHasEnded) {
  EXPECT_CALL(*connection_, DeleteJob)
      .WillOnce([](const v1::DeleteJobRequest& request, const auto&) {
        EXPECT_EQ(request.job_id(), "j");
        EXPECT_TRUE(request.force());
        return StillCancelled();
      })
      .WillOnce(Return(StillCancelled()))
      .WillOnce(Return(v1::DeleteJobResponse()));
  EXPECT_EQ(Run({"jobs", "delete", "j", "--force"}, connection_), 0) << err();
  EXPECT_EQ(out(), "deleted j\n");
  EXPECT_THAT(timer_.sleeps(), SizeIs(2));
  EXPECT_THAT(timer_.sleeps(), Each(absl::Milliseconds(200)));
}

TEST_F(DeleteCommandTest, WhatDoesNotComeToItsEndIsNotWaitedForWithoutLimit) {
  EXPECT_CALL(*connection_, DeleteJob).WillRepeatedly(Return(StillCancelled()));
  EXPECT_EQ(Run({"jobs", "delete", "j", "--force"}, connection_), 1);
  EXPECT_THAT(err(), HasSubstr("hint: its jobs are still being cancelled; try again in a moment"));
  EXPECT_THAT(timer_.sleeps(), SizeIs(50));
}

TEST_F(DeleteCommandTest, AnInterruptEndsTheWait) {
  EXPECT_CALL(*connection_, DeleteJob).WillOnce([this](const auto&, const auto&) {
    stop_.request_stop();
    return StillCancelled();
  });
  EXPECT_EQ(Run({"jobs", "delete", "j", "--force"}, connection_), 4);
}

TEST_F(DeleteCommandTest, WithoutForceTheAnswerStandsAtOnce) {
  EXPECT_CALL(*connection_, DeleteJob).WillOnce(Return(NotEnded())).WillOnce(Return(StillCancelled()));
  EXPECT_EQ(Run({"jobs", "delete", "j"}, connection_), 1);
  EXPECT_THAT(err(), HasSubstr("--force"));
  EXPECT_EQ(Run({"jobs", "delete", "j"}, connection_), 1);
  EXPECT_THAT(err(), HasSubstr("try again in a moment"));
  EXPECT_THAT(err(), Not(HasSubstr("--force")));
  EXPECT_THAT(timer_.sleeps(), SizeIs(0));
}

}  // namespace
}  // namespace millrace::cli
