// Cron expressions, and the days on which clocks are changed.
#include "storage/model/cron.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/model/limits.h"
#include "tests/support/status_matchers.h"

namespace millrace::model {
namespace {

using ::millrace::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kBerlin[] = "Europe/Berlin";
constexpr char kNewYork[] = "America/New_York";

absl::TimeZone Zone(const std::string& name) {
  const auto zone = FindTimeZone(name);
  EXPECT_THAT(zone, IsOk());
  return zone.value_or(absl::UTCTimeZone());
}

/// `2026-03-29 01:30` in a zone.
absl::Time In(const std::string& zone, const std::string& text) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime("%Y-%m-%d %H:%M", text, Zone(zone), &time, &error)) << error;
  return time;
}

/// The next fire times behind `after`, each with its offset from UTC.
std::vector<std::string> Next(const std::string& expression, const std::string& zone, absl::Time after, int count) {
  const auto cron = CronExpression::Parse(expression);
  EXPECT_THAT(cron, IsOk());
  std::vector<std::string> times;
  for (int i = 0; cron.ok() && i < count; ++i) {
    after = cron->Next(after, Zone(zone));
    if (after == absl::InfiniteFuture()) break;
    times.push_back(absl::FormatTime("%Y-%m-%d %H:%M:%S %Ez", after, Zone(zone)));
  }
  return times;
}

std::vector<std::string> Next(const std::string& expression, const std::string& after, int count) {
  std::vector<std::string> times = Next(expression, "UTC", In("UTC", after), count);
  for (std::string& time : times) time.resize(19);
  return times;
}

std::string WhyNot(const std::string& expression) {
  return std::string(CronExpression::Parse(expression).status().message());
}

TEST(CronTest, FieldsAreMinuteHourDayMonthAndDayOfTheWeek) {
  EXPECT_THAT(Next("30 7 * * *", "2026-01-01 07:30", 2), ElementsAre("2026-01-02 07:30:00", "2026-01-03 07:30:00"));
  EXPECT_THAT(Next("0 0 1 3 *", "2026-01-01 00:00", 2), ElementsAre("2026-03-01 00:00:00", "2027-03-01 00:00:00"));
  EXPECT_THAT(Next("0 9 * * 1", "2026-01-01 00:00", 2), ElementsAre("2026-01-05 09:00:00", "2026-01-12 09:00:00"));
}

TEST(CronTest, ASixthFieldInFrontIsTheSecond) {
  EXPECT_THAT(Next("*/20 59 23 31 12 *", "2026-12-31 23:58", 4),
              ElementsAre("2026-12-31 23:59:00", "2026-12-31 23:59:20", "2026-12-31 23:59:40", "2027-12-31 23:59:00"));
}

TEST(CronTest, ListsRangesStepsAndNames) {
  EXPECT_THAT(Next("0 8-18/5,20 * * *", "2026-01-01 00:00", 4),
              ElementsAre("2026-01-01 08:00:00", "2026-01-01 13:00:00", "2026-01-01 18:00:00", "2026-01-01 20:00:00"));
  EXPECT_THAT(Next("50/5 0 * * *", "2026-01-01 00:00", 2), ElementsAre("2026-01-01 00:50:00", "2026-01-01 00:55:00"));
  EXPECT_THAT(Next("0 0 * feb,Aug Mon-WED", "2026-02-24 00:00", 3),
              ElementsAre("2026-02-25 00:00:00", "2026-08-03 00:00:00", "2026-08-04 00:00:00"));
  // 2026-01-04 is a Sunday, by any of its names.
  for (const char* sunday : {"0", "7", "SUN", "sun", "7-7"}) {
    EXPECT_THAT(Next(absl::StrCat("0 0 * * ", sunday), "2026-01-01 00:00", 1), ElementsAre("2026-01-04 00:00:00"));
  }
  EXPECT_THAT(Next("0 0 * * FRI-SUN", "2026-01-01 00:00", 3),
              ElementsAre("2026-01-02 00:00:00", "2026-01-03 00:00:00", "2026-01-04 00:00:00"));
}

TEST(CronTest, WordsStandForExpressions) {
  EXPECT_THAT(Next("@hourly", "2026-05-05 10:20", 1), ElementsAre("2026-05-05 11:00:00"));
  EXPECT_THAT(Next(" @Daily ", "2026-05-05 10:20", 1), ElementsAre("2026-05-06 00:00:00"));
  EXPECT_THAT(Next("@weekly", "2026-05-05 10:20", 1), ElementsAre("2026-05-10 00:00:00"));
  EXPECT_THAT(Next("@monthly", "2026-05-05 10:20", 1), ElementsAre("2026-06-01 00:00:00"));
  EXPECT_THAT(Next("@yearly", "2026-05-05 10:20", 1), ElementsAre("2027-01-01 00:00:00"));
  EXPECT_EQ(WhyNot("@reboot"),
            "'@reboot' is none of @yearly, @annually, @monthly, @weekly, @daily, @midnight and @hourly");
}

TEST(CronTest, WithBothDaysRestrictedEitherCounts) {
  // The 13th, and each Friday.
  EXPECT_THAT(Next("0 0 13 * FRI", "2026-01-08 00:00", 3),
              ElementsAre("2026-01-09 00:00:00", "2026-01-13 00:00:00", "2026-01-16 00:00:00"));
  // A field that begins with * restricts as well, but both must match: the Fridays among the odd days.
  EXPECT_THAT(Next("0 0 */2 * FRI", "2026-01-01 00:00", 2), ElementsAre("2026-01-09 00:00:00", "2026-01-23 00:00:00"));
}

TEST(CronTest, February29ComesInLeapYearsAndFebruary30Never) {
  EXPECT_THAT(Next("0 0 29 2 *", "2026-01-01 00:00", 2), ElementsAre("2028-02-29 00:00:00", "2032-02-29 00:00:00"));
  EXPECT_THAT(Next("0 0 29 2 *", "2096-03-01 00:00", 1), ElementsAre("2104-02-29 00:00:00"));
  EXPECT_THAT(Next("0 0 30 2 *", "2026-01-01 00:00", 1), IsEmpty());
  EXPECT_THAT(Next("0 * 31 4,6 *", "2026-01-01 00:00", 1), IsEmpty());
}

TEST(CronTest, ATimeIsBehindThePartsOfItsSecond) {
  const absl::Time midnight = In("UTC", "2026-01-02 00:00");
  const auto cron = CronExpression::Parse("@daily");
  ASSERT_THAT(cron, IsOk());
  EXPECT_EQ(cron->Next(midnight - absl::Nanoseconds(1), absl::UTCTimeZone()), midnight);
  EXPECT_EQ(cron->Next(midnight, absl::UTCTimeZone()), midnight + absl::Hours(24));
  EXPECT_EQ(cron->Next(midnight + absl::Nanoseconds(1), absl::UTCTimeZone()), midnight + absl::Hours(24));
}

TEST(CronTest, WhatIsWrongIsNamedWithWhatWasExpected) {
  EXPECT_THAT(WhyNot("* * * *"), HasSubstr("expected 5 fields (minute, hour, day of month, month, day of week) or 6"));
  EXPECT_THAT(WhyNot(""), HasSubstr("got 0"));
  EXPECT_EQ(WhyNot("60 * * * *"), "minute: '60' is not one of 0 to 59");
  EXPECT_EQ(WhyNot("* 24 * * *"), "hour: '24' is not one of 0 to 23");
  EXPECT_EQ(WhyNot("* * 0 * *"), "day of month: '0' is not one of 1 to 31");
  EXPECT_THAT(WhyNot("* * * QQQ *"), HasSubstr("month: 'QQQ' is not one of 1 to 12 or JAN,FEB"));
  EXPECT_THAT(WhyNot("* * * * 8"), HasSubstr("day of week: '8' is not one of 0 to 7"));
  EXPECT_THAT(WhyNot("*/0 * * * *"), HasSubstr("minute: '*/0' has no step"));
  EXPECT_THAT(WhyNot("1/2/3 * * * *"), HasSubstr("has no step"));
  EXPECT_THAT(WhyNot("30-10 * * * *"), HasSubstr("goes backwards"));
  EXPECT_THAT(WhyNot("1-2-3 * * * *"), HasSubstr("is no range"));
  for (const char* bad : {"1,,2 * * * *", "-1 * * * *", "+1 * * * *", "* * ? * *", "* * L * *", "a b c d e"}) {
    EXPECT_FALSE(CronExpression::Parse(bad).ok()) << bad;
  }
  EXPECT_FALSE(CronExpression::Parse(std::string(kCronBytesMax, ' ') + "@daily").ok());
}

TEST(TimeZoneTest, NamesAreThoseOfTheDatabaseAndNoPaths) {
  EXPECT_EQ(Zone(""), absl::UTCTimeZone());
  EXPECT_EQ(Zone("Europe/Berlin").name(), "Europe/Berlin");
  for (const char* bad : {"Berlin", "europe/berlin", "/etc/localtime", "localtime", "../etc/passwd", "Europe/../UTC",
                          "Europe", ":Europe/Berlin", "file:x", "UTC\n"}) {
    EXPECT_FALSE(FindTimeZone(bad).ok()) << bad;
  }
}

// Berlin: on 2026-03-29 at 02:00 clocks are set to 03:00, on 2026-10-25 at 03:00 back to 02:00.

TEST(DstTest, ATimeOfTheDayThatIsLeftOutFiresAtTheMomentOfTheChange) {
  const absl::Time before = In(kBerlin, "2026-03-28 12:00");
  EXPECT_THAT(Next("30 2 * * *", kBerlin, before, 2),
              ElementsAre("2026-03-29 03:00:00 +02:00", "2026-03-30 02:30:00 +02:00"));
  // Two of them, and one that is there at that moment, are one.
  EXPECT_THAT(Next("0,30 2,3 * * *", kBerlin, before, 3),
              ElementsAre("2026-03-29 03:00:00 +02:00", "2026-03-29 03:30:00 +02:00", "2026-03-30 02:00:00 +02:00"));
  // New York: on 2026-03-08 at 02:00.
  EXPECT_THAT(Next("15 2 * * *", kNewYork, In(kNewYork, "2026-03-07 12:00"), 2),
              ElementsAre("2026-03-08 03:00:00 -04:00", "2026-03-09 02:15:00 -04:00"));
}

TEST(DstTest, ATimeOfTheDayThatComesTwiceFiresTheFirstTime) {
  EXPECT_THAT(Next("30 2 * * *", kBerlin, In(kBerlin, "2026-10-24 12:00"), 2),
              ElementsAre("2026-10-25 02:30:00 +02:00", "2026-10-26 02:30:00 +01:00"));
  EXPECT_THAT(Next("*/30 1-2 * * *", kBerlin, In(kBerlin, "2026-10-24 12:00"), 5),
              ElementsAre("2026-10-25 01:00:00 +02:00", "2026-10-25 01:30:00 +02:00", "2026-10-25 02:00:00 +02:00",
                          "2026-10-25 02:30:00 +02:00", "2026-10-26 01:00:00 +01:00"));
  // New York: on 2026-11-01 at 02:00 back to 01:00.
  EXPECT_THAT(Next("30 1 * * *", kNewYork, In(kNewYork, "2026-10-31 12:00"), 2),
              ElementsAre("2026-11-01 01:30:00 -04:00", "2026-11-02 01:30:00 -05:00"));
}

TEST(DstTest, AnyHourGoesByTheTimeThatPasses) {
  EXPECT_THAT(Next("30 * * * *", kBerlin, In(kBerlin, "2026-03-29 00:45"), 3),
              ElementsAre("2026-03-29 01:30:00 +01:00", "2026-03-29 03:30:00 +02:00", "2026-03-29 04:30:00 +02:00"));
  EXPECT_THAT(Next("0 * * * *", kBerlin, In(kBerlin, "2026-10-25 00:30"), 4),
              ElementsAre("2026-10-25 01:00:00 +02:00", "2026-10-25 02:00:00 +02:00", "2026-10-25 02:00:00 +01:00",
                          "2026-10-25 03:00:00 +01:00"));
  EXPECT_THAT(Next("0 */2 * * *", kNewYork, In(kNewYork, "2026-11-01 00:00"), 2),
              ElementsAre("2026-11-01 02:00:00 -05:00", "2026-11-01 04:00:00 -05:00"));
  // A change by half an hour: Lord Howe, on 2026-04-05 at 02:00 back to 01:30.
  EXPECT_THAT(Next("45 * * * *", "Australia/Lord_Howe", In("Australia/Lord_Howe", "2026-04-05 01:00"), 3),
              ElementsAre("2026-04-05 01:45:00 +11:00", "2026-04-05 01:45:00 +10:30", "2026-04-05 02:45:00 +10:30"));
}

TEST(DstTest, TimesOnlyGoForwardThroughEveryChangeOfAYear) {
  for (const char* zone : {kBerlin, kNewYork, "Australia/Lord_Howe", "Africa/Casablanca", "America/Santiago"}) {
    for (const char* expression : {"*/17 * * * *", "*/17 0-4 * * *", "0 2 * * *", "30 2 * * SUN"}) {
      const auto cron = CronExpression::Parse(expression);
      ASSERT_THAT(cron, IsOk());
      absl::Time at = In(zone, "2026-01-01 00:00");
      const absl::Time end = In(zone, "2027-01-01 00:00");
      while (at < end) {
        const absl::Time next = cron->Next(at, Zone(zone));
        ASSERT_GT(next, at) << zone << " " << expression;
        // No nanosecond before it gives another one.
        ASSERT_EQ(cron->Next(next - absl::Nanoseconds(1), Zone(zone)), next) << zone << " " << expression;
        at = next;
      }
    }
  }
}

TEST(CronTest, AStepMayBeWiderThanItsField) {
  const absl::StatusOr<CronExpression> cron = CronExpression::Parse("5/2147483647 * */2147483647 * *");
  ASSERT_TRUE(cron.ok());
  const absl::Time next = cron->Next(absl::FromUnixSeconds(0), absl::UTCTimeZone());
  EXPECT_EQ(next, absl::FromUnixSeconds(300));
  EXPECT_EQ(cron->Next(next, absl::UTCTimeZone()), absl::FromUnixSeconds(3'900));
  EXPECT_EQ(cron->Next(absl::InfiniteFuture(), absl::UTCTimeZone()), absl::InfiniteFuture());
  EXPECT_EQ(cron->Next(absl::InfinitePast(), absl::UTCTimeZone()), next);
}

}  // namespace
}  // namespace millrace::model
