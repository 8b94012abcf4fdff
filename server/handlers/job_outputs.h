// What the results of a job carry.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/handlers/call.h"
#include "storage/model/job.h"

namespace millrace::handlers {

/// The outputs that are selected for the job, or else all of its service; core::kAllFields stands for the fields of a record.
/// SERVICE_VERSION_NOT_FOUND where the version was deleted after the end of the job.
absl::StatusOr<std::vector<std::string>> OutputsOf(const model::Job& job, const Deps& deps);

}  // namespace millrace::handlers
