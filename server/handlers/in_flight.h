// Whether chunks of a job are on their way at this moment.
#pragma once

#include "absl/status/status.h"
#include "server/handlers/call.h"
#include "storage/model/job.h"

namespace millrace::handlers {

/// JOB_NOT_FINISHED, with advice on when to try again, while workers run chunks of the job, or their outcomes are stored.
absl::Status CheckNothingInFlight(const model::JobKey& job, const Deps& deps);

}  // namespace millrace::handlers
