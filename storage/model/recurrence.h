// The times at which a schedule fires. Pure rules.
#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "storage/model/cron.h"
#include "storage/model/schedule.h"

namespace millrace::model {

/// The first fire time behind `after` and not before its start. InfinitePast: there is none. An interval fires
/// `recurrence.interval` behind `after`, which is the end of a run or InfinitePast for the first one: that fires at its
/// start, or at `now` without one. The recurrence is one that was checked when it was stored; one that cannot be read
/// never fires.
absl::Time NextFireTime(const Recurrence& recurrence, absl::Time after, absl::Time now);

/// Whether the times of a recurrence that was checked when it was stored can be told here and now. INVALID_ARGUMENT: its zone
/// is not there (any more), as on a machine without tzdata; what would be due must wait then.
absl::Status CheckReadable(const Recurrence& recurrence);

/// Of a recurrence with times of its own (no interval): the last one behind `after` and up to `until`. InfinitePast:
/// there is none.
absl::Time LastFireTime(const Recurrence& recurrence, absl::Time after, absl::Time until);

}  // namespace millrace::model
