#include "tools/crash/each_second.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cpp/mocks/mock_connection.h"

namespace millrace::crash {
namespace {

using ::testing::_;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class EachSecondTest : public ::testing::Test {
 protected:
  /// Three runs, the second of which was skipped, with two jobs.
  EachSecondTest() {
    for (int i = 0; i < 3; ++i) {
      v1::ScheduleRun& run = runs_.emplace_back();
      run.set_number(i + 1);
      run.mutable_scheduled_time()->set_seconds(1'700'000'000 + i);
      run.set_state(v1::SCHEDULE_RUN_STATE_SKIPPED);
      if (i == 1) continue;
      run.set_state(v1::SCHEDULE_RUN_STATE_COMPLETED);
      run.set_job_id(absl::StrCat("job-", i));
      v1::Job& job = jobs_.emplace_back();
      job.set_id(run.job_id());
      job.set_state(v1::JOB_STATE_COMPLETED);
      job.mutable_summary()->set_records_submitted(3);
      job.mutable_summary()->set_records_completed(3);
    }
  }

  std::vector<std::string> Faults() {
    auto connection = std::make_shared<::testing::NiceMock<client::MockConnection>>();
    ON_CALL(*connection, ListScheduleRuns(_, _)).WillByDefault([this](const auto&, const auto&) {
      v1::ListScheduleRunsResponse response;
      // As the server lists them: newest first.
      *response.mutable_runs() = {runs_.rbegin(), runs_.rend()};
      return response;
    });
    ON_CALL(*connection, ListJobs(_, _)).WillByDefault([this](const auto&, const auto&) {
      v1::ListJobsResponse response;
      for (const v1::Job& job : jobs_) *response.add_jobs() = job;
      return response;
    });
    ON_CALL(*connection, GetJob(_, _)).WillByDefault([this](const v1::GetJobRequest& request, const auto&) {
      for (const v1::Job& job : jobs_) {
        if (job.id() == request.job_id()) return absl::StatusOr<v1::Job>(job);
      }
      return absl::StatusOr<v1::Job>(absl::NotFoundError("there is no such job"));
    });
    Verdict verdict;
    const absl::Status checked = CheckEachSecond(client::Client(connection), verdict);
    EXPECT_TRUE(checked.ok()) << checked;
    return verdict.faults;
  }

  std::vector<v1::ScheduleRun> runs_;
  std::vector<v1::Job> jobs_;
};

TEST_F(EachSecondTest, WhatIsRightIsRight) { EXPECT_THAT(Faults(), IsEmpty()); }

TEST_F(EachSecondTest, ATimeWithoutARunIsAFaultUnlessItWasMissed) {
  runs_.erase(runs_.begin() + 1);
  runs_[1].set_number(2);
  EXPECT_THAT(Faults(), ElementsAre(HasSubstr("has run 2 2 s behind the one before, with 0 missed")));
  runs_[1].set_missed(1);
  EXPECT_THAT(Faults(), IsEmpty());
  runs_[1].set_number(3);
  EXPECT_THAT(Faults(), ElementsAre(HasSubstr("has run 3 behind 1")));
}

TEST_F(EachSecondTest, TwoRunsOfOneTimeAreAFault) {
  runs_[1].mutable_scheduled_time()->set_seconds(runs_[0].scheduled_time().seconds());
  EXPECT_THAT(Faults(), ElementsAre(HasSubstr("has run 2 0 s behind"), HasSubstr("has run 3 2 s behind")));
}

TEST_F(EachSecondTest, AJobOfTwoRunsOfNoneOrThatIsGoneIsAFault) {
  jobs_.emplace_back().set_id("stray");
  EXPECT_THAT(Faults(), ElementsAre(HasSubstr("has 2 runs with a job, and there are 3 jobs")));
  jobs_.erase(jobs_.begin() + 1, jobs_.end());
  EXPECT_THAT(Faults(), ElementsAre(HasSubstr("has job job-2, which"), HasSubstr("there are 1 jobs")));
  runs_[2].set_job_id("job-0");
  EXPECT_THAT(Faults(), ElementsAre(HasSubstr("has two runs of job job-0")));
}

TEST_F(EachSecondTest, ARunThatNeverEndedAndAJobThatIsNotWholeAreFaults) {
  runs_[2].set_state(v1::SCHEDULE_RUN_STATE_RUNNING);
  EXPECT_THAT(Faults(), ElementsAre(HasSubstr("has run 3 with job 'job-2'")));
  runs_[2].set_state(v1::SCHEDULE_RUN_STATE_COMPLETED);
  jobs_[1].mutable_summary()->set_records_submitted(6);
  EXPECT_THAT(Faults(), ElementsAre(HasSubstr("has job job-2, which is not as its source says")));
  runs_.clear();
  jobs_.clear();
  EXPECT_THAT(Faults(), ElementsAre(HasSubstr("has no run")));
}

}  // namespace
}  // namespace millrace::crash
