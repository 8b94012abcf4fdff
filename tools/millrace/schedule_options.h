// When a schedule fires, on the command line.
#pragma once

#include <optional>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "millrace/v1/schedule_service.pb.h"
#include "tools/millrace/session.h"

namespace millrace::cli {

struct ScheduleOptions {
  std::string cron;
  std::string time_zone;
  std::optional<absl::Duration> every;
  /// Times as they were typed.
  std::string at;
  std::string from;
  std::string until;
  std::string overlap;
  std::string catch_up;
};

void AddScheduleOptions(CLI::App* command, ScheduleOptions& options);

/// Sets in `spec` what was given, and names it in `mask` where that is not null. Usage errors name the option.
absl::Status SetSchedule(const ScheduleOptions& options, const Session& session, v1::ScheduleSpec& spec,
                         google::protobuf::FieldMask* mask);

}  // namespace millrace::cli
