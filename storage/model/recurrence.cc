#include "storage/model/recurrence.h"

#include <algorithm>

namespace millrace::model {

absl::Time NextFireTime(const Recurrence& recurrence, absl::Time after, absl::Time now) {
  const absl::Time behind =
      recurrence.start == absl::InfinitePast() ? after : std::max(after, recurrence.start - absl::Nanoseconds(1));
  absl::Time next = absl::InfiniteFuture();
  switch (recurrence.kind) {
    case RecurrenceKind::kNone:
      break;
    case RecurrenceKind::kCron: {
      const absl::StatusOr<CronExpression> cron = CronExpression::Parse(recurrence.cron);
      const absl::StatusOr<absl::TimeZone> zone = FindTimeZone(recurrence.time_zone);
      if (cron.ok() && zone.ok()) next = cron->Next(behind, *zone);
      break;
    }
    case RecurrenceKind::kInterval:
      next = after == absl::InfinitePast() ? std::max(recurrence.start, now)
                                           : std::max(recurrence.start, after + recurrence.interval);
      break;
    case RecurrenceKind::kOnce:
      if (recurrence.once > behind) next = recurrence.once;
      break;
  }
  const bool ended = recurrence.end != absl::InfinitePast() && next > recurrence.end;
  return next == absl::InfiniteFuture() || ended ? absl::InfinitePast() : next;
}

absl::Status CheckReadable(const Recurrence& recurrence) {
  if (recurrence.kind != RecurrenceKind::kCron) return absl::OkStatus();
  if (absl::Status read = CronExpression::Parse(recurrence.cron).status(); !read.ok()) return read;
  return FindTimeZone(recurrence.time_zone).status();
}

absl::Time LastFireTime(const Recurrence& recurrence, absl::Time after, absl::Time until) {
  absl::Time low = after;
  absl::Time last = NextFireTime(recurrence, after, until);
  if (last == absl::InfinitePast() || last > until) return absl::InfinitePast();
  // The next time behind x never comes earlier for a later x, so halving finds the latest one, however many lie
  // between.
  absl::Time high = until;
  while (high - low > absl::Nanoseconds(1)) {
    const absl::Time middle = low + (high - low) / 2;
    const absl::Time next = NextFireTime(recurrence, middle, until);
    if (next != absl::InfinitePast() && next <= until) {
      low = last = next;
    } else {
      high = middle;
    }
  }
  return last;
}

}  // namespace millrace::model
