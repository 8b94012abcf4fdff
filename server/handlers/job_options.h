// Reads the options of a new job.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"
#include "millrace/v1/pipeline_service.pb.h"
#include "storage/model/job.h"

namespace millrace::handlers {

/// The options with their defaults filled in. `workers` is how many the server has. FIELD_INVALID names the field as
/// `path`.name.
absl::StatusOr<model::JobOptions> ReadJobOptions(std::string_view path, const v1::JobOptions& request, int32_t workers);

}  // namespace millrace::handlers
