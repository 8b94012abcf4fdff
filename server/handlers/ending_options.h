// What a creator may choose about the end of a job, and after it: who is told, and how long the job is kept.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "millrace/v1/pipeline_service.pb.h"
#include "server/handlers/call.h"
#include "storage/model/job.h"

namespace millrace::handlers {

/// Reads them into `options`; what is absent is as the server was started. `path` names the options in messages.
///   FIELD_INVALID, WEBHOOKS_NOT_ENABLED
absl::Status ReadEndingOptions(std::string_view path, const v1::JobOptions& request, const Deps& deps,
                               model::JobOptions& options);

}  // namespace millrace::handlers
