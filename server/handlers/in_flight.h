// Whether chunks of a job that has ended are on their way at this moment.
#pragma once

#include "absl/status/status.h"
#include "server/handlers/call.h"
#include "storage/model/job.h"

namespace millrace::handlers {

/// JOB_NOT_FINISHED, with advice on when to try again, while workers run chunks of the job, or their outcomes are stored, or who
/// hands out chunks has not heard yet that it ended. Of a job that was read as ended before the call.
absl::Status CheckNothingInFlight(const model::JobKey& job, const Deps& deps);

}  // namespace millrace::handlers
