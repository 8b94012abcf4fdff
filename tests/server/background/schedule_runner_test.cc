// Schedules fire: runs, their jobs, and what a server leaves that dies in between.
#include "server/background/schedule_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/engine/engine_on_env.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/model/limits.h"
#include "storage/store/model_job_store.h"
#include "storage/store/rocks_job_store_impl.h"
#include "tests/storage/engine/disk/faulty_disk.h"
#include "tests/support/factories.h"
#include "tests/support/status_matchers.h"
#include "tools/harness/temporary_folder.h"

namespace millrace::background {
namespace {

using engine::Fault;
using ::millrace::testing::IsOk;
using model::Schedule;
using model::ScheduleKey;
using model::ScheduleRun;
using ::testing::ElementsAre;
using ::testing::SizeIs;

// A midnight.
const absl::Time kStart = absl::FromUnixSeconds(1'767'225'600);

class ScheduleRunnerTest : public ::testing::Test {
 protected:
  ScheduleRunnerTest() { Use(store::MakeModelJobStore(&clock_)); }

  /// Another store, or the same after a restart: the runner knows nothing any more.
  void Use(std::unique_ptr<store::JobStore> store) {
    runner_.reset();
    store_ = std::move(store);
    ASSERT_THAT(store_->CreateServiceVersion(testing::ExampleVersion()), IsOk());
    StartRunner();
  }
  void StartRunner() {
    runner_ = std::make_unique<ScheduleRunner>(
        *store_, clock_, [this](const Schedule& schedule, const ScheduleRun& run) { return Submit(schedule, run); },
        counts_);
    store_->schedules().SetObserver(runner_.get());
    ASSERT_THAT(runner_->Load(), IsOk());
  }

  absl::StatusOr<model::JobPtr> Submit(const Schedule& schedule, const ScheduleRun& run) {
    ++submissions_;
    if (!refusal_.ok()) return refusal_;
    const std::string request_id = model::RunRequestId({schedule.uid, run.number});
    auto earlier = store_->FindRequest(schedule.tenant, request_id);
    if (!earlier.ok() || *earlier != nullptr) return earlier;
    // As a server does: each attempt has a new id.
    model::Job job = testing::ExampleJob(absl::StrCat("job-", ++job_ids_));
    job.tenant = schedule.tenant;
    job.request_id = request_id;
    job.request_hash = request_id;
    return store_->CreateJob(std::move(job));
  }

  Schedule Hourly() {
    Schedule schedule;
    schedule.tenant = std::string(testing::kTenant);
    schedule.id = "nightly";
    schedule.uid = "uid";
    schedule.definition.recurrence = {.kind = model::RecurrenceKind::kCron, .cron = "@hourly"};
    schedule.next_fire_time = model::FirstFireTime(schedule, clock_.Now()).value();
    return schedule;
  }
  void Create(const Schedule& schedule) { ASSERT_THAT(store_->schedules().CreateSchedule(schedule), IsOk()); }

  SchedulesRun RunAfter(absl::Duration wait) {
    clock_.Advance(wait);
    return runner_->RunOnce();
  }
  Schedule Now() { return *store_->schedules().GetSchedule(key_); }
  /// Oldest first: `1@01:00 RUNNING job-1`.
  std::vector<std::string> Runs() {
    const auto runs = store_->schedules().ListScheduleRuns(key_, 1'000'000, 1'000);
    EXPECT_THAT(runs, IsOk());
    constexpr const char* kNames[] = {"", "QUEUED", "RUNNING", "COMPLETED", "SKIPPED", "REFUSED"};
    const std::vector<ScheduleRun> oldest_first(runs->rbegin(), runs->rend());
    std::vector<std::string> texts;
    texts.reserve(oldest_first.size());
    for (const ScheduleRun& run : oldest_first) {
      texts.push_back(absl::StrCat(run.number, "@", absl::FormatTime("%H:%M", run.scheduled_time, absl::UTCTimeZone()),
                                   " ", kNames[static_cast<int>(run.state)], run.job_id.empty() ? "" : " ",
                                   run.job_id));
    }
    return texts;
  }
  model::JobKey Job(const std::string& id) const { return {key_.tenant, id}; }
  std::vector<std::string> ActiveJobs() {
    std::vector<std::string> ids;
    for (const model::JobPtr& job : store_->ActiveJobs()) ids.push_back(job->id);
    return ids;
  }

  const ScheduleKey key_{std::string(testing::kTenant), "nightly"};
  model::ManualClock clock_{kStart};
  absl::Status refusal_;
  int submissions_ = 0;
  int job_ids_ = 0;
  core::ScheduleCounts counts_;
  std::unique_ptr<store::JobStore> store_;
  std::unique_ptr<ScheduleRunner> runner_;
};

constexpr absl::Duration kHour = absl::Hours(1);

TEST_F(ScheduleRunnerTest, AJobIsSubmittedAtItsTimeAndItsEndIsSeen) {
  Create(Hourly());
  EXPECT_EQ(RunAfter(absl::Minutes(59)).submitted, 0);
  EXPECT_EQ(RunAfter(absl::Minutes(1)).submitted, 1);
  EXPECT_EQ(RunAfter(absl::ZeroDuration()).submitted, 0);
  EXPECT_THAT(Runs(), ElementsAre("1@01:00 RUNNING job-1"));
  ASSERT_THAT(store_->CloseJob(Job("job-1")), IsOk());
  RunAfter(absl::Seconds(1));
  EXPECT_THAT(Runs(), ElementsAre("1@01:00 COMPLETED job-1"));
  EXPECT_EQ(Now().last_ended.job_state, model::JobState::kCompleted);
}

TEST_F(ScheduleRunnerTest, ASecondOfManySchedulesCostsALookAtWhatIsDueAlone) {
  for (int i = 0; i < 50; ++i) {
    Schedule schedule = Hourly();
    schedule.id = absl::StrCat("s", i);
    schedule.uid = schedule.id;
    schedule.definition.recurrence.cron = absl::StrCat(i, " * * * *");
    schedule.next_fire_time = model::FirstFireTime(schedule, clock_.Now()).value();
    Create(schedule);
  }
  EXPECT_EQ(RunAfter(absl::Seconds(1)).looked_at, 50);
  EXPECT_EQ(RunAfter(absl::Seconds(1)).looked_at, 0);
  EXPECT_EQ(RunAfter(absl::Seconds(58)).looked_at, 1);
}

TEST_F(ScheduleRunnerTest, AnIntervalIsCountedFromTheEndOfTheJob) {
  Schedule schedule = Hourly();
  schedule.definition.recurrence = {.kind = model::RecurrenceKind::kInterval, .interval = absl::Minutes(10)};
  schedule.next_fire_time = model::FirstFireTime(schedule, clock_.Now()).value();
  Create(schedule);
  EXPECT_EQ(RunAfter(absl::ZeroDuration()).submitted, 1);
  EXPECT_EQ(RunAfter(3 * kHour).submitted, 0);
  ASSERT_THAT(store_->CloseJob(Job("job-1")), IsOk());
  RunAfter(absl::Seconds(1));
  EXPECT_EQ(Now().next_fire_time, kStart + 3 * kHour + absl::Minutes(10));
  EXPECT_EQ(RunAfter(absl::Minutes(10)).submitted, 1);
  EXPECT_THAT(Runs(), ElementsAre("1@00:00 COMPLETED job-1", "2@03:10 RUNNING job-2"));
}

TEST_F(ScheduleRunnerTest, CancelRunningCancelsTheOldJobAndSubmitsTheNewOne) {
  Schedule schedule = Hourly();
  schedule.definition.overlap = model::OverlapPolicy::kCancelRunning;
  Create(schedule);
  RunAfter(kHour);
  RunAfter(kHour);
  EXPECT_THAT(Runs(), ElementsAre("1@01:00 COMPLETED job-1", "2@02:00 RUNNING job-2"));
  ASSERT_OK_AND_ASSIGN(const model::JobPtr old, store_->GetJob(Job("job-1")));
  EXPECT_EQ(old->state, model::JobState::kCancelled);
  EXPECT_EQ(old->state_reason, "schedule nightly: run 2 takes the place of run 1");
}

TEST_F(ScheduleRunnerTest, AQueuedRunFollowsTheEndOfTheOneBefore) {
  Schedule schedule = Hourly();
  schedule.definition.overlap = model::OverlapPolicy::kQueue;
  Create(schedule);
  RunAfter(kHour);
  RunAfter(kHour);
  EXPECT_THAT(ActiveJobs(), ElementsAre("job-1"));
  ASSERT_THAT(store_->CloseJob(Job("job-1")), IsOk());
  RunAfter(absl::Seconds(1));
  EXPECT_THAT(Runs(), ElementsAre("1@01:00 COMPLETED job-1", "2@02:00 RUNNING job-2"));
}

TEST_F(ScheduleRunnerTest, WhatIsRefusedForGoodIsToldAndTheScheduleGoesOn) {
  Create(Hourly());
  refusal_ = model::MakeError(model::Reason::kServiceNotFound, "there is no service a/b");
  EXPECT_EQ(RunAfter(kHour).refused, 1);
  EXPECT_EQ(Now().last_ended.message, "there is no service a/b");
  EXPECT_EQ(Now().last_ended.reason, model::Reason::kServiceNotFound);
  refusal_ = absl::OkStatus();
  RunAfter(kHour);
  EXPECT_THAT(Runs(), ElementsAre("1@01:00 REFUSED", "2@02:00 RUNNING job-1"));
}

TEST_F(ScheduleRunnerTest, WhatMayPassIsTriedAgainAtLongerAndLongerIntervals) {
  Create(Hourly());
  refusal_ = model::MakeError(model::Reason::kSourceConnectionFailed, "no database");
  RunAfter(kHour);
  EXPECT_THAT(Runs(), ElementsAre("1@01:00 QUEUED"));
  EXPECT_EQ(Now().open.front().message, "no database");
  for (int second = 0; second < 600; ++second) RunAfter(absl::Seconds(1));
  // After 1, 2, 4 … 32 seconds, then each minute.
  EXPECT_EQ(submissions_, 1 + 6 + 8);
  refusal_ = absl::OkStatus();
  RunAfter(model::kScheduleRetryMax);
  EXPECT_THAT(Runs(), ElementsAre("1@01:00 RUNNING job-1"));
}

TEST_F(ScheduleRunnerTest, AJobThatWasDeletedIsOver) {
  Create(Hourly());
  RunAfter(kHour);
  ASSERT_THAT(store_->CancelJob(Job("job-1"), "", true), IsOk());
  ASSERT_THAT(store_->DeleteJob(Job("job-1")), IsOk());
  RunAfter(absl::Seconds(1));
  EXPECT_THAT(Runs(), ElementsAre("1@01:00 COMPLETED job-1"));
  EXPECT_EQ(Now().last_ended.message, "its job was deleted");
}

TEST_F(ScheduleRunnerTest, RunsAreCountedByWhatBecameOfThemAndSchedulesByTheirState) {
  Create(Hourly());
  RunAfter(absl::ZeroDuration());
  EXPECT_EQ(counts_.active, 1);
  EXPECT_EQ(counts_.next_fire_seconds, absl::ToUnixSeconds(kStart + kHour));
  RunAfter(kHour);
  EXPECT_EQ(counts_.submitted, 1);
  EXPECT_EQ(counts_.completed, 0);
  RunAfter(kHour);
  EXPECT_EQ(counts_.skipped, 1) << "the run before was not over";
  ASSERT_THAT(store_->CloseJob(Job("job-1")), IsOk());
  RunAfter(absl::Seconds(1));
  EXPECT_EQ(counts_.completed, 1);
  refusal_ = model::FieldError("service", "the test says so");
  RunAfter(kHour);
  EXPECT_EQ(counts_.refused, 1);
  ASSERT_THAT(
      store_->schedules().ChangeSchedule(key_,
                                         [&](model::ScheduleChange& change) {
                                           return absl::StatusOr<bool>(model::ApplyPause(change, "why", clock_.Now()));
                                         }),
      IsOk());
  RunAfter(kHour);
  EXPECT_EQ(counts_.active, 0);
  EXPECT_EQ(counts_.paused, 1);
  EXPECT_EQ(counts_.next_fire_seconds, 0);
  StartRunner();
  RunAfter(kHour);
  EXPECT_EQ(counts_.skipped, 1) << "what was counted before is not counted once more";
  EXPECT_EQ(counts_.refused, 1);
  EXPECT_EQ(counts_.submitted, 1);
  ASSERT_THAT(store_->schedules().DeleteSchedule(key_), IsOk());
  RunAfter(kHour);
  EXPECT_EQ(counts_.paused, 0);
}

TEST_F(ScheduleRunnerTest, ADeletedScheduleIsForgottenAndOneOfTheSameIdBeginsAnew) {
  Create(Hourly());
  RunAfter(kHour);
  ASSERT_THAT(store_->schedules().DeleteSchedule(key_), IsOk());
  EXPECT_EQ(RunAfter(kHour).failed, 0);
  EXPECT_EQ(RunAfter(kHour).looked_at, 0);
  Schedule again = Hourly();
  again.uid = "another";
  Create(again);
  RunAfter(kHour);
  EXPECT_THAT(Runs(), ElementsAre("1@04:00 RUNNING job-2"));
}

TEST_F(ScheduleRunnerTest, AfterADowntimeTheLatestOfTheMissedTimesIsRun) {
  Create(Hourly());
  RunAfter(kHour);
  ASSERT_THAT(store_->CloseJob(Job("job-1")), IsOk());
  runner_.reset();
  clock_.Advance(5 * kHour + absl::Minutes(30));
  store::ReopenModelJobStore(*store_);
  StartRunner();
  EXPECT_EQ(runner_->RunOnce().submitted, 1);
  EXPECT_THAT(Runs(), ElementsAre("1@01:00 COMPLETED job-1", "2@06:00 RUNNING job-2"));
}

TEST_F(ScheduleRunnerTest, AClockThatIsSetBackADayFiresNothingTwice) {
  Create(Hourly());
  for (int i = 0; i < 3; ++i) {
    RunAfter(kHour);
    ASSERT_THAT(store_->CloseJob(Job(absl::StrCat("job-", i + 1))), IsOk());
  }
  clock_.Advance(-24 * kHour);
  for (int i = 0; i < 24; ++i) EXPECT_EQ(RunAfter(kHour).submitted, 0);
  EXPECT_EQ(RunAfter(kHour).submitted, 1);
  EXPECT_THAT(Runs(), SizeIs(4));
}

TEST_F(ScheduleRunnerTest, APowerCutAtAnyWriteLosesNoFireTimeAndDoublesNone) {
  for (const Fault fault : {Fault::kPowerCut, Fault::kTornWrite, Fault::kFailedWrite, Fault::kFailedSync}) {
    bool struck = true;
    for (int64_t nth = 1; struck; ++nth) {
      SCOPED_TRACE(absl::StrCat("fault ", static_cast<int>(fault), " at ", nth));
      const harness::TemporaryFolder data;
      engine::FaultyDisk disk;
      clock_.Advance(kStart - clock_.Now());
      job_ids_ = 0;
      const store::RocksJobStoreOptions options{.folder = data.path(), .clock = &clock_};
      const auto open = [&] {
        auto engine = engine::OpenEngineOnEnv(store::EngineOptionsOf(options), disk.env());
        EXPECT_THAT(engine, IsOk());
        auto opened = store::OpenRocksJobStoreOn(options, *std::move(engine));
        EXPECT_THAT(opened, IsOk());
        return *std::move(opened);
      };
      Use(open());
      Schedule schedule = Hourly();
      schedule.definition.overlap = model::OverlapPolicy::kCancelRunning;
      Create(schedule);
      disk.Break(fault, nth);
      // Each hour fires, cancels the job of the hour before, and submits its own.
      constexpr int kHours = 4;
      for (int hour = 0; hour < kHours; ++hour) RunAfter(kHour);
      struck = disk.struck();
      runner_.reset();
      store_.reset();
      disk.Heal();
      Use(open());
      for (int i = 0; i < 3; ++i) runner_->RunOnce();

      // Every hour is in a run of its own, or counted as missed in one.
      const auto runs = store_->schedules().ListScheduleRuns(key_, 1'000, 1'000);
      ASSERT_THAT(runs, IsOk());
      int64_t hours = 0;
      std::map<std::string, int> jobs;
      for (const ScheduleRun& run : *runs) {
        hours += 1 + run.missed;
        if (!run.job_id.empty()) ++jobs[run.job_id];
      }
      EXPECT_EQ(hours, kHours);
      EXPECT_EQ(Now().last_fire_time, clock_.Now());
      // Every job belongs to one run, and the last one is that of the newest run.
      ASSERT_OK_AND_ASSIGN(const auto all, store_->ListJobs({.tenant = key_.tenant}));
      EXPECT_EQ(all.items.size(), jobs.size());
      for (const auto& [id, count] : jobs) EXPECT_EQ(count, 1) << id;
      ASSERT_THAT(ActiveJobs(), SizeIs(1));
      EXPECT_EQ(Now().open.front().job_id, ActiveJobs().front());
      EXPECT_EQ(Now().open.front().number, Now().last_run);
      // Before the disk.
      runner_.reset();
      store_.reset();
      if (HasFailure()) return;
    }
  }
}

TEST_F(ScheduleRunnerTest, AScheduleWhoseZoneIsNotThereWaitsForItAndLosesNothing) {
  Schedule schedule = Hourly();
  schedule.definition.recurrence.time_zone = "Nowhere/Never";
  schedule.definition.catch_up = model::CatchUpPolicy::kAll;
  schedule.next_fire_time = clock_.Now() + absl::Hours(1);
  Create(schedule);
  EXPECT_EQ(RunAfter(absl::Hours(3)).failed, 0);
  EXPECT_EQ(Now().next_fire_time, schedule.next_fire_time);
  EXPECT_THAT(Runs(), SizeIs(0));
}

}  // namespace
}  // namespace millrace::background
