// The times at which a schedule fires. Pure rules.
#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/model/cron.h"
#include "storage/model/schedule.h"

namespace millrace::model {

/// The times of a recurrence that has times of its own: those of a cron expression, or a single one. Read once, asked often.
class FireTimes {
 public:
  /// No times.
  FireTimes() = default;

  /// An interval has none here: see NextOfInterval. INVALID_ARGUMENT: the expression cannot be read, or its zone is not there
  /// (any more), as on a machine without tzdata.
  static absl::StatusOr<FireTimes> Of(const Recurrence& recurrence);

  /// The first one behind `after`. InfinitePast: there is none.
  absl::Time Next(absl::Time after) const;

  /// The last one behind `after` and up to `until`. InfinitePast: there is none.
  absl::Time Last(absl::Time after, absl::Time until) const;

 private:
  /// Without the bounds of the recurrence. InfiniteFuture: there is none.
  absl::Time NextUnbounded(absl::Time after) const;

  std::optional<CronExpression> cron_;
  absl::TimeZone zone_;
  absl::Time once_ = absl::InfinitePast();
  absl::Time start_ = absl::InfinitePast();
  absl::Time end_ = absl::InfinitePast();
};

/// When an interval fires whose last run ended at `last_end`. The first time, where that is InfinitePast, comes at its start,
/// or at `now` without one. InfinitePast: never again.
absl::Time NextOfInterval(const Recurrence& recurrence, absl::Time last_end, absl::Time now);

}  // namespace millrace::model
