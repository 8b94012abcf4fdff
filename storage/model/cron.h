// Cron expressions, over absl's time zones: the same expression and the same time always give the same answer.
// docs/adr/0017 says what happens when clocks are changed, and why.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace millrace::model {

/// A cron expression that was read.
///
/// 5 fields: minute, hour, day of month, month, day of week; or 6, with the second in front (it is 0 otherwise). A
/// field is `*`, or a list of numbers, ranges `a-b` and steps `*/n`, `a-b/n`, `a/n` (from a on). Months and days of the
/// week have names (JAN, MON; either case); Sunday is 0 and 7. Where day of month and day of week are both restricted
/// (neither begins with `*`), a day that either of them names counts. Or one word: @yearly, @annually, @monthly,
/// @weekly, @daily, @midnight, @hourly.
///
/// When clocks are changed: if the hour field begins with `*`, the expression goes by the time that passes: an hour
/// that is left out is left out, and one that comes twice fires twice. Otherwise it names times of the day, each of
/// which fires once a day: one that is left out at the moment of the change, together with all others that are left
/// out; one that comes twice only the first time.
class CronExpression {
 public:
  /// INVALID_ARGUMENT: says which field is wrong, and what was expected.
  static absl::StatusOr<CronExpression> Parse(std::string_view text);

  /// The first time behind `after` in `zone`. InfiniteFuture: there is none within a dozen years, and so never.
  absl::Time Next(absl::Time after, const absl::TimeZone& zone) const;

 private:
  CronExpression() = default;

  bool MatchesDay(absl::CivilDay day) const;
  /// The first civil time at or behind `from` whose fields all match.
  std::optional<absl::CivilSecond> FirstMatch(absl::CivilSecond from) const;
  absl::Time NextOfDay(absl::Time after, const absl::TimeZone& zone) const;
  absl::Time NextElapsed(absl::Time after, const absl::TimeZone& zone) const;

  // One bit a value.
  uint64_t seconds_ = 1;
  uint64_t minutes_ = 0;
  uint64_t hours_ = 0;
  uint64_t days_ = 0;
  uint64_t months_ = 0;
  uint64_t weekdays_ = 0;
  bool any_hour_ = false;
  /// Day of month and day of week are both restricted.
  bool either_day_ = false;
};

/// The zone of this IANA name (`Europe/Berlin`); UTC where it is empty. INVALID_ARGUMENT.
absl::StatusOr<absl::TimeZone> FindTimeZone(std::string_view name);

}  // namespace millrace::model
