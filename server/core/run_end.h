// The end of a schedule's run, which is that of its job.
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/model/schedule.h"
#include "storage/store/job_store.h"

namespace millrace::core {

/// Looks whether the job of the run that is not over has ended or is gone, and notes it. True: it has; `schedule` is
/// then as it is in the store.
absl::StatusOr<bool> NoteRunEnd(store::JobStore& store, model::Schedule& schedule, absl::Time now);

}  // namespace millrace::core
