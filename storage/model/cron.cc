#include "storage/model/cron.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "storage/model/limits.h"

namespace millrace::model {
namespace {

/// What a field of an expression may hold.
struct FieldRule {
  const char* name;
  int low;
  int high;
  /// Comma-separated names, the first of which stands for `low`. Empty: none.
  const char* names;
};

constexpr FieldRule kSecond{"second", 0, 59, ""};
constexpr FieldRule kMinute{"minute", 0, 59, ""};
constexpr FieldRule kHour{"hour", 0, 23, ""};
constexpr FieldRule kDay{"day of month", 1, 31, ""};
constexpr FieldRule kMonth{"month", 1, 12, "JAN,FEB,MAR,APR,MAY,JUN,JUL,AUG,SEP,OCT,NOV,DEC"};
constexpr FieldRule kWeekday{"day of week", 0, 7, "SUN,MON,TUE,WED,THU,FRI,SAT"};

constexpr std::array<std::pair<const char*, const char*>, 7> kWords = {{{"@yearly", "0 0 1 1 *"},
                                                                        {"@annually", "0 0 1 1 *"},
                                                                        {"@monthly", "0 0 1 * *"},
                                                                        {"@weekly", "0 0 * * 0"},
                                                                        {"@daily", "0 0 * * *"},
                                                                        {"@midnight", "0 0 * * *"},
                                                                        {"@hourly", "0 * * * *"}}};

// February 29 comes after eight years at most (around 2100); what does not come within twelve never comes.
constexpr int kYearsMax = 12;

absl::Status Bad(const FieldRule& rule, const std::string& text, const std::string& expected) {
  return absl::InvalidArgumentError(absl::StrCat(rule.name, ": '", text, "' ", expected));
}

absl::StatusOr<int> ParseValue(const FieldRule& rule, const std::string& text) {
  if (*rule.names != '\0') {
    const std::vector<std::string> names = absl::StrSplit(rule.names, ',');
    const auto found = std::find(names.begin(), names.end(), absl::AsciiStrToUpper(text));
    if (found != names.end()) return rule.low + static_cast<int>(found - names.begin());
  }
  int value = 0;
  const bool number = !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
  if (!number || !absl::SimpleAtoi(text, &value) || value < rule.low || value > rule.high) {
    return Bad(
        rule, text,
        absl::StrCat("is not one of ", rule.low, " to ", rule.high, *rule.names == '\0' ? "" : " or ", rule.names));
  }
  return value;
}

/// One element of a list: `*`, `a`, `a-b`, each with a step or without.
absl::Status ParseElement(const FieldRule& rule, const std::string& text, uint64_t& bits) {
  const std::vector<std::string> parts = absl::StrSplit(text, '/');
  int step = 1;
  if (parts.size() > 2 || (parts.size() == 2 && (!absl::SimpleAtoi(parts[1], &step) || step < 1))) {
    return Bad(rule, text, "has no step as in */15, a whole number of 1 or more");
  }
  int first = rule.low;
  int last = rule.high;
  if (parts[0] != "*") {
    const std::vector<std::string> ends = absl::StrSplit(parts[0], '-');
    if (ends.size() > 2) return Bad(rule, text, "is no range such as 8-18");
    const absl::StatusOr<int> from = ParseValue(rule, ends[0]);
    if (!from.ok()) return from.status();
    first = *from;
    if (ends.size() == 2) {
      const absl::StatusOr<int> to = ParseValue(rule, ends[1]);
      if (!to.ok()) return to.status();
      // A week may end with its Sunday.
      last = *to == 0 && &rule == &kWeekday && first > 0 ? 7 : *to;
    } else if (parts.size() == 1) {
      last = first;
    }
  }
  if (last < first) return Bad(rule, text, "goes backwards; write the smaller value first, or a list of two ranges");
  // Wider than a step may be.
  for (int64_t value = first; value <= last; value += step) bits |= uint64_t{1} << value;
  return absl::OkStatus();
}

absl::Status ParseField(const FieldRule& rule, const std::string& text, uint64_t& bits) {
  bits = 0;
  for (const std::string& element : std::vector<std::string>(absl::StrSplit(text, ','))) {
    if (absl::Status parsed = ParseElement(rule, element, bits); !parsed.ok()) return parsed;
  }
  return absl::OkStatus();
}

bool Has(uint64_t bits, int64_t value) { return (bits >> value & 1) != 0; }

/// The first value at or behind `from`; nothing where there is none.
std::optional<int> FirstFrom(uint64_t bits, int from, int high) {
  for (int value = from; value <= high; ++value) {
    if (Has(bits, value)) return value;
  }
  return std::nullopt;
}

/// Whole seconds: what fires at a time is behind all parts of the second before it.
absl::Time WholeSecond(absl::Time time) { return absl::FromUnixSeconds(absl::ToUnixSeconds(time)); }

}  // namespace

absl::StatusOr<CronExpression> CronExpression::Parse(std::string_view text) {
  if (text.size() > kCronBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("expected a cron expression of at most ", kCronBytesMax, " bytes"));
  }
  std::string expression(text);
  absl::StripAsciiWhitespace(&expression);
  if (!expression.empty() && expression.front() == '@') {
    const auto word = std::find_if(kWords.begin(), kWords.end(),
                                   [&](const auto& entry) { return entry.first == absl::AsciiStrToLower(expression); });
    if (word == kWords.end()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "'", expression, "' is none of @yearly, @annually, @monthly, @weekly, @daily, @midnight and @hourly"));
    }
    expression = word->second;
  }
  std::vector<std::string> fields = absl::StrSplit(expression, absl::ByAnyChar(" \t"), absl::SkipEmpty());
  if (fields.size() == 5) fields.insert(fields.begin(), "0");
  if (fields.size() != 6) {
    return absl::InvalidArgumentError(absl::StrCat(
        "expected 5 fields (minute, hour, day of month, month, day of week) or 6 (with the second in front), "
        "got ",
        fields.size()));
  }
  CronExpression cron;
  size_t at = 0;
  for (const auto& [rule, bits] :
       {std::pair{&kSecond, &cron.seconds_}, std::pair{&kMinute, &cron.minutes_}, std::pair{&kHour, &cron.hours_},
        std::pair{&kDay, &cron.days_}, std::pair{&kMonth, &cron.months_}, std::pair{&kWeekday, &cron.weekdays_}}) {
    if (absl::Status parsed = ParseField(*rule, fields[at++], *bits); !parsed.ok()) return parsed;
  }
  if (Has(cron.weekdays_, 7)) cron.weekdays_ |= 1;
  cron.any_hour_ = fields[2].front() == '*';
  cron.either_day_ = fields[3].front() != '*' && fields[5].front() != '*';
  return cron;
}

bool CronExpression::MatchesDay(absl::CivilDay day) const {
  const bool of_month = Has(days_, day.day());
  // absl's week begins with Monday as 0.
  const bool of_week = Has(weekdays_, (static_cast<int>(absl::GetWeekday(day)) + 1) % 7);
  return either_day_ ? of_month || of_week : of_month && of_week;
}

std::optional<absl::CivilSecond> CronExpression::FirstMatch(absl::CivilSecond from) const {
  const absl::CivilYear last = absl::CivilYear(from) + kYearsMax;
  absl::CivilSecond at = from;
  while (absl::CivilYear(at) <= last) {
    if (!Has(months_, at.month())) {
      at = absl::CivilSecond(absl::CivilMonth(at) + 1);
      continue;
    }
    if (!MatchesDay(absl::CivilDay(at))) {
      at = absl::CivilSecond(absl::CivilDay(at) + 1);
      continue;
    }
    if (!Has(hours_, at.hour())) {
      const std::optional<int> hour = FirstFrom(hours_, at.hour() + 1, kHour.high);
      at = hour.has_value() ? absl::CivilSecond(at.year(), at.month(), at.day(), *hour)
                            : absl::CivilSecond(absl::CivilDay(at) + 1);
      continue;
    }
    if (!Has(minutes_, at.minute())) {
      const std::optional<int> minute = FirstFrom(minutes_, at.minute() + 1, kMinute.high);
      at = minute.has_value() ? absl::CivilSecond(at.year(), at.month(), at.day(), at.hour(), *minute)
                              : absl::CivilSecond(absl::CivilHour(at) + 1);
      continue;
    }
    if (const std::optional<int> second = FirstFrom(seconds_, at.second(), kSecond.high)) {
      return absl::CivilSecond(at.year(), at.month(), at.day(), at.hour(), at.minute(), *second);
    }
    at = absl::CivilSecond(absl::CivilMinute(at) + 1);
  }
  return std::nullopt;
}

absl::Time CronExpression::Next(absl::Time after, const absl::TimeZone& zone) const {
  if (after == absl::InfiniteFuture()) return after;
  // Civil times of long ago are of no use, and those of the infinite past no times at all.
  const absl::Time behind = std::max(after, absl::UnixEpoch());
  return any_hour_ ? NextElapsed(behind, zone) : NextOfDay(behind, zone);
}

/// A time of the day that is left out stands for the moment of the change, and one that comes twice for the first of
/// both. What comes later in civil time then never comes earlier in fact, so the first one behind `after` is the next.
absl::Time CronExpression::NextOfDay(absl::Time after, const absl::TimeZone& zone) const {
  std::optional<absl::CivilSecond> at = FirstMatch(absl::ToCivilSecond(after, zone) + 1);
  while (at.has_value()) {
    const absl::TimeZone::TimeInfo info = zone.At(*at);
    const absl::Time time = info.kind == absl::TimeZone::TimeInfo::SKIPPED ? info.trans : info.pre;
    if (time > after) return time;
    at = FirstMatch(*at + 1);
  }
  return absl::InfiniteFuture();
}

/// From one change of clocks to the next, civil time and time that passes are the same.
absl::Time CronExpression::NextElapsed(absl::Time after, const absl::TimeZone& zone) const {
  absl::Time begin = WholeSecond(after) + absl::Seconds(1);
  const absl::Time last = after + absl::Hours(24 * 366 * kYearsMax);
  while (begin <= last) {
    const absl::CivilSecond from = absl::ToCivilSecond(begin, zone);
    const std::optional<absl::CivilSecond> at = FirstMatch(from);
    if (!at.has_value()) break;
    const absl::Time time = begin + absl::Seconds(*at - from);
    absl::TimeZone::CivilTransition change;
    // The transition behind the second before `begin` may be at `begin` itself, which `from` has seen already.
    if (!zone.NextTransition(begin, &change)) return time;
    const absl::Time changed = zone.At(change.to).trans;
    if (time < changed) return time;
    begin = changed;
  }
  return absl::InfiniteFuture();
}

absl::StatusOr<absl::TimeZone> FindTimeZone(std::string_view name) {
  absl::TimeZone zone = absl::UTCTimeZone();
  if (name.empty() || name == "UTC") return zone;
  // absl would read a file of any path, and take what stands for the zone of the machine.
  const bool plain =
      name.size() <= kTimeZoneBytesMax && name.find("..") == std::string_view::npos &&
      std::all_of(name.begin(), name.end(), [](char c) {
        return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '/' || c == '_' || c == '-' || c == '+';
      });
  if (!plain || !absl::ascii_isupper(static_cast<unsigned char>(name.front())) ||
      !absl::LoadTimeZone(std::string(name), &zone)) {
    return absl::InvalidArgumentError(absl::StrCat("'", std::string(name),
                                                   "' is no time zone that this server knows, expected a name such as "
                                                   "Europe/Berlin"));
  }
  return zone;
}

}  // namespace millrace::model
