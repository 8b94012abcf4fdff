// The rows of schedules as bytes, as rows.h has those of jobs.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/model/schedule.h"

namespace millrace::format {

// Two rows, so that firing writes little: a template may be large.
std::string EncodeScheduleDefinition(const model::Schedule& schedule);
std::string EncodeScheduleProgress(const model::Schedule& schedule);
/// STORAGE_CORRUPT.
absl::StatusOr<model::Schedule> DecodeSchedule(std::string_view definition, std::string_view progress);
/// Whether it is one.
absl::Status DecodeScheduleProgress(std::string_view row);

/// A run that is over.
std::string EncodeScheduleRun(const model::ScheduleRun& run);
/// STORAGE_CORRUPT.
absl::StatusOr<model::ScheduleRun> DecodeScheduleRun(std::string_view row);

}  // namespace millrace::format
