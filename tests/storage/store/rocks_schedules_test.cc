// Schedules in RocksDB: what is read while somebody writes.
#include <gtest/gtest.h>

#include <string>

#include "storage/format/keys.h"
#include "storage/model/schedule_rules.h"
#include "storage/store/schedule_store.h"
#include "tests/storage/store/rocks_fixture.h"

namespace millrace::store {
namespace {

using ::millrace::testing::At;
using ::millrace::testing::IsOk;
using model::Schedule;
using model::ScheduleChange;

class RocksSchedulesTest : public RocksStoreTest {};

TEST_F(RocksSchedulesTest, AScheduleThatIsChangedBetweenItsTwoRowsIsReadWhole) {
  Schedule schedule;
  schedule.tenant = "acme";
  schedule.id = "nightly";
  schedule.uid = "uid";
  schedule.definition.description = "before";
  schedule.definition.recurrence = {.kind = model::RecurrenceKind::kInterval, .interval = absl::Hours(1)};
  ASSERT_THAT(store_->schedules().CreateSchedule(schedule), IsOk());
  bool changed = false;
  watch_.AfterGet([&](std::string_view key) {
    if (changed || key != format::ScheduleDefinitionKey(schedule.key())) return;
    changed = true;
    const auto rule = [](ScheduleChange& change) -> absl::StatusOr<bool> {
      change.schedule.definition.description = "after";
      return model::ApplyPause(change, "meanwhile", At(1));
    };
    EXPECT_THAT(store_->schedules().ChangeSchedule(schedule.key(), rule), IsOk());
  });
  ASSERT_OK_AND_ASSIGN(const Schedule read, store_->schedules().GetSchedule(schedule.key()));
  watch_.AfterGet({});
  EXPECT_TRUE(read.paused);
  EXPECT_EQ(read.definition.description, "after");
}

}  // namespace
}  // namespace millrace::store
