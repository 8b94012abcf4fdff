// millrace schedules.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "client/cpp/mocks/mock_connection.h"
#include "tests/tools/millrace/cli_fixture.h"

namespace millrace::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StrictMock;

class SchedulesCommandsTest : public CliFixture {
 protected:
  static v1::Schedule Nightly() {
    v1::Schedule schedule;
    schedule.set_id("nightly");
    schedule.set_created_by("ann");
    schedule.mutable_spec()->mutable_cron()->set_expression("0 2 * * *");
    schedule.mutable_spec()->mutable_cron()->set_time_zone("Europe/Berlin");
    schedule.mutable_spec()->mutable_job()->set_service("sales/score");
    schedule.mutable_spec()->set_overlap(v1::OVERLAP_POLICY_CANCEL_RUNNING);
    schedule.mutable_spec()->set_catch_up(v1::CATCH_UP_POLICY_LATEST);
    schedule.mutable_next_fire_time()->set_seconds(1'767'225'600);
    schedule.set_runs(7);
    schedule.set_runs_completed(5);
    schedule.set_runs_skipped(2);
    *schedule.mutable_last_ended_run() = Run7();
    return schedule;
  }
  static v1::ScheduleRun Run7() {
    v1::ScheduleRun run;
    run.set_schedule_id("nightly");
    run.set_number(7);
    run.set_state(v1::SCHEDULE_RUN_STATE_COMPLETED);
    run.mutable_scheduled_time()->set_seconds(1'767'139'200);
    run.set_job_id("job-7");
    run.set_job_state(v1::JOB_STATE_COMPLETED);
    run.set_outcome(v1::OUTCOME_SUCCEEDED);
    run.set_missed(2);
    return run;
  }

  std::shared_ptr<StrictMock<client::MockConnection>> connection_ =
      std::make_shared<StrictMock<client::MockConnection>>();
};

TEST_F(SchedulesCommandsTest, CreateTakesTheOptionsOfSubmitAndItsTimes) {
  EXPECT_CALL(*connection_, CreateSchedule).WillOnce([](const v1::CreateScheduleRequest& request, const auto&) {
    EXPECT_EQ(request.schedule_id(), "nightly");
    const v1::ScheduleSpec& spec = request.spec();
    EXPECT_EQ(spec.cron().expression(), "0 2 * * *");
    EXPECT_EQ(spec.cron().time_zone(), "Europe/Berlin");
    EXPECT_EQ(spec.overlap(), v1::OVERLAP_POLICY_CANCEL_RUNNING);
    EXPECT_EQ(spec.catch_up(), v1::CATCH_UP_POLICY_NONE);
    // 2027-01-01 00:00 in Berlin.
    EXPECT_EQ(spec.start_time().seconds(), 1'798'758'000);
    EXPECT_EQ(spec.job().service(), "sales/score");
    EXPECT_EQ(spec.job().source().file().path(), "orders.csv");
    EXPECT_EQ(spec.job().options().priority(), 5);
    EXPECT_EQ(spec.job().request_id(), "");
    EXPECT_EQ(spec.job().job_id(), "");
    return Nightly();
  });
  EXPECT_EQ(Run({"schedules", "create", "nightly", "sales/score", "--file", "orders.csv", "--priority", "5", "--cron",
                 "0 2 * * *", "--time-zone", "Europe/Berlin", "--overlap", "cancel-running", "--catch-up", "none",
                 "--from", "2027-01-01"},
                connection_),
            0)
      << err();
  EXPECT_THAT(out(), HasSubstr("0 2 * * * (Europe/Berlin)"));
  EXPECT_THAT(out(), HasSubstr("cancel-running"));
  EXPECT_THAT(out(), HasSubstr("7: 5 completed, 2 skipped, 0 refused"));
}

TEST_F(SchedulesCommandsTest, CreateTakesAnIntervalOrOneTime) {
  EXPECT_CALL(*connection_, CreateSchedule)
      .WillOnce([](const v1::CreateScheduleRequest& request, const auto&) {
        EXPECT_EQ(request.spec().interval().seconds(), 90);
        return Nightly();
      })
      // Whatever is typed is the server's to judge, who names the bounds.
      .WillOnce([](const v1::CreateScheduleRequest& request, const auto&) {
        EXPECT_TRUE(request.spec().has_interval());
        return Nightly();
      })
      .WillOnce([](const v1::CreateScheduleRequest& request, const auto&) {
        EXPECT_EQ(request.spec().once().seconds(), 1'767'225'600);
        return Nightly();
      });
  EXPECT_EQ(Run({"schedules", "create", "s", "a/b", "--range", "1", "--every", "90s"}, connection_), 0) << err();
  EXPECT_EQ(Run({"schedules", "create", "s", "a/b", "--range", "1", "--every", "0s"}, connection_), 0) << err();
  EXPECT_EQ(Run({"schedules", "create", "s", "a/b", "--range", "1", "--at", "2026-01-01T00:00:00Z"}, connection_), 0)
      << err();
}

TEST_F(SchedulesCommandsTest, WhatCannotBeMeantIsAUsageError) {
  EXPECT_EQ(Run({"schedules", "create", "s", "a/b", "--range", "1"}), 2);
  EXPECT_THAT(err(), HasSubstr("give one of --cron, --every and --at"));
  EXPECT_EQ(Run({"schedules", "create", "s", "a/b", "--range", "1", "--every", "1m", "--cron", "@daily"}), 2);
  EXPECT_EQ(Run({"schedules", "create", "s", "a/b", "--every", "1m"}), 2);
  EXPECT_EQ(Run({"schedules", "create", "s", "a/b", "--range", "1", "--at", "noon"}), 2);
  EXPECT_THAT(err(), HasSubstr("--at: expected a time such as"));
  EXPECT_EQ(Run({"schedules", "create", "s", "a/b", "--range", "1", "--cron", "@daily", "--time-zone", "Berlin"}), 2);
  EXPECT_THAT(err(), HasSubstr("--time-zone: 'Berlin' is no time zone"));
  EXPECT_EQ(Run({"schedules", "create", "s", "a/b", "--id", "j", "--range", "1", "--every", "1m"}), 2);
}

TEST_F(SchedulesCommandsTest, ListShowsWhenEachFiresNext) {
  EXPECT_CALL(*connection_, ListSchedules).Times(2).WillRepeatedly([](const auto&, const auto&) {
    v1::ListSchedulesResponse response;
    *response.add_schedules() = Nightly();
    v1::Schedule& paused = *response.add_schedules() = Nightly();
    paused.set_paused(true);
    return response;
  });
  EXPECT_EQ(Run({"schedules", "list"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("2026-01-01 00:00:00"));
  EXPECT_THAT(out(), HasSubstr("paused"));
  EXPECT_THAT(out(), HasSubstr("COMPLETED, SUCCEEDED"));
  EXPECT_EQ(Run({"schedules", "list", "-o", "json"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr(R"("nextFireTime": "2026-01-01T00:00:00Z")"));
}

TEST_F(SchedulesCommandsTest, UpdateSendsWhatWasGiven) {
  EXPECT_CALL(*connection_, UpdateSchedule).WillOnce([](const v1::UpdateScheduleRequest& request, const auto&) {
    EXPECT_THAT(request.update_mask().paths(), ElementsAre("interval", "overlap"));
    EXPECT_EQ(request.spec().interval().seconds(), 600);
    EXPECT_EQ(request.spec().overlap(), v1::OVERLAP_POLICY_QUEUE);
    return Nightly();
  });
  EXPECT_EQ(Run({"schedules", "update", "nightly", "--every", "10m", "--overlap", "queue"}, connection_), 0) << err();
  EXPECT_EQ(Run({"schedules", "update", "nightly"}, connection_), 2);
  EXPECT_THAT(err(), HasSubstr("nothing to change"));
}

TEST_F(SchedulesCommandsTest, UpdateOfZoneOrServiceKeepsTheRest) {
  EXPECT_CALL(*connection_, GetSchedule).WillOnce([](const auto&, const auto&) {
    v1::Schedule schedule = Nightly();
    schedule.mutable_spec()->mutable_job()->mutable_source()->mutable_range()->set_count(3);
    return schedule;
  });
  EXPECT_CALL(*connection_, UpdateSchedule).WillOnce([](const v1::UpdateScheduleRequest& request, const auto&) {
    EXPECT_THAT(request.update_mask().paths(), ElementsAre("cron", "job"));
    EXPECT_EQ(request.spec().cron().expression(), "0 2 * * *");
    EXPECT_EQ(request.spec().cron().time_zone(), "America/New_York");
    EXPECT_EQ(request.spec().job().service(), "sales/score[1.3.0]");
    EXPECT_EQ(request.spec().job().source().range().count(), 3);
    return Nightly();
  });
  EXPECT_EQ(
      Run({"schedules", "update", "nightly", "--time-zone", "America/New_York", "--service", "sales/score[1.3.0]"},
          connection_),
      0)
      << err();
}

TEST_F(SchedulesCommandsTest, PauseResumeAndDeleteSayWhatIsDone) {
  EXPECT_CALL(*connection_, PauseSchedule).WillOnce([](const v1::PauseScheduleRequest& request, const auto&) {
    EXPECT_EQ(request.reason(), "late");
    return Nightly();
  });
  EXPECT_CALL(*connection_, ResumeSchedule).WillOnce([](const auto&, const auto&) { return Nightly(); });
  EXPECT_CALL(*connection_, DeleteSchedule).WillOnce([](const auto&, const auto&) {
    return v1::DeleteScheduleResponse();
  });
  EXPECT_EQ(Run({"schedules", "pause", "nightly", "--reason", "late"}, connection_), 0) << err();
  EXPECT_EQ(out(), "paused nightly\n");
  EXPECT_EQ(Run({"schedules", "resume", "nightly"}, connection_), 0) << err();
  EXPECT_EQ(out(), "resumed nightly: fires next at 2026-01-01 00:00:00\n");
  EXPECT_EQ(Run({"schedules", "delete", "nightly"}, connection_), 0) << err();
  EXPECT_EQ(out(), "deleted nightly; its jobs stay\n");
}

TEST_F(SchedulesCommandsTest, TriggerIsSafeToRepeatAndFailsWhereTheJobIsRefused) {
  EXPECT_CALL(*connection_, TriggerSchedule)
      .WillOnce([](const v1::TriggerScheduleRequest& request, const auto&) {
        EXPECT_NE(request.request_id(), "");
        return Run7();
      })
      .WillOnce([](const auto&, const auto&) {
        v1::ScheduleRun run = Run7();
        run.set_state(v1::SCHEDULE_RUN_STATE_REFUSED);
        run.set_message("there is no service");
        return run;
      });
  EXPECT_EQ(Run({"schedules", "trigger", "nightly"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("job-7"));
  EXPECT_EQ(Run({"schedules", "trigger", "nightly"}, connection_), 1);
  EXPECT_THAT(out(), HasSubstr("there is no service"));
}

TEST_F(SchedulesCommandsTest, RunsShowTheHistoryWithItsJobs) {
  EXPECT_CALL(*connection_, ListScheduleRuns).WillOnce([](const v1::ListScheduleRunsRequest& request, const auto&) {
    EXPECT_EQ(request.schedule_id(), "nightly");
    EXPECT_EQ(request.page_size(), 5);
    v1::ListScheduleRunsResponse response;
    *response.add_runs() = Run7();
    return response;
  });
  EXPECT_EQ(Run({"schedules", "runs", "nightly", "--limit", "5"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("COMPLETED, SUCCEEDED"));
  EXPECT_THAT(out(), HasSubstr("job-7"));
}

TEST_F(SchedulesCommandsTest, NextAsksNoServer) {
  EXPECT_EQ(Run({"schedules", "next", "0 7 * * MON-FRI", "--time-zone", "Europe/Berlin"}), 0) << err();
  const std::string times = out();
  EXPECT_EQ(std::count(times.begin(), times.end(), '\n'), 5);
  EXPECT_THAT(out(), HasSubstr(" 07:00:00 Mon +0"));
  EXPECT_THAT(out(), Not(HasSubstr("Sun")));
  EXPECT_EQ(Run({"schedules", "next", "@daily", "--count", "1", "-o", "json"}), 0) << err();
  EXPECT_THAT(out(), HasSubstr("fireTimes"));
  EXPECT_EQ(Run({"schedules", "next", "0 0 30 2 *"}), 2);
  EXPECT_THAT(err(), HasSubstr("it would never fire"));
  EXPECT_EQ(Run({"schedules", "next", "* *"}), 2);
}

}  // namespace
}  // namespace millrace::cli
