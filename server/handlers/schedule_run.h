// Submits the jobs of a schedule's runs: for who triggers one, and for the runner in the background.
#pragma once

#include "absl/status/statusor.h"
#include "server/handlers/call.h"
#include "storage/model/job.h"
#include "storage/model/schedule.h"

namespace millrace::handlers {

/// The job of a run, in the name of who created the schedule; however often it is asked for, the same one. Errors as
/// those of SubmitJob.
absl::StatusOr<model::JobPtr> SubmitRun(const model::Schedule& schedule, const model::ScheduleRun& run,
                                        const Deps& deps);

}  // namespace millrace::handlers
