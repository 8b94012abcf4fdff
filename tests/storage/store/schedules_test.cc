// What every store keeps of schedules.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/model/errors.h"
#include "storage/model/limits.h"
#include "storage/model/schedule_rules.h"
#include "storage/store/schedule_store.h"
#include "tests/storage/store/job_store_fixture.h"

namespace millrace::store {
namespace {

using ::millrace::testing::At;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using model::Reason;
using model::Schedule;
using model::ScheduleChange;
using model::ScheduleKey;
using model::ScheduleRun;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SchedulesTest : public JobStoreTest, public ScheduleObserver {
 protected:
  static Schedule Example(const std::string& id, const std::string& tenant = "acme") {
    Schedule schedule;
    schedule.tenant = tenant;
    schedule.id = id;
    schedule.uid = absl::StrCat("uid-", tenant, "-", id);
    schedule.request_hash = "hash";
    schedule.created_by = "ann";
    schedule.create_time = At(1);
    schedule.definition.description = "what for";
    schedule.definition.job_template = std::string("\0\xff template", 11);
    schedule.definition.recurrence = {.kind = model::RecurrenceKind::kCron, .cron = "@hourly", .time_zone = "UTC"};
    schedule.next_fire_time = At(3600);
    return schedule;
  }

  ScheduleStore& schedules() { return store().schedules(); }
  Schedule Get(const ScheduleKey& key) {
    const auto schedule = schedules().GetSchedule(key);
    EXPECT_THAT(schedule, IsOk());
    return schedule.value_or(Schedule());
  }
  /// Makes a run by hand, and has it skipped where another one is open.
  void Trigger(const ScheduleKey& key) {
    EXPECT_THAT(schedules().ChangeSchedule(key,
                                           [](ScheduleChange& change) {
                                             model::ApplyTrigger(change, "", "ann", At(5));
                                             return absl::StatusOr<bool>(true);
                                           }),
                IsOk());
  }
  void EndFirst(const ScheduleKey& key) {
    EXPECT_THAT(schedules().ChangeSchedule(key,
                                           [](ScheduleChange& change) {
                                             const Schedule& schedule = change.schedule;
                                             const model::RunName run{schedule.uid, schedule.open.front().number};
                                             return absl::StatusOr<bool>(
                                                 model::ApplyRefused(change, run, absl::NotFoundError("gone"), At(6)));
                                           }),
                IsOk());
  }
  std::vector<int64_t> Numbers(const ScheduleKey& key, int64_t before = 1'000'000, int32_t most = 10) {
    const auto runs = schedules().ListScheduleRuns(key, before, most);
    EXPECT_THAT(runs, IsOk());
    std::vector<int64_t> numbers;
    for (const ScheduleRun& run : runs.value_or(std::vector<ScheduleRun>())) numbers.push_back(run.number);
    return numbers;
  }
  static std::vector<std::string> Ids(const absl::StatusOr<std::vector<Schedule>>& page) {
    EXPECT_THAT(page, IsOk());
    std::vector<std::string> ids;
    for (const Schedule& schedule : page.value_or(std::vector<Schedule>())) ids.push_back(schedule.id);
    return ids;
  }

  void OnScheduleChanged(const ScheduleKey& schedule) override { told_.push_back(schedule.schedule_id); }

  const ScheduleKey key_{"acme", "nightly"};
  std::vector<std::string> told_;
};

TEST_P(SchedulesTest, AScheduleIsKeptAsItWasGiven) {
  const Schedule schedule = Example("nightly");
  ASSERT_OK_AND_ASSIGN(const Schedule created, schedules().CreateSchedule(schedule));
  EXPECT_EQ(created, schedule);
  EXPECT_EQ(Get(key_), schedule);
  EXPECT_THAT(schedules().GetSchedule({"acme", "other"}), IsError(Reason::kScheduleNotFound));
  EXPECT_THAT(schedules().GetSchedule({"other", "nightly"}), IsError(Reason::kScheduleNotFound));
}

TEST_P(SchedulesTest, TheSameRequestReturnsWhatIsThereAndAnotherIsRefused) {
  ASSERT_THAT(schedules().CreateSchedule(Example("nightly")), IsOk());
  Trigger(key_);
  Schedule again = Example("nightly");
  again.uid = "another";
  ASSERT_OK_AND_ASSIGN(const Schedule there, schedules().CreateSchedule(again));
  EXPECT_EQ(there, Get(key_));
  EXPECT_EQ(there.last_run, 1);
  again.request_hash = "another";
  EXPECT_THAT(schedules().CreateSchedule(again), IsError(Reason::kScheduleIdTaken));
}

TEST_P(SchedulesTest, AChangeIsWrittenWholeAndARefusedOneNotAtAll) {
  ASSERT_THAT(schedules().CreateSchedule(Example("nightly")), IsOk());
  const auto change = [&](absl::StatusOr<bool> answer) {
    return schedules().ChangeSchedule(key_, [&](ScheduleChange& change) {
      change.schedule.definition.description = "new";
      change.schedule.paused = true;
      change.ended.push_back({.number = 1, .state = model::RunState::kSkipped});
      change.schedule.last_run = 1;
      return answer;
    });
  };
  EXPECT_THAT(change(model::FieldError("spec", "no")), IsError(Reason::kFieldInvalid));
  EXPECT_EQ(Get(key_), Example("nightly"));
  EXPECT_THAT(change(false), IsOk());
  EXPECT_EQ(Get(key_), Example("nightly"));
  ASSERT_OK_AND_ASSIGN(const Schedule changed, change(true));
  EXPECT_EQ(changed.definition.description, "new");
  EXPECT_EQ(Get(key_), changed);
  EXPECT_THAT(Numbers(key_), ElementsAre(1));
  EXPECT_THAT(schedules().ChangeSchedule({"acme", "other"}, [](ScheduleChange&) { return absl::StatusOr<bool>(true); }),
              IsError(Reason::kScheduleNotFound));
}

TEST_P(SchedulesTest, RunsAreListedNewestFirstWhetherTheyAreOverOrNot) {
  ASSERT_THAT(schedules().CreateSchedule(Example("nightly")), IsOk());
  for (int i = 0; i < 4; ++i) Trigger(key_);
  // 1 is open, 2 to 4 are skipped.
  EXPECT_THAT(Numbers(key_), ElementsAre(4, 3, 2, 1));
  EXPECT_THAT(Numbers(key_, 4, 2), ElementsAre(3, 2));
  EXPECT_THAT(Numbers(key_, 2), ElementsAre(1));
  EXPECT_THAT(Numbers(key_, 1), IsEmpty());
  EndFirst(key_);
  Trigger(key_);
  EXPECT_THAT(Numbers(key_), ElementsAre(5, 4, 3, 2, 1));
  EXPECT_THAT(Numbers(key_, 6, 1), ElementsAre(5));
  ASSERT_OK_AND_ASSIGN(const auto runs, schedules().ListScheduleRuns(key_, 2, 1));
  EXPECT_EQ(runs.front().state, model::RunState::kRefused);
  EXPECT_EQ(runs.front().message, "gone");
  EXPECT_EQ(runs.front().end_time, At(6));
  EXPECT_THAT(schedules().ListScheduleRuns({"acme", "other"}, 2, 1), IsError(Reason::kScheduleNotFound));
}

TEST_P(SchedulesTest, TheNewestThousandRunsAreKeptAndWhatIsOpen) {
  ASSERT_THAT(schedules().CreateSchedule(Example("nightly")), IsOk());
  constexpr int64_t kRuns = model::kScheduleRunsMax + 5;
  // Run 1 stays open, all others are skipped.
  ASSERT_THAT(schedules().ChangeSchedule(key_,
                                         [](ScheduleChange& change) {
                                           for (int64_t i = 0; i < kRuns; ++i) {
                                             model::ApplyTrigger(change, "", "ann", At(5));
                                           }
                                           return absl::StatusOr<bool>(true);
                                         }),
              IsOk());
  std::vector<int64_t> numbers = Numbers(key_, 1'000'000, 2'000);
  ASSERT_THAT(numbers, SizeIs(model::kScheduleRunsMax + 1));
  EXPECT_EQ(numbers.front(), kRuns);
  EXPECT_EQ(numbers[numbers.size() - 2], 6);
  EXPECT_EQ(numbers.back(), 1);
  // It took too long to be one of the newest; what it came to is the last end.
  EndFirst(key_);
  numbers = Numbers(key_, 1'000'000, 2'000);
  EXPECT_THAT(numbers, SizeIs(model::kScheduleRunsMax));
  EXPECT_EQ(Get(key_).last_ended.number, 1);
}

TEST_P(SchedulesTest, DeletingTakesEverythingAwayAndTheIdIsFree) {
  ASSERT_THAT(schedules().CreateSchedule(Example("nightly")), IsOk());
  ASSERT_THAT(schedules().CreateSchedule(Example("nightly2")), IsOk());
  for (int i = 0; i < 3; ++i) Trigger(key_);
  for (int i = 0; i < 3; ++i) Trigger({"acme", "nightly2"});
  EXPECT_THAT(schedules().DeleteSchedule(key_), IsOk());
  EXPECT_THAT(schedules().DeleteSchedule(key_), IsError(Reason::kScheduleNotFound));
  EXPECT_THAT(Numbers({"acme", "nightly2"}), SizeIs(3));
  ASSERT_THAT(schedules().CreateSchedule(Example("nightly")), IsOk());
  EXPECT_THAT(Numbers(key_), IsEmpty());
  Trigger(key_);
  EXPECT_THAT(Numbers(key_), ElementsAre(1));
}

TEST_P(SchedulesTest, ListsAreByIdAndOfOneTenant) {
  for (const char* id : {"b", "a", "c", "a.b"}) ASSERT_THAT(schedules().CreateSchedule(Example(id)), IsOk());
  ASSERT_THAT(schedules().CreateSchedule(Example("z", "other")), IsOk());
  Trigger({"acme", "a"});
  EXPECT_THAT(Ids(schedules().ListSchedules("acme", "", 10)), ElementsAre("a", "a.b", "b", "c"));
  EXPECT_THAT(Ids(schedules().ListSchedules("acme", "", 2)), ElementsAre("a", "a.b"));
  EXPECT_THAT(Ids(schedules().ListSchedules("acme", "a.b", 2)), ElementsAre("b", "c"));
  EXPECT_THAT(Ids(schedules().ListSchedules("none", "", 2)), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const std::vector<ScheduleKey> all, schedules().AllSchedules());
  EXPECT_THAT(all, ElementsAre(ScheduleKey{"acme", "a"}, ScheduleKey{"acme", "a.b"}, ScheduleKey{"acme", "b"},
                               ScheduleKey{"acme", "c"}, ScheduleKey{"other", "z"}));
}

TEST_P(SchedulesTest, TheObserverHearsOfEachChange) {
  schedules().SetObserver(this);
  ASSERT_THAT(schedules().CreateSchedule(Example("nightly")), IsOk());
  Trigger(key_);
  ASSERT_THAT(schedules().ChangeSchedule(key_, [](ScheduleChange&) { return absl::StatusOr<bool>(false); }), IsOk());
  ASSERT_THAT(schedules().DeleteSchedule(key_), IsOk());
  EXPECT_THAT(schedules().DeleteSchedule(key_), IsError(Reason::kScheduleNotFound));
  EXPECT_THAT(told_, ElementsAre("nightly", "nightly", "nightly"));
}

INSTANTIATE_TEST_SUITE_P(Stores, SchedulesTest, ::testing::ValuesIn(AllStores()), StoreName);

class DurableSchedulesTest : public SchedulesTest {};

TEST_P(DurableSchedulesTest, AllOfItIsThereWhenTheStoreIsOpenedAgain) {
  ASSERT_THAT(schedules().CreateSchedule(Example("nightly")), IsOk());
  for (int i = 0; i < 3; ++i) Trigger(key_);
  const Schedule before = Get(key_);
  Reopen();
  EXPECT_EQ(Get(key_), before);
  EXPECT_THAT(Numbers(key_), ElementsAre(3, 2, 1));
}

INSTANTIATE_TEST_SUITE_P(Stores, DurableSchedulesTest, ::testing::ValuesIn(DurableStores()), StoreName);

}  // namespace
}  // namespace millrace::store
