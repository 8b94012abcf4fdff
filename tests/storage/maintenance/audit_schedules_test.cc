#include "storage/maintenance/audit_schedules.h"

#include <functional>
#include <string>
#include <utility>

#include "storage/format/schedule_rows.h"
#include "storage/model/schedule_rules.h"
#include "tests/storage/maintenance/maintenance_fixture.h"

namespace millrace::maintenance {
namespace {

using format::Family;
using millrace::testing::IsOk;
using model::Schedule;
using model::ScheduleKey;
using store::At;

class AuditSchedulesTest : public MaintenanceTest {
 protected:
  /// `nightly` has three runs: one that is over, with the job `run-1`, one that was skipped, and one that is running.
  AuditSchedulesTest() {
    Open();
    Schedule schedule;
    schedule.tenant = key_.tenant;
    schedule.id = key_.schedule_id;
    schedule.uid = "uid";
    schedule.definition.recurrence = {.kind = model::RecurrenceKind::kCron, .cron = "@hourly"};
    schedule.next_fire_time = model::FirstFireTime(schedule, clock_.Now()).value();
    EXPECT_THAT(store_->schedules().CreateSchedule(schedule), IsOk());
    Fire();
    SubmitRun(1);
    Fire();
    const model::JobPtr done = *store_->CloseJob(Key("run-1"));
    Change([&](model::ScheduleChange& change) { return model::ApplyEnded(change, {"uid", 1}, done, clock_.Now()); });
    Fire();
    SubmitRun(3);
    store_.reset();
  }

  void Change(const std::function<absl::StatusOr<bool>(model::ScheduleChange&)>& rule) {
    EXPECT_THAT(store_->schedules().ChangeSchedule(key_, rule), IsOk());
  }

  void Fire() {
    clock_.Advance(absl::Hours(1));
    Change([&](model::ScheduleChange& change) { return model::ApplyFire(change, clock_.Now()); });
  }

  void SubmitRun(int64_t number) {
    model::Job job = millrace::testing::ExampleJob("run-" + std::to_string(number));
    job.request_id = model::RunRequestId({"uid", number});
    job.request_hash = "hash";
    const model::JobPtr created = *store_->CreateJob(std::move(job));
    Change([&](model::ScheduleChange& change) { return model::ApplySubmitted(change, {"uid", number}, *created); });
  }

  Schedule Stored(const engine::Engine& engine) {
    return *format::DecodeSchedule(**engine.Get(At(Family::kSchedules), format::ScheduleDefinitionKey(key_)),
                                   **engine.Get(At(Family::kSchedules), format::ScheduleProgressKey(key_)));
  }

  /// Writes the progress of the schedule as `change` leaves it.
  void BreakProgress(const std::function<void(Schedule&)>& change) {
    Break([&](engine::Engine& engine, engine::WriteUnit& unit) {
      Schedule schedule = Stored(engine);
      change(schedule);
      unit.Put(At(Family::kSchedules), format::ScheduleProgressKey(key_), format::EncodeScheduleProgress(schedule));
    });
  }

  const ScheduleKey key_{std::string(millrace::testing::kTenant), "nightly"};
};

TEST_F(AuditSchedulesTest, RunsOfAllKindsAreSound) { EXPECT_EQ(Findings(), ""); }

TEST_F(AuditSchedulesTest, AJobThatWasDeletedIsNotMissed) {
  Open();
  ASSERT_THAT(store_->DeleteJob(Key("run-1")), IsOk());
  store_.reset();
  EXPECT_EQ(Findings(), "");
}

TEST_F(AuditSchedulesTest, AScheduleWithoutProgressIsFound) {
  Break([&](engine::Engine&, engine::WriteUnit& unit) {
    unit.Delete(At(Family::kSchedules), format::ScheduleProgressKey(key_));
  });
  EXPECT_EQ(Findings(), "schedule default/nightly: it has no progress\n");
}

TEST_F(AuditSchedulesTest, AMissingRunIsFound) {
  Break([&](engine::Engine&, engine::WriteUnit& unit) {
    unit.Delete(At(Family::kSchedules), format::ScheduleRunKey(key_, 2));
  });
  EXPECT_EQ(Findings(), "schedule default/nightly: run 2 is missing\n");
}

TEST_F(AuditSchedulesTest, ARunThatIsOpenAndOverIsFound) {
  BreakProgress([](Schedule& schedule) { schedule.open.front().number = 2; });
  EXPECT_EQ(Findings(),
            "schedule default/nightly: the job of run 2, run-3, is that of another run\n"
            "schedule default/nightly: run 2 is there twice\n"
            "schedule default/nightly: run 3 is missing\n");
}

TEST_F(AuditSchedulesTest, WhatIsCountedWronglyIsFound) {
  BreakProgress([](Schedule& schedule) { schedule.counters.skipped += 1; });
  EXPECT_EQ(Findings(), "schedule default/nightly: 3 runs are counted as over, but 2 are\n");
}

TEST_F(AuditSchedulesTest, AnOpenRunThatIsOverIsFound) {
  BreakProgress([](Schedule& schedule) { schedule.open.front().state = model::RunState::kCompleted; });
  EXPECT_EQ(Findings(), "schedule default/nightly: run 3 is neither queued nor the one that is running\n");
}

TEST_F(AuditSchedulesTest, ARowUnderAnotherNameIsFound) {
  Break([&](engine::Engine& engine, engine::WriteUnit& unit) {
    Schedule schedule = Stored(engine);
    schedule.id = "daily";
    unit.Put(At(Family::kSchedules), format::ScheduleDefinitionKey(key_), format::EncodeScheduleDefinition(schedule));
    model::ScheduleRun run =
        *format::DecodeScheduleRun(**engine.Get(At(Family::kSchedules), format::ScheduleRunKey(key_, 2)));
    run.number = 1;
    unit.Put(At(Family::kSchedules), format::ScheduleRunKey(key_, 2), format::EncodeScheduleRun(run));
  });
  EXPECT_EQ(Findings(),
            "schedule default/nightly: the row speaks of another schedule\n"
            "schedule default/nightly: the row of run 2 speaks of run 1\n");
}

}  // namespace
}  // namespace millrace::maintenance
