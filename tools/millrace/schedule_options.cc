#include "tools/millrace/schedule_options.h"

#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "storage/model/cron.h"
#include "tools/millrace/commands.h"
#include "tools/millrace/failure.h"
#include "tools/millrace/pipeline_options.h"

namespace millrace::cli {
namespace {

/// A time with its own zone, or one that is read in `zone`.
absl::StatusOr<google::protobuf::Timestamp> TimeOf(const char* option, const std::string& text,
                                                   const absl::TimeZone& zone) {
  absl::Time time;
  std::string error;
  bool read = absl::ParseTime(absl::RFC3339_full, text, &time, &error);
  for (const char* format : {"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"}) {
    read = read || absl::ParseTime(format, text, zone, &time, &error);
  }
  if (!read) {
    return UsageError(
        absl::StrCat(option, ": expected a time such as 2027-03-28 07:00 or 2027-03-28T07:00:00Z, not ", text));
  }
  google::protobuf::Timestamp proto;
  proto.set_seconds(absl::ToUnixSeconds(time));
  proto.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(proto.seconds()))));
  return proto;
}

/// The value of an enum that is typed without its prefix; 0 where it is empty.
template <typename Enum>
Enum ValueOf(const google::protobuf::EnumDescriptor& descriptor, const std::string& prefix, const std::string& name) {
  const auto* value = descriptor.FindValueByName(prefix + absl::AsciiStrToUpper(name));
  return static_cast<Enum>(value == nullptr ? 0 : value->number());
}

}  // namespace

void AddScheduleOptions(CLI::App* command, ScheduleOptions& options) {
  auto* cron =
      command
          ->add_option(
              "--cron", options.cron,
              "Fire at these times: minute, hour, day of month, month, day of week, or 6 fields with the second "
              "in front")
          ->type_name("EXPRESSION");
  auto* every = AddDurationOption(command, "--every", options.every,
                                  "Fire again this long after the end of each run, the first time at once");
  auto* at = command->add_option("--at", options.at, "Fire once, at this time")->type_name("TIME");
  cron->excludes(every)->excludes(at);
  every->excludes(at);
  command
      ->add_option(
          "--time-zone", options.time_zone,
          "The zone of --cron, such as Europe/Berlin (default: UTC), and of times without one (default: yours)")
      ->type_name("ZONE");
  command->add_option("--from", options.from, "Fire not before this time")->type_name("TIME");
  command->add_option("--until", options.until, "Fire not behind this time")->type_name("TIME");
  command
      ->add_option("--overlap", options.overlap,
                   "While an earlier run is not over: skip the new one, queue it, or cancel-running (default: skip)")
      ->type_name("POLICY")
      ->check(CLI::IsMember({"skip", "queue", "cancel-running"}).description(""));
  command
      ->add_option("--catch-up", options.catch_up,
                   "Of times that were missed while the server was down run the latest, all or none (default: latest)")
      ->type_name("POLICY")
      ->check(CLI::IsMember({"latest", "all", "none"}).description(""));
}

absl::Status SetSchedule(const ScheduleOptions& options, const Session& session, v1::ScheduleSpec& spec,
                         google::protobuf::FieldMask* mask) {
  const auto name = [mask](const char* field) {
    if (mask != nullptr) mask->add_paths(field);
  };
  absl::TimeZone zone = session.environment().zone;
  if (!options.time_zone.empty()) {
    const absl::StatusOr<absl::TimeZone> found = model::FindTimeZone(options.time_zone);
    if (!found.ok()) return UsageError(absl::StrCat("--time-zone: ", std::string(found.status().message())));
    zone = *found;
  }
  if (!options.cron.empty()) {
    spec.mutable_cron()->set_expression(options.cron);
    spec.mutable_cron()->set_time_zone(options.time_zone);
    name("cron");
  }
  if (options.every.has_value()) {
    absl::Duration rest = *options.every;
    spec.mutable_interval()->set_seconds(absl::IDivDuration(rest, absl::Seconds(1), &rest));
    spec.mutable_interval()->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
    name("interval");
  }
  struct TimeField {
    const char* option;
    const std::string& text;
    const char* field;
    google::protobuf::Timestamp* (v1::ScheduleSpec::*target)();
  };
  for (const TimeField& time : {TimeField{"--at", options.at, "once", &v1::ScheduleSpec::mutable_once},
                                TimeField{"--from", options.from, "start_time", &v1::ScheduleSpec::mutable_start_time},
                                TimeField{"--until", options.until, "end_time", &v1::ScheduleSpec::mutable_end_time}}) {
    if (time.text.empty()) continue;
    auto read = TimeOf(time.option, time.text, zone);
    if (!read.ok()) return read.status();
    *(spec.*time.target)() = *std::move(read);
    name(time.field);
  }
  if (!options.overlap.empty()) {
    const std::string policy = options.overlap == "cancel-running" ? "cancel_running" : options.overlap;
    spec.set_overlap(ValueOf<v1::OverlapPolicy>(*v1::OverlapPolicy_descriptor(), "OVERLAP_POLICY_", policy));
    name("overlap");
  }
  if (!options.catch_up.empty()) {
    spec.set_catch_up(
        ValueOf<v1::CatchUpPolicy>(*v1::CatchUpPolicy_descriptor(), "CATCH_UP_POLICY_", options.catch_up));
    name("catch_up");
  }
  return absl::OkStatus();
}

}  // namespace millrace::cli
