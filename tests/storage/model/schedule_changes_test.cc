// Schedules that are paused, resumed and given other times.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/model/schedule_rules.h"
#include "tests/storage/model/schedule_fixture.h"
#include "tests/support/status_matchers.h"

namespace millrace::model {
namespace {

using ::millrace::testing::IsOkAndHolds;
using ::testing::ElementsAre;

TEST_F(ScheduleRulesTest, APausedScheduleFiresNothingAndMakesUpForNothing) {
  Fire(kHour);
  EXPECT_TRUE(ApplyPause(change_, "late", At(kHour)));
  EXPECT_FALSE(ApplyPause(change_, "other", At(kHour)));
  EXPECT_EQ(schedule().pause_reason, "late");
  EXPECT_FALSE(Fire(5 * kHour));
  // What was there goes on, and a run by hand may be made.
  EXPECT_NE(RunToSubmit(schedule()), nullptr);
  EXPECT_THAT(ApplyResume(change_, At(5 * kHour + absl::Minutes(1))), IsOkAndHolds(true));
  EXPECT_THAT(ApplyResume(change_, At(6 * kHour)), IsOkAndHolds(false));
  EXPECT_EQ(schedule().next_fire_time, At(6 * kHour));
  EXPECT_EQ(schedule().counters.missed, 0);
}

TEST_F(ScheduleRulesTest, AnIntervalWhosePauseIsOverFiresAtOnce) {
  Every(kHour);
  Fire(absl::ZeroDuration());
  Submit(absl::ZeroDuration());
  ApplyPause(change_, "", At(absl::Minutes(1)));
  EndJob(absl::Minutes(2));
  EXPECT_EQ(schedule().next_fire_time, absl::InfinitePast());
  EXPECT_THAT(ApplyResume(change_, At(9 * kHour)), IsOkAndHolds(true));
  EXPECT_EQ(schedule().next_fire_time, At(9 * kHour));
}

TEST_F(ScheduleRulesTest, OtherTimesStartAnewAndOtherWordsDoNot) {
  ScheduleDefinition definition = schedule().definition;
  EXPECT_THAT(ApplyRedefine(change_, definition, At(kHour)), IsOkAndHolds(false));
  definition.description = "words";
  EXPECT_THAT(ApplyRedefine(change_, definition, At(9 * kHour)), IsOkAndHolds(true));
  EXPECT_EQ(schedule().next_fire_time, At(kHour));
  definition.recurrence.cron = "30 * * * *";
  EXPECT_THAT(ApplyRedefine(change_, definition, At(9 * kHour)), IsOkAndHolds(true));
  EXPECT_EQ(schedule().next_fire_time, At(9 * kHour + absl::Minutes(30)));
}

TEST_F(ScheduleRulesTest, WhatIsDueHasItsRunBeforeAPauseOrAnotherDefinition) {
  schedule().next_fire_time = At(absl::Hours(1));
  ASSERT_TRUE(ApplyPause(change_, "", At(absl::Hours(1))));
  EXPECT_THAT(Texts(schedule().open), ElementsAre("1@01:00 QUEUED"));
  ASSERT_THAT(ApplyResume(change_, At(absl::Hours(1))), IsOkAndHolds(true));
  ScheduleDefinition other = schedule().definition;
  other.overlap = OverlapPolicy::kQueue;
  other.recurrence.end = At(absl::Hours(8));
  ASSERT_THAT(ApplyRedefine(change_, other, At(absl::Hours(2))), IsOkAndHolds(true));
  EXPECT_EQ(schedule().last_run, 2);
  // A clock that was set back fires nothing again.
  other.recurrence.end = At(absl::Hours(9));
  ASSERT_THAT(ApplyRedefine(change_, other, At(absl::Minutes(119))), IsOkAndHolds(true));
  EXPECT_EQ(schedule().next_fire_time, At(absl::Hours(3)));
}

TEST_F(ScheduleRulesTest, AZoneThatIsNotThereKeepsWhatIsDueAndNobodyFromPausingOrMendingIt) {
  ScheduleDefinition broken = schedule().definition;
  broken.recurrence.time_zone = "Nowhere/Never";
  schedule().definition = broken;
  const ScheduleChange before = change_;
  EXPECT_EQ(ApplyFire(change_, At(3 * kHour)).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(schedule(), before.schedule);

  // The one time that was waited for has its run.
  EXPECT_TRUE(ApplyPause(change_, "no zone", At(3 * kHour)));
  EXPECT_THAT(Open(), ElementsAre("1@01:00 QUEUED"));
  EXPECT_EQ(ApplyResume(change_, At(4 * kHour)).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(schedule().paused);

  change_ = before;
  ScheduleDefinition mended = broken;
  mended.recurrence.time_zone = "UTC";
  EXPECT_THAT(ApplyRedefine(change_, mended, At(3 * kHour)), IsOkAndHolds(true));
  EXPECT_THAT(Open(), ElementsAre("1@01:00 QUEUED"));
  EXPECT_EQ(schedule().next_fire_time, At(4 * kHour));
}

TEST_F(ScheduleRulesTest, AnIntervalThatIsResumedBehindItsEndFiresNoMore) {
  Every(absl::Hours(1));
  schedule().definition.recurrence.end = At(absl::Hours(2));
  ASSERT_TRUE(ApplyPause(change_, "", At(-absl::Minutes(1))));
  ASSERT_THAT(ApplyResume(change_, At(absl::Hours(3))), IsOkAndHolds(true));
  EXPECT_EQ(schedule().next_fire_time, absl::InfinitePast());
}

}  // namespace
}  // namespace millrace::model
