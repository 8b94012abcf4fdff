// jobs pause, resume and update.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "client/cpp/mocks/mock_connection.h"
#include "tests/tools/millrace/cli_fixture.h"

namespace millrace::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Return;
using ::testing::StrictMock;

class TuningCommandsTest : public CliFixture {
 protected:
  static v1::Job Job(v1::JobState state) {
    v1::Job job;
    job.set_id("j");
    job.set_state(state);
    return job;
  }

  std::shared_ptr<StrictMock<client::MockConnection>> connection_ =
      std::make_shared<StrictMock<client::MockConnection>>();
};

TEST_F(TuningCommandsTest, PauseSendsTheReason) {
  EXPECT_CALL(*connection_, PauseJob).WillOnce([](const v1::PauseJobRequest& request, const auto&) {
    EXPECT_EQ(request.job_id(), "j");
    EXPECT_EQ(request.reason(), "database is down");
    return Job(v1::JOB_STATE_PAUSED);
  });
  EXPECT_EQ(Run({"jobs", "pause", "j", "--reason", "database is down"}, connection_), 0) << err();
  EXPECT_EQ(out(), "paused j: PAUSED\n");
}

TEST_F(TuningCommandsTest, ResumeMayRamp) {
  EXPECT_CALL(*connection_, ResumeJob)
      .WillOnce([](const v1::ResumeJobRequest& request, const auto&) {
        EXPECT_EQ(request.job_id(), "j");
        EXPECT_FALSE(request.ramp());
        return Job(v1::JOB_STATE_CLOSED);
      })
      .WillOnce([](const v1::ResumeJobRequest& request, const auto&) {
        EXPECT_TRUE(request.ramp());
        return Job(v1::JOB_STATE_IN_PROGRESS);
      });
  EXPECT_EQ(Run({"jobs", "resume", "j"}, connection_), 0) << err();
  EXPECT_EQ(out(), "resumed j: CLOSED\n");
  EXPECT_EQ(Run({"jobs", "resume", "j", "--ramp", "-o", "json"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("JOB_STATE_IN_PROGRESS"));
}

TEST_F(TuningCommandsTest, ContinueSaysWhereTheJobIs) {
  EXPECT_CALL(*connection_, ContinueJob).WillOnce([](const v1::ContinueJobRequest& request, const auto&) {
    EXPECT_EQ(request.job_id(), "j");
    return Job(v1::JOB_STATE_IN_PROGRESS);
  });
  EXPECT_EQ(Run({"jobs", "continue", "j"}, connection_), 0) << err();
  EXPECT_EQ(out(), "continued j: IN_PROGRESS\n");
}

TEST_F(TuningCommandsTest, CancelSendsReasonAndForce) {
  EXPECT_CALL(*connection_, CancelPipeline).WillOnce([](const v1::CancelPipelineRequest& request, const auto&) {
    EXPECT_EQ(request.pipeline_id(), "j");
    EXPECT_EQ(request.reason(), "wrong file");
    EXPECT_TRUE(request.force());
    return Job(v1::JOB_STATE_CANCELLED);
  });
  EXPECT_EQ(Run({"jobs", "cancel", "j", "--reason", "wrong file", "--force"}, connection_), 0) << err();
  EXPECT_EQ(out(), "cancelled j: CANCELLED\n");
}

TEST_F(TuningCommandsTest, UpdateNamesWhatWasGivenAndNothingElse) {
  EXPECT_CALL(*connection_, UpdateJob).WillOnce([](const v1::UpdateJobRequest& request, const auto&) {
    EXPECT_EQ(request.job_id(), "j");
    EXPECT_THAT(
        request.update_mask().paths(),
        ::testing::UnorderedElementsAre("max_workers", "priority", "weight", "throttle.records_per_second",
                                        "throttle.delay_between_chunks", "service_version", "description", "tags"));
    EXPECT_EQ(request.max_workers(), 2);
    EXPECT_EQ(request.priority(), -5);
    EXPECT_EQ(request.weight(), 3);
    EXPECT_EQ(request.throttle().records_per_second(), 12.5);
    EXPECT_EQ(request.throttle().delay_between_chunks().nanos(), 500'000'000);
    EXPECT_EQ(request.service_version(), "1.1.0");
    EXPECT_EQ(request.description(), "what for");
    EXPECT_THAT(request.tags(), ElementsAre("a", "b"));
    v1::Job job = Job(v1::JOB_STATE_IN_PROGRESS);
    job.set_service_uri("demo/echo[1.1.0]");
    return job;
  });
  EXPECT_EQ(Run({"jobs",     "update", "j",    "--max-workers", "2",     "--priority",        "-5",    "--weight",
                 "3",        "--rate", "12.5", "--chunk-delay", "500ms", "--service-version", "1.1.0", "--description",
                 "what for", "--tag",  "a",    "--tag",         "b"},
                connection_),
            0)
      << err();
  EXPECT_THAT(out(), HasSubstr("demo/echo[1.1.0]"));
}

TEST_F(TuningCommandsTest, TagsCanBeTakenAway) {
  EXPECT_CALL(*connection_, UpdateJob).WillOnce([](const v1::UpdateJobRequest& request, const auto&) {
    EXPECT_THAT(request.update_mask().paths(), ElementsAre("tags"));
    EXPECT_EQ(request.tags_size(), 0);
    return Job(v1::JOB_STATE_IN_PROGRESS);
  });
  EXPECT_EQ(Run({"jobs", "update", "j", "--no-tags"}, connection_), 0) << err();
}

TEST_F(TuningCommandsTest, AnUpdateOfNothingIsAUsageError) {
  EXPECT_EQ(Run({"jobs", "update", "j"}, connection_), 2);
  EXPECT_THAT(err(), HasSubstr("nothing to change"));
}

TEST_F(TuningCommandsTest, AShownJobTellsOfItsPause) {
  v1::Job job = Job(v1::JOB_STATE_PAUSED);
  job.mutable_pause_time()->set_seconds(1'714'564'803);
  job.set_pause_reason("database is down");
  job.set_resume_state(v1::JOB_STATE_CLOSED);
  EXPECT_CALL(*connection_, GetJob).WillOnce(Return(job));
  EXPECT_EQ(Run({"jobs", "show", "j"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("(database is down), was CLOSED"));
}

}  // namespace
}  // namespace millrace::cli
