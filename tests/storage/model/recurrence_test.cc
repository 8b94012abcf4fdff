// The times of recurrences.
#include "storage/model/recurrence.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace::model {
namespace {

absl::Time In(const std::string& zone, const std::string& text) {
  const auto found = FindTimeZone(zone);
  EXPECT_TRUE(found.ok());
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime("%Y-%m-%d %H:%M", text, *found, &time, &error)) << error;
  return time;
}

Recurrence Cron(const std::string& expression) {
  Recurrence recurrence{.kind = RecurrenceKind::kCron, .cron = expression};
  return recurrence;
}

FireTimes TimesOf(const Recurrence& recurrence) {
  const absl::StatusOr<FireTimes> times = FireTimes::Of(recurrence);
  EXPECT_TRUE(times.ok()) << times.status();
  return times.ok() ? *times : FireTimes();
}

TEST(FireTimesTest, BoundsHold) {
  Recurrence recurrence = Cron("@daily");
  recurrence.start = In("UTC", "2026-01-05 00:00");
  recurrence.end = In("UTC", "2026-01-06 00:00");
  const FireTimes times = TimesOf(recurrence);
  // A bound itself is within.
  EXPECT_EQ(times.Next(In("UTC", "2026-01-01 00:00")), recurrence.start);
  EXPECT_EQ(times.Next(recurrence.start), recurrence.end);
  EXPECT_EQ(times.Next(recurrence.end), absl::InfinitePast());
}

TEST(FireTimesTest, OnceIsOnce) {
  const absl::Time at = In("UTC", "2026-01-01 12:00");
  const FireTimes times = TimesOf({.kind = RecurrenceKind::kOnce, .once = at});
  EXPECT_EQ(times.Next(at - absl::Hours(1)), at);
  EXPECT_EQ(times.Next(at), absl::InfinitePast());
}

TEST(FireTimesTest, TheLatestIsFoundHoweverManyThereAre) {
  const absl::Time start = In("UTC", "2026-01-01 00:00");
  const absl::Time until = In("UTC", "2027-06-01 12:34") + absl::Milliseconds(500);
  EXPECT_EQ(TimesOf(Cron("* * * * * *")).Last(start, until), until - absl::Milliseconds(500));
  EXPECT_EQ(TimesOf(Cron("0 0 29 2 *")).Last(start, until), absl::InfinitePast());
  const FireTimes monthly = TimesOf(Cron("@monthly"));
  EXPECT_EQ(monthly.Last(start, until), In("UTC", "2027-06-01 00:00"));
  EXPECT_EQ(monthly.Last(start, In("UTC", "2027-06-01 00:00")), In("UTC", "2027-06-01 00:00"));
  const FireTimes once = TimesOf({.kind = RecurrenceKind::kOnce, .once = start + absl::Hours(1)});
  EXPECT_EQ(once.Last(start, until), start + absl::Hours(1));
}

TEST(FireTimesTest, AZoneThatIsNotThereIsSaidSo) {
  Recurrence recurrence = Cron("@daily");
  recurrence.time_zone = "Nowhere/Never";
  EXPECT_EQ(FireTimes::Of(recurrence).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(NextOfIntervalTest, CountsFromTheEndOfARun) {
  Recurrence recurrence{.kind = RecurrenceKind::kInterval, .interval = absl::Minutes(10)};
  const absl::Time now = In("UTC", "2026-01-01 00:00");
  EXPECT_EQ(NextOfInterval(recurrence, absl::InfinitePast(), now), now);
  EXPECT_EQ(NextOfInterval(recurrence, now + absl::Hours(1), now), now + absl::Minutes(70));
  recurrence.start = now + absl::Hours(5);
  EXPECT_EQ(NextOfInterval(recurrence, absl::InfinitePast(), now), recurrence.start);
  recurrence.end = recurrence.start + absl::Hours(1);
  EXPECT_EQ(NextOfInterval(recurrence, recurrence.end, now), absl::InfinitePast());
}

}  // namespace
}  // namespace millrace::model
