#include "storage/model/recurrence.h"

#include <algorithm>
#include <utility>

namespace millrace::model {
namespace {

/// `time`, where there is one and it is not behind `end`.
absl::Time UpToEnd(absl::Time time, absl::Time end) {
  const bool ended = end != absl::InfinitePast() && time > end;
  return time == absl::InfiniteFuture() || ended ? absl::InfinitePast() : time;
}

}  // namespace

absl::StatusOr<FireTimes> FireTimes::Of(const Recurrence& recurrence) {
  FireTimes times;
  times.start_ = recurrence.start;
  times.end_ = recurrence.end;
  if (recurrence.kind == RecurrenceKind::kOnce) times.once_ = recurrence.once;
  if (recurrence.kind != RecurrenceKind::kCron) return times;
  absl::StatusOr<CronExpression> cron = CronExpression::Parse(recurrence.cron);
  if (!cron.ok()) return cron.status();
  const absl::StatusOr<absl::TimeZone> zone = FindTimeZone(recurrence.time_zone);
  if (!zone.ok()) return zone.status();
  times.cron_ = *std::move(cron);
  times.zone_ = *zone;
  return times;
}

absl::Time FireTimes::Next(absl::Time after) const {
  const absl::Time behind = start_ == absl::InfinitePast() ? after : std::max(after, start_ - absl::Nanoseconds(1));
  return UpToEnd(NextUnbounded(behind), end_);
}

absl::Time FireTimes::NextUnbounded(absl::Time after) const {
  if (cron_.has_value()) return cron_->Next(after, zone_);
  return once_ > after ? once_ : absl::InfiniteFuture();
}

absl::Time FireTimes::Last(absl::Time after, absl::Time until) const {
  absl::Time low = after;
  absl::Time last = Next(after);
  if (last == absl::InfinitePast() || last > until) return absl::InfinitePast();
  // The next time behind x never comes earlier for a later x, so halving finds the latest one, however many lie
  // between.
  absl::Time high = until;
  while (high - low > absl::Nanoseconds(1)) {
    const absl::Time middle = low + (high - low) / 2;
    const absl::Time next = Next(middle);
    if (next != absl::InfinitePast() && next <= until) {
      low = last = next;
    } else {
      high = middle;
    }
  }
  return last;
}

absl::Time NextOfInterval(const Recurrence& recurrence, absl::Time last_end, absl::Time now) {
  const absl::Time next = last_end == absl::InfinitePast() ? now : last_end + recurrence.interval;
  return UpToEnd(std::max(recurrence.start, next), recurrence.end);
}

}  // namespace millrace::model
