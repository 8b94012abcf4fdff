// What is due, what waits and what is skipped.
#include "storage/model/schedule_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/model/ids.h"
#include "storage/model/limits.h"
#include "tests/storage/model/schedule_fixture.h"
#include "tests/support/status_matchers.h"

namespace millrace::model {
namespace {

using ::millrace::testing::IsOkAndHolds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(ScheduleRulesTest, ATimeHasOneRunWhichIsThereBeforeItsJob) {
  EXPECT_FALSE(Fire(absl::Minutes(59)));
  EXPECT_TRUE(Fire(kHour));
  EXPECT_FALSE(Fire(kHour));
  EXPECT_THAT(Open(), ElementsAre("1@01:00 QUEUED"));
  EXPECT_EQ(schedule().next_fire_time, At(2 * kHour));
  ASSERT_NE(RunToSubmit(schedule()), nullptr);
  EXPECT_TRUE(Submit(kHour));
  EXPECT_EQ(RunToSubmit(schedule()), nullptr);
  EXPECT_EQ(RunningRun(schedule())->job_id, "job-1");
  EXPECT_TRUE(EndJob(kHour + absl::Minutes(3)));
  EXPECT_THAT(Open(), IsEmpty());
  EXPECT_THAT(Ended(), ElementsAre("1@01:00 COMPLETED"));
  EXPECT_EQ(schedule().last_ended.end_time, At(kHour + absl::Minutes(3)));
  EXPECT_EQ(schedule().counters.completed, 1);
}

TEST_F(ScheduleRulesTest, TheRequestIdOfARunCanBeNoCallersAndIsItsOwn) {
  EXPECT_FALSE(ValidateId("request_id", RunRequestId({"u1", 7})).ok());
  EXPECT_NE(RunRequestId({"u1", 7}), RunRequestId({"u2", 7}));
  EXPECT_NE(RunRequestId({"u1", 7}), RunRequestId({"u1", 8}));
}

TEST_F(ScheduleRulesTest, OfAnotherScheduleOfTheSameIdNothingIsNoted) {
  Fire(kHour);
  const Job job = millrace::testing::ExampleJob("job");
  EXPECT_FALSE(ApplySubmitted(change_, {"u0", 1}, job));
  EXPECT_FALSE(ApplySubmitted(change_, {"u1", 2}, job));
  EXPECT_TRUE(ApplySubmitted(change_, {"u1", 1}, job));
  EXPECT_FALSE(ApplySubmitted(change_, {"u1", 1}, job));
  EXPECT_FALSE(ApplyEnded(change_, {"u0", 1}, nullptr, At(kHour)));
  EXPECT_FALSE(ApplyRefused(change_, {"u1", 1}, absl::NotFoundError("late"), At(kHour)));
}

TEST_F(ScheduleRulesTest, SkipSkipsWhileARunIsNotOver) {
  Fire(kHour);
  Submit(kHour);
  Fire(2 * kHour);
  EXPECT_THAT(Open(), ElementsAre("1@01:00 RUNNING"));
  EXPECT_THAT(Ended(), ElementsAre("2@02:00 SKIPPED"));
  EXPECT_EQ(schedule().last_ended.message, "run 1 is not over");
}

TEST_F(ScheduleRulesTest, QueueLetsOneWait) {
  schedule().definition.overlap = OverlapPolicy::kQueue;
  Fire(kHour);
  Submit(kHour);
  Fire(2 * kHour);
  Fire(3 * kHour);
  EXPECT_THAT(Open(), ElementsAre("1@01:00 RUNNING", "2@02:00 QUEUED"));
  EXPECT_THAT(Ended(), ElementsAre("3@03:00 SKIPPED"));
  EXPECT_EQ(RunToSubmit(schedule()), nullptr);
  EndJob(3 * kHour);
  EXPECT_EQ(RunToSubmit(schedule())->number, 2);
}

TEST_F(ScheduleRulesTest, CancelRunningLetsTheNewestWaitForTheEndOfTheOld) {
  schedule().definition.overlap = OverlapPolicy::kCancelRunning;
  Fire(kHour);
  Submit(kHour);
  EXPECT_FALSE(MustCancel(schedule()));
  Fire(2 * kHour);
  EXPECT_TRUE(MustCancel(schedule()));
  Fire(3 * kHour);
  EXPECT_THAT(Open(), ElementsAre("1@01:00 RUNNING", "3@03:00 QUEUED"));
  EXPECT_THAT(Ended(), ElementsAre("2@02:00 SKIPPED"));
  EndJob(3 * kHour, JobState::kCancelled);
  EXPECT_EQ(RunToSubmit(schedule())->number, 3);
  EXPECT_EQ(schedule().last_ended.job_state, JobState::kCancelled);
}

TEST_F(ScheduleRulesTest, ARunWhoseJobMayBeOnItsWayIsNeverGivenUp) {
  schedule().definition.overlap = OverlapPolicy::kCancelRunning;
  Fire(kHour);
  Fire(2 * kHour);
  Fire(3 * kHour);
  EXPECT_THAT(Open(), ElementsAre("1@01:00 QUEUED", "3@03:00 QUEUED"));
}

TEST_F(ScheduleRulesTest, UpToAMinuteLateNothingWasMissed) {
  schedule().definition.catch_up = CatchUpPolicy::kNone;
  EXPECT_TRUE(Fire(kHour + kScheduleLateMax));
  EXPECT_THAT(Open(), ElementsAre("1@01:00 QUEUED"));
}

TEST_F(ScheduleRulesTest, LatestMakesOneRunOfAllThatWereMissed) {
  EXPECT_TRUE(Fire(5 * kHour + absl::Minutes(30)));
  EXPECT_THAT(Open(), ElementsAre("1@05:00 QUEUED +4"));
  EXPECT_EQ(schedule().next_fire_time, At(6 * kHour));
  EXPECT_EQ(schedule().counters.missed, 4);
}

TEST_F(ScheduleRulesTest, NoneSaysHowManyWereMissedAndFiresWhatIsDueNow) {
  schedule().definition.catch_up = CatchUpPolicy::kNone;
  EXPECT_TRUE(Fire(5 * kHour + absl::Seconds(30)));
  EXPECT_THAT(Ended(), ElementsAre("1@04:00 SKIPPED +3"));
  EXPECT_THAT(Open(), ElementsAre("2@05:00 QUEUED"));
  EXPECT_EQ(schedule().counters.missed, 4);
}

TEST_F(ScheduleRulesTest, AllMakesARunOfEachWhateverRuns) {
  schedule().definition.catch_up = CatchUpPolicy::kAll;
  ApplyTrigger(change_, "", "ann", At(absl::Minutes(10)));
  Submit(absl::Minutes(10));
  EXPECT_TRUE(Fire(3 * kHour + absl::Minutes(30)));
  EXPECT_THAT(Open(), ElementsAre("1@00:10 RUNNING", "2@01:00 QUEUED", "3@02:00 QUEUED", "4@03:00 QUEUED"));
  EXPECT_EQ(schedule().next_fire_time, At(4 * kHour));
}

TEST_F(ScheduleRulesTest, AllIsBoundedToTheNewest) {
  schedule().definition.catch_up = CatchUpPolicy::kAll;
  schedule().definition.recurrence.cron = "* * * * *";
  Begin();
  EXPECT_TRUE(Fire(10 * kHour));
  ASSERT_THAT(schedule().open, SizeIs(kScheduleCatchUpMax));
  EXPECT_EQ(Text(schedule().open.front()), "1@08:21 QUEUED +500");
  EXPECT_EQ(Text(schedule().open.back()), "100@10:00 QUEUED");
}

TEST_F(ScheduleRulesTest, AYearOfSecondsIsCaughtUpOnAtOnce) {
  schedule().definition.recurrence.cron = "* * * * * *";
  for (const CatchUpPolicy policy : {CatchUpPolicy::kLatest, CatchUpPolicy::kAll, CatchUpPolicy::kNone}) {
    ScheduleChange change = change_;
    change.schedule.definition.catch_up = policy;
    change.schedule.next_fire_time = kStart;
    EXPECT_THAT(ApplyFire(change, At(365 * 24 * kHour)), IsOkAndHolds(true));
    EXPECT_EQ(change.schedule.next_fire_time, At(365 * 24 * kHour + absl::Seconds(1)));
    EXPECT_EQ((change.ended.empty() ? change.schedule.open : change.ended).front().missed, kScheduleMissedMax);
  }
}

TEST_F(ScheduleRulesTest, AClockThatIsSetBackFiresNothingTwice) {
  Fire(kHour);
  Fire(2 * kHour);
  Ended();
  for (absl::Duration since = -24 * kHour; since < 3 * kHour; since += absl::Minutes(7)) EXPECT_FALSE(Fire(since));
  EXPECT_TRUE(Fire(3 * kHour));
  // Nor when it was paused meanwhile.
  EndJob(3 * kHour);
  ApplyPause(change_, "", At(3 * kHour));
  EXPECT_THAT(ApplyResume(change_, At(kHour)), IsOkAndHolds(true));
  EXPECT_EQ(schedule().next_fire_time, At(4 * kHour));
}

TEST_F(ScheduleRulesTest, AnIntervalCountsFromTheEndOfTheLastRun) {
  Every(absl::Minutes(10));
  EXPECT_TRUE(Fire(absl::ZeroDuration()));
  EXPECT_EQ(schedule().next_fire_time, absl::InfinitePast());
  Submit(absl::ZeroDuration());
  EXPECT_FALSE(Fire(9 * kHour));
  EndJob(9 * kHour);
  EXPECT_EQ(schedule().next_fire_time, At(9 * kHour + absl::Minutes(10)));
  // A refused run has an end, too.
  Fire(9 * kHour + absl::Minutes(10));
  EXPECT_TRUE(ApplyRefused(change_, First(), absl::NotFoundError("gone"), At(10 * kHour)));
  EXPECT_EQ(schedule().next_fire_time, At(10 * kHour + absl::Minutes(10)));
}

TEST_F(ScheduleRulesTest, AnIntervalThatCameDueInADowntimeFiresOnceOrIsSkipped) {
  Every(absl::Minutes(10));
  EXPECT_TRUE(Fire(9 * kHour));
  EXPECT_THAT(Open(), ElementsAre("1@00:00 QUEUED"));
  Every(absl::Minutes(10));
  schedule().open.clear();
  schedule().next_fire_time = kStart;
  schedule().definition.catch_up = CatchUpPolicy::kNone;
  EXPECT_TRUE(Fire(9 * kHour));
  EXPECT_THAT(Open(), IsEmpty());
  EXPECT_THAT(Ended(), ElementsAre("2@00:00 SKIPPED"));
  EXPECT_EQ(schedule().next_fire_time, At(9 * kHour + absl::Minutes(10)));
}

TEST_F(ScheduleRulesTest, ARunByHandShiftsAnIntervalOnlyWhileItIsNotOver) {
  Every(kHour);
  Fire(absl::ZeroDuration());
  Submit(absl::ZeroDuration());
  EndJob(absl::ZeroDuration());
  // Over before the interval is: nothing is shifted.
  ApplyTrigger(change_, "", "ann", At(absl::Minutes(10)));
  Submit(absl::Minutes(10));
  EndJob(absl::Minutes(20));
  EXPECT_EQ(schedule().next_fire_time, At(kHour));
  // Not over: the interval counts from its end.
  ApplyTrigger(change_, "", "ann", At(absl::Minutes(50)));
  Submit(absl::Minutes(50));
  EXPECT_TRUE(Fire(kHour));
  EXPECT_EQ(schedule().last_run, 3);
  EndJob(2 * kHour);
  EXPECT_EQ(schedule().next_fire_time, At(3 * kHour));
}

TEST_F(ScheduleRulesTest, ATriggerWithARequestIdHappensOnce) {
  EXPECT_EQ(ApplyTrigger(change_, "r1", "ann", kStart), 1);
  EXPECT_EQ(ApplyTrigger(change_, "r1", "ann", kStart), 1);
  EXPECT_EQ(ApplyTrigger(change_, "r2", "ann", kStart), 2);
  EXPECT_EQ(schedule().last_run, 2);
  EXPECT_EQ(schedule().open.front().triggered_by, "ann");
  EXPECT_THAT(Ended(), ElementsAre("2@00:00 SKIPPED"));
  for (size_t i = 0; i < 2 * kScheduleTriggersMax; ++i) ApplyTrigger(change_, absl::StrCat("x", i), "ann", kStart);
  EXPECT_THAT(schedule().triggers, SizeIs(kScheduleTriggersMax));
}

TEST_F(ScheduleRulesTest, WhyAJobIsNotThereYetIsNotedOnceAndClearedWithTheJob) {
  Fire(kHour);
  const absl::Status down = MakeError(Reason::kSourceConnectionFailed, "no database");
  EXPECT_TRUE(MayPass(down));
  EXPECT_TRUE(ApplyDelayed(change_, First(), down));
  EXPECT_FALSE(ApplyDelayed(change_, First(), down));
  EXPECT_EQ(schedule().open.front().message, "no database");
  Submit(kHour);
  EXPECT_EQ(schedule().open.front().message, "");
  EXPECT_EQ(schedule().open.front().reason, Reason::kUnspecified);
}

TEST_F(ScheduleRulesTest, ARefusedRunTellsWhyAndTheScheduleGoesOn) {
  Fire(kHour);
  const absl::Status gone = MakeError(Reason::kServiceNotFound, "no service");
  EXPECT_FALSE(MayPass(gone));
  EXPECT_TRUE(ApplyRefused(change_, First(), gone, At(kHour)));
  EXPECT_EQ(schedule().last_ended.reason, Reason::kServiceNotFound);
  EXPECT_THAT(Ended(), ElementsAre("1@01:00 REFUSED"));
  EXPECT_TRUE(Fire(2 * kHour));
}

TEST_F(ScheduleRulesTest, AJobThatWasDeletedHasEnded) {
  Fire(kHour);
  Submit(kHour);
  EXPECT_TRUE(ApplyEnded(change_, First(), nullptr, At(2 * kHour)));
  EXPECT_EQ(schedule().last_ended.message, "its job was deleted");
  EXPECT_EQ(schedule().last_ended.end_time, At(2 * kHour));
}

TEST_F(ScheduleRulesTest, OnceIsAtItsEndAfterwards) {
  schedule().definition.recurrence = {.kind = RecurrenceKind::kOnce, .once = At(kHour)};
  Begin();
  EXPECT_TRUE(Fire(9 * kHour));
  EXPECT_THAT(Open(), ElementsAre("1@01:00 QUEUED"));
  EXPECT_EQ(schedule().next_fire_time, absl::InfinitePast());
}

TEST_F(ScheduleRulesTest, ATimeThatItsZoneKnowsNoMoreHasItsRunAndEndsNothing) {
  for (const CatchUpPolicy catch_up : {CatchUpPolicy::kLatest, CatchUpPolicy::kAll, CatchUpPolicy::kNone}) {
    change_ = {.schedule = schedule(), .ended = {}};
    schedule().definition.catch_up = catch_up;
    schedule().open.clear();
    schedule().next_fire_time = At(absl::Minutes(30));
    EXPECT_TRUE(Fire(absl::Minutes(50)));
    EXPECT_EQ(schedule().last_fire_time, At(absl::Minutes(30)));
    EXPECT_EQ(schedule().next_fire_time, At(absl::Hours(1)));
  }
}

}  // namespace
}  // namespace millrace::model
