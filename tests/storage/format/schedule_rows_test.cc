#include "storage/format/schedule_rows.h"

#include <gtest/gtest.h>

#include "storage/format/keys.h"
#include "tests/storage/format/sample_rows.h"
#include "tests/support/status_matchers.h"

namespace millrace::format {
namespace {

using ::millrace::testing::IsError;
using model::Reason;

TEST(ScheduleRowsTest, AScheduleComesBackWhole) {
  const model::Schedule schedule = SampleSchedule();
  ASSERT_OK_AND_ASSIGN(const model::Schedule decoded,
                       DecodeSchedule(EncodeScheduleDefinition(schedule), EncodeScheduleProgress(schedule)));
  EXPECT_EQ(decoded, schedule);
}

TEST(ScheduleRowsTest, ARunComesBackWhole) {
  const model::ScheduleRun run = SampleSchedule().last_ended;
  ASSERT_OK_AND_ASSIGN(const model::ScheduleRun decoded, DecodeScheduleRun(EncodeScheduleRun(run)));
  EXPECT_EQ(decoded, run);
}

TEST(ScheduleRowsTest, FiringDoesNotWriteTheDefinition) {
  model::Schedule schedule = SampleSchedule();
  const std::string definition = EncodeScheduleDefinition(schedule);
  schedule.next_fire_time += absl::Hours(1);
  schedule.open.clear();
  schedule.paused = false;
  EXPECT_EQ(EncodeScheduleDefinition(schedule), definition);
}

TEST(ScheduleRowsTest, ValuesThatNoVersionWritesAreRefused) {
  model::Schedule schedule = SampleSchedule();
  schedule.definition.overlap = static_cast<model::OverlapPolicy>(9);
  EXPECT_THAT(DecodeSchedule(EncodeScheduleDefinition(schedule), ""), IsError(Reason::kStorageCorrupt));
  schedule = SampleSchedule();
  schedule.open.back().state = static_cast<model::RunState>(9);
  EXPECT_THAT(DecodeScheduleProgress(EncodeScheduleProgress(schedule)), IsError(Reason::kStorageCorrupt));
  EXPECT_THAT(DecodeScheduleRun(EncodeScheduleRun(schedule.open.back())), IsError(Reason::kStorageCorrupt));
}

TEST(ScheduleKeysTest, KeysLeadBackToTheirScheduleAndSortByNumber) {
  const model::ScheduleKey key{"acme", "nightly"};
  for (const std::string& bytes : {ScheduleDefinitionKey(key), ScheduleProgressKey(key), ScheduleRunKey(key, 7)}) {
    EXPECT_EQ(ParseSchedule(bytes), key);
    EXPECT_EQ(ParseSchedule(bytes.substr(0, bytes.size() - 1)), std::nullopt);
  }
  EXPECT_LT(ScheduleRunKey(key, 255), ScheduleRunKey(key, 256));
  EXPECT_EQ(ParseNumber(ScheduleRunKey(key, 256)), 256);
  const KeyRange runs = ScheduleRuns(key, 1, 3);
  EXPECT_LE(runs.begin, ScheduleRunKey(key, 1));
  EXPECT_LT(ScheduleRunKey(key, 3), runs.end);
  EXPECT_GT(ScheduleRunKey(key, 4), runs.end);
  EXPECT_GT(ScheduleRunKey({"acme", "nightly2"}, 1), runs.end);
  const KeyRange others = SchedulesOfTenantsBehind("acme");
  EXPECT_LT(ScheduleRunKey({"acme", "~"}, 1), others.begin);
  EXPECT_GT(ScheduleDefinitionKey({"acme2", "a"}), others.begin);
}

}  // namespace
}  // namespace millrace::format
