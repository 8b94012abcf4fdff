// Whether a job still has what was read of it: retention may delete that at any moment.
#pragma once

#include "absl/status/status.h"
#include "server/handlers/call.h"
#include "storage/model/ids.h"

namespace millrace::handlers {

/// JOB_EXPIRED where retention has deleted what the job held, PIPELINE_NOT_FOUND where the job itself is gone. To be asked
/// behind the reads and before what they said is told: what was deleted under them would look as if it had never been.
absl::Status CheckStillHeld(const model::JobKey& job, const Deps& deps);

}  // namespace millrace::handlers
