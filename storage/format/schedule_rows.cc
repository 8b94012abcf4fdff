#include "storage/format/schedule_rows.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/format/schedule_fields.h"
#include "storage/model/errors.h"

namespace millrace::format {
namespace {

absl::Status Corrupt(std::string_view what) {
  return model::MakeError(model::Reason::kStorageCorrupt, absl::StrCat("a stored row of ", std::string(what),
                                                                       " is damaged; check the disk and restore "
                                                                       "from a backup"));
}

bool IsRun(const model::ScheduleRun& run) {
  return run.state >= model::RunState::kQueued && run.state <= model::RunState::kRefused &&
         run.job_state >= model::JobState{} && run.job_state <= model::JobState::kCancelled;
}

bool IsProgress(const model::Schedule& schedule) {
  return std::all_of(schedule.open.begin(), schedule.open.end(), IsRun) &&
         (schedule.last_ended.number == 0 || IsRun(schedule.last_ended));
}

bool IsDefinition(const model::ScheduleDefinition& definition) {
  return definition.recurrence.kind >= model::RecurrenceKind::kNone &&
         definition.recurrence.kind <= model::RecurrenceKind::kOnce &&
         definition.overlap >= model::OverlapPolicy::kSkip &&
         definition.overlap <= model::OverlapPolicy::kCancelRunning &&
         definition.catch_up >= model::CatchUpPolicy::kLatest && definition.catch_up <= model::CatchUpPolicy::kNone;
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
