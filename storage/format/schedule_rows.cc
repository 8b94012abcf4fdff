#include "storage/format/schedule_rows.h"

#include <algorithm>

#include "storage/format/damaged.h"
#include "storage/format/schedule_fields.h"

namespace millrace::format {
namespace {

bool IsRun(const model::ScheduleRun& run) {
  return Within(run.state, model::RunState::kQueued, model::RunState::kRefused) &&
         Within(run.job_state, model::JobState{}, model::JobState::kCancelled);
}

bool IsProgress(const model::Schedule& schedule) {
  return std::all_of(schedule.open.begin(), schedule.open.end(), IsRun) &&
         (schedule.last_ended.number == 0 || IsRun(schedule.last_ended));
}

bool IsDefinition(const model::ScheduleDefinition& definition) {
  return Within(definition.recurrence.kind, model::RecurrenceKind::kNone, model::RecurrenceKind::kOnce) &&
         Within(definition.overlap, model::OverlapPolicy::kSkip, model::OverlapPolicy::kCancelRunning) &&
         Within(definition.catch_up, model::CatchUpPolicy::kLatest, model::CatchUpPolicy::kNone);
}

}  // namespace

std::string EncodeScheduleDefinition(const model::Schedule& schedule) {
  std::string row;
  Writer writer(row);
  ScheduleDefinitionFields(writer, schedule);
  return row;
}

std::string EncodeScheduleProgress(const model::Schedule& schedule) {
  std::string row;
  Writer writer(row);
  ScheduleProgressFields(writer, schedule);
  return row;
}

absl::StatusOr<model::Schedule> DecodeSchedule(std::string_view definition, std::string_view progress) {
  model::Schedule schedule;
  const bool ok = ReadRow(definition, schedule) && MergeRow(progress, schedule) && IsDefinition(schedule.definition) &&
                  IsProgress(schedule);
  if (!ok) return Corrupt("a schedule");
  return schedule;
}

absl::Status DecodeScheduleProgress(std::string_view row) {
  model::Schedule schedule;
  return ReadRow(row, schedule) && IsProgress(schedule) ? absl::OkStatus() : Corrupt("a schedule");
}

std::string EncodeScheduleRun(const model::ScheduleRun& run) { return WriteRow(run); }

absl::StatusOr<model::ScheduleRun> DecodeScheduleRun(std::string_view row) {
  model::ScheduleRun run;
  if (!ReadRow(row, run) || !IsRun(run)) return Corrupt("a schedule's run");
  return run;
}

}  // namespace millrace::format
