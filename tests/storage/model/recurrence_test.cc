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

TEST(NextFireTimeTest, BoundsHold) {
  Recurrence recurrence = Cron("@daily");
  recurrence.start = In("UTC", "2026-01-05 00:00");
  recurrence.end = In("UTC", "2026-01-06 00:00");
  const absl::Time now = In("UTC", "2026-01-01 00:00");
  // A bound itself is within.
  EXPECT_EQ(NextFireTime(recurrence, now, now), recurrence.start);
  EXPECT_EQ(NextFireTime(recurrence, recurrence.start, now), recurrence.end);
  EXPECT_EQ(NextFireTime(recurrence, recurrence.end, now), absl::InfinitePast());
}

TEST(NextFireTimeTest, AnIntervalCountsFromTheEndOfARun) {
  Recurrence recurrence{.kind = RecurrenceKind::kInterval, .interval = absl::Minutes(10)};
  const absl::Time now = In("UTC", "2026-01-01 00:00");
  EXPECT_EQ(NextFireTime(recurrence, absl::InfinitePast(), now), now);
  EXPECT_EQ(NextFireTime(recurrence, now + absl::Hours(1), now), now + absl::Minutes(70));
  recurrence.start = now + absl::Hours(5);
  EXPECT_EQ(NextFireTime(recurrence, absl::InfinitePast(), now), recurrence.start);
}

TEST(NextFireTimeTest, OnceIsOnce) {
  const absl::Time at = In("UTC", "2026-01-01 12:00");
  const Recurrence recurrence{.kind = RecurrenceKind::kOnce, .once = at};
  EXPECT_EQ(NextFireTime(recurrence, at - absl::Hours(1), at), at);
  EXPECT_EQ(NextFireTime(recurrence, at, at), absl::InfinitePast());
}

TEST(LastFireTimeTest, TheLatestIsFoundHoweverManyThereAre) {
  const absl::Time start = In("UTC", "2026-01-01 00:00");
  const absl::Time until = In("UTC", "2027-06-01 12:34") + absl::Milliseconds(500);
  EXPECT_EQ(LastFireTime(Cron("* * * * * *"), start, until), until - absl::Milliseconds(500));
  EXPECT_EQ(LastFireTime(Cron("0 0 29 2 *"), start, until), absl::InfinitePast());
  EXPECT_EQ(LastFireTime(Cron("@monthly"), start, until), In("UTC", "2027-06-01 00:00"));
  EXPECT_EQ(LastFireTime(Cron("@monthly"), start, In("UTC", "2027-06-01 00:00")), In("UTC", "2027-06-01 00:00"));
  const Recurrence once{.kind = RecurrenceKind::kOnce, .once = start + absl::Hours(1)};
  EXPECT_EQ(LastFireTime(once, start, until), start + absl::Hours(1));
}

}  // namespace
}  // namespace millrace::model
