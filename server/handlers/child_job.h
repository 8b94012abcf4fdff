// Submits the jobs that the records of bulk runs are.
#pragma once

#include "absl/status/statusor.h"
#include "server/core/child_job.h"
#include "server/handlers/call.h"

namespace millrace::handlers {

/// See core::SubmitChild. The job is submitted in the name of who created the bulk run.
absl::StatusOr<core::Child> SubmitChild(const core::ChildRecord& record, const Deps& deps);

}  // namespace millrace::handlers
