#include "server/handlers/schedule_spec.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/core/convert.h"
#include "server/handlers/option_reader.h"
#include "server/handlers/submitted_job.h"
#include "server/handlers/validate.h"
#include "storage/model/errors.h"
#include "storage/model/limits.h"
#include "storage/model/recurrence.h"

namespace millrace::handlers {
namespace {

using model::FieldError;
using model::RecurrenceKind;

constexpr absl::Time kAbsent = absl::InfinitePast();

/// An error of the job by its path in the spec.
absl::Status UnderJob(const absl::Status& status) {
  const model::ErrorDetails details = model::DetailsOf(status);
  const std::string field = absl::StrCat("spec.job", details.field.empty() ? "" : ".", details.field);
  if (details.reason != model::Reason::kFieldInvalid) return model::WithField(status, field);
  const std::string prefix = details.field + ": ";
  std::string message(status.message());
  if (message.rfind(prefix, 0) == 0) message.erase(0, prefix.size());
  return FieldError(field, message);
}

absl::Status CheckJob(const v1::SubmitJobRequest& job, const Call& call, const Deps& deps) {
  if (!job.request_id().empty()) return FieldError("spec.job.request_id", "must be empty: each run has one of its own");
  if (!job.job_id().empty()) return FieldError("spec.job.job_id", "must be empty: each run makes a job of its own");
  v1::SubmitJobRequest request = job;
  const absl::StatusOr<model::Job> read = ReadSubmittedJob(request, call, deps);
  return read.ok() ? absl::OkStatus() : UnderJob(read.status());
}

absl::Status ReadTime(std::string_view field, bool present, const google::protobuf::Timestamp& proto,
                      absl::Time& target) {
  if (!present) return absl::OkStatus();
  const absl::StatusOr<absl::Time> time = core::FromProto(proto);
  if (!time.ok()) return FieldError(field, std::string(time.status().message()));
  target = *time;
  return absl::OkStatus();
}

absl::Status ReadCron(const v1::CronRecurrence& cron, model::Recurrence& recurrence) {
  if (cron.expression().empty()) return FieldError("spec.cron.expression", "is required, such as 0 7 * * MON-FRI");
  if (auto parsed = model::CronExpression::Parse(cron.expression()); !parsed.ok()) {
    return FieldError("spec.cron.expression", std::string(parsed.status().message()));
  }
  if (auto zone = model::FindTimeZone(cron.time_zone()); !zone.ok()) {
    return FieldError("spec.cron.time_zone", std::string(zone.status().message()));
  }
  recurrence.kind = RecurrenceKind::kCron;
  recurrence.cron = cron.expression();
  recurrence.time_zone = cron.time_zone().empty() ? "UTC" : cron.time_zone();
  return absl::OkStatus();
}

absl::StatusOr<model::Recurrence> ReadRecurrence(const v1::ScheduleSpec& spec) {
  model::Recurrence recurrence;
  absl::Status read;
  switch (spec.recurrence_case()) {
    case v1::ScheduleSpec::kCron:
      read = ReadCron(spec.cron(), recurrence);
      break;
    case v1::ScheduleSpec::kInterval: {
      OptionReader reader("spec");
      recurrence.kind = RecurrenceKind::kInterval;
      reader.Duration("interval", true, spec.interval(), model::kScheduleIntervalMin, model::kScheduleIntervalMax,
                      recurrence.interval);
      read = reader.status();
      break;
    }
    case v1::ScheduleSpec::kOnce:
      recurrence.kind = RecurrenceKind::kOnce;
      read = ReadTime("spec.once", true, spec.once(), recurrence.once);
      break;
    case v1::ScheduleSpec::RECURRENCE_NOT_SET:
      read = FieldError("spec", "expected one of cron, interval and once: when the schedule fires");
      break;
  }
  if (!read.ok()) return read;
  read = ReadTime("spec.start_time", spec.has_start_time(), spec.start_time(), recurrence.start);
  if (!read.ok()) return read;
  read = ReadTime("spec.end_time", spec.has_end_time(), spec.end_time(), recurrence.end);
  if (!read.ok()) return read;
  if (recurrence.end != kAbsent && recurrence.end < recurrence.start) {
    return FieldError("spec.end_time", "expected a time that is not before start_time");
  }
  return recurrence;
}

absl::Status ReadPolicies(const v1::ScheduleSpec& spec, model::ScheduleDefinition& definition) {
  if (!v1::OverlapPolicy_IsValid(spec.overlap())) {
    return FieldError("spec.overlap", "expected SKIP, QUEUE or CANCEL_RUNNING");
  }
  if (!v1::CatchUpPolicy_IsValid(spec.catch_up())) return FieldError("spec.catch_up", "expected LATEST, ALL or NONE");
  if (spec.overlap() != v1::OVERLAP_POLICY_UNSPECIFIED) {
    definition.overlap = static_cast<model::OverlapPolicy>(spec.overlap());
  }
  if (spec.catch_up() != v1::CATCH_UP_POLICY_UNSPECIFIED) {
    definition.catch_up = static_cast<model::CatchUpPolicy>(spec.catch_up());
  }
  if (definition.overlap == model::OverlapPolicy::kCancelRunning && definition.catch_up == model::CatchUpPolicy::kAll) {
    return FieldError("spec.catch_up",
                      "ALL does not go with overlap CANCEL_RUNNING, which would cancel what is caught up on");
  }
  return absl::OkStatus();
}

void SetTime(absl::Time time, google::protobuf::Timestamp* (v1::Schedule::*field)(), v1::Schedule& proto) {
  if (time != kAbsent) *(proto.*field)() = core::ToProto(time);
}

}  // namespace

absl::StatusOr<model::ScheduleDefinition> ReadScheduleSpec(const v1::ScheduleSpec& spec, const Call& call,
                                                           const Deps& deps) {
  model::ScheduleDefinition definition;
  if (absl::Status text = ValidateText("spec.description", spec.description(), model::kDescriptionBytesMax);
      !text.ok()) {
    return text;
  }
  definition.description = spec.description();
  absl::StatusOr<model::Recurrence> recurrence = ReadRecurrence(spec);
  if (!recurrence.ok()) return recurrence.status();
  definition.recurrence = *std::move(recurrence);
  if (absl::Status policies = ReadPolicies(spec, definition); !policies.ok()) return policies;
  if (!spec.has_job()) return FieldError("spec.job", "is required: what each run submits");
  if (absl::Status job = CheckJob(spec.job(), call, deps); !job.ok()) return job;
  definition.job_template = spec.job().SerializeAsString();
  return definition;
}

absl::Status CheckItFires(const model::Recurrence& recurrence, absl::Time now) {
  if (recurrence.kind == RecurrenceKind::kInterval) {
    if (recurrence.end == kAbsent || recurrence.end >= now) return absl::OkStatus();
    return FieldError("spec.end_time", "expected a time that lies ahead");
  }
  const absl::StatusOr<model::FireTimes> fire_times = model::FireTimes::Of(recurrence);
  if (!fire_times.ok()) return FieldError("spec.cron", std::string(fire_times.status().message()));
  if (fire_times->Next(now) != kAbsent) return absl::OkStatus();
  if (recurrence.kind == RecurrenceKind::kOnce) {
    return FieldError("spec.once", "expected a time that lies ahead, within start_time and end_time");
  }
  return FieldError("spec.cron.expression", "names no time that comes, within start_time and end_time");
}

v1::ScheduleSpec ToProto(const model::ScheduleDefinition& definition) {
  v1::ScheduleSpec proto;
  proto.set_description(definition.description);
  // Written by this server or an older one; the fields that it cannot read stay unknown.
  proto.mutable_job()->ParseFromString(definition.job_template);
  const model::Recurrence& recurrence = definition.recurrence;
  if (recurrence.kind == RecurrenceKind::kCron) {
    proto.mutable_cron()->set_expression(recurrence.cron);
    proto.mutable_cron()->set_time_zone(recurrence.time_zone);
  }
  if (recurrence.kind == RecurrenceKind::kInterval) *proto.mutable_interval() = core::ToProto(recurrence.interval);
  if (recurrence.kind == RecurrenceKind::kOnce) *proto.mutable_once() = core::ToProto(recurrence.once);
  if (recurrence.start != kAbsent) *proto.mutable_start_time() = core::ToProto(recurrence.start);
  if (recurrence.end != kAbsent) *proto.mutable_end_time() = core::ToProto(recurrence.end);
  proto.set_overlap(static_cast<v1::OverlapPolicy>(definition.overlap));
  proto.set_catch_up(static_cast<v1::CatchUpPolicy>(definition.catch_up));
  return proto;
}

v1::ScheduleRun ToProto(const model::ScheduleRun& run, const std::string& schedule_id) {
  v1::ScheduleRun proto;
  proto.set_schedule_id(schedule_id);
  proto.set_number(run.number);
  proto.set_state(static_cast<v1::ScheduleRunState>(run.state));
  *proto.mutable_scheduled_time() = core::ToProto(run.scheduled_time);
  proto.set_triggered_by(run.triggered_by);
  proto.set_missed(run.missed);
  proto.set_job_id(run.job_id);
  if (run.start_time != kAbsent) *proto.mutable_start_time() = core::ToProto(run.start_time);
  if (run.end_time != kAbsent) *proto.mutable_end_time() = core::ToProto(run.end_time);
  proto.set_job_state(static_cast<v1::JobState>(run.job_state));
  proto.set_outcome(static_cast<v1::Outcome>(run.outcome));
  proto.set_reason(static_cast<v1::ErrorReason>(run.reason));
  proto.set_message(run.message);
  return proto;
}

v1::Schedule ToProto(const model::Schedule& schedule) {
  v1::Schedule proto;
  proto.set_id(schedule.id);
  *proto.mutable_spec() = ToProto(schedule.definition);
  proto.set_created_by(schedule.created_by);
  proto.set_paused(schedule.paused);
  proto.set_pause_reason(schedule.pause_reason);
  SetTime(schedule.create_time, &v1::Schedule::mutable_create_time, proto);
  SetTime(schedule.update_time, &v1::Schedule::mutable_update_time, proto);
  SetTime(schedule.pause_time, &v1::Schedule::mutable_pause_time, proto);
  SetTime(schedule.next_fire_time, &v1::Schedule::mutable_next_fire_time, proto);
  for (const model::ScheduleRun& run : schedule.open) *proto.add_open_runs() = ToProto(run, schedule.id);
  if (schedule.last_ended.number > 0) *proto.mutable_last_ended_run() = ToProto(schedule.last_ended, schedule.id);
  proto.set_runs(schedule.last_run);
  proto.set_runs_completed(schedule.counters.completed);
  proto.set_runs_skipped(schedule.counters.skipped);
  proto.set_runs_refused(schedule.counters.refused);
  proto.set_fire_times_missed(schedule.counters.missed);
  return proto;
}

}  // namespace millrace::handlers
