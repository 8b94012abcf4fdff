#include "storage/maintenance/audit_schedules.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/format/keys.h"
#include "storage/format/schedule_rows.h"
#include "storage/model/errors.h"
#include "storage/model/limits.h"
#include "storage/model/schedule_rules.h"
#include "storage/store/rocks_rows.h"

namespace millrace::maintenance {
namespace {

using format::Family;
using model::RunState;
using model::Schedule;
using model::ScheduleKey;
using model::ScheduleRun;

class ScheduleAudit {
 public:
  ScheduleAudit(const engine::Engine& engine, ScheduleKey key, AuditReport& report)
      : engine_(engine), key_(std::move(key)), report_(report) {}

  absl::Status Run() {
    const auto definition = engine_.Get(store::At(Family::kSchedules), format::ScheduleDefinitionKey(key_));
    if (!definition.ok()) return definition.status();
    const auto progress = engine_.Get(store::At(Family::kSchedules), format::ScheduleProgressKey(key_));
    if (!progress.ok()) return progress.status();
    // Rows without a definition are found where every row is looked at, and so are rows that cannot be read.
    if (!definition->has_value()) return absl::OkStatus();
    if (!progress->has_value()) {
      Find("it has no progress");
      return absl::OkStatus();
    }
    const absl::StatusOr<Schedule> schedule = format::DecodeSchedule(**definition, **progress);
    if (!schedule.ok()) return absl::OkStatus();
    if (schedule->key() != key_) Find("the row speaks of another schedule");
    return Runs(*schedule);
  }

 private:
  void Find(std::string what) {
    report_.Add(absl::StrCat("schedule ", key_.tenant, "/", key_.schedule_id), std::move(what));
  }

  absl::Status Runs(const Schedule& schedule) {
    for (const ScheduleRun& run : schedule.open) {
      const bool is_first = run.number == schedule.open.front().number;
      const bool is_open = run.state == RunState::kQueued || (run.state == RunState::kRunning && is_first);
      if (!is_open) Find(absl::StrCat("run ", run.number, " is neither queued nor the one that is running"));
      if (absl::Status job = CheckJob(schedule, run); !job.ok()) return job;
      See(run.number);
    }
    const int64_t oldest = std::max<int64_t>(schedule.last_run - model::kScheduleRunsMax, 0) + 1;
    const auto cursor = store::Scan(engine_, Family::kSchedules, format::ScheduleRuns(key_, oldest, schedule.last_run));
    for (; cursor->valid(); cursor->Next()) {
      const std::optional<int64_t> number = format::ParseNumber(cursor->key());
      const absl::StatusOr<ScheduleRun> run = format::DecodeScheduleRun(cursor->value());
      if (!number.has_value() || !run.ok()) continue;
      if (run->number != *number) Find(absl::StrCat("the row of run ", *number, " speaks of run ", run->number));
      if (absl::Status job = CheckJob(schedule, *run); !job.ok()) return job;
      See(*number);
    }
    if (absl::Status walked = cursor->status(); !walked.ok()) return walked;
    CheckNumbers(schedule, oldest);
    return absl::OkStatus();
  }

  void See(int64_t number) {
    if (!runs_.insert(number).second) Find(absl::StrCat("run ", number, " is there twice"));
  }

  /// Runs are numbered without gaps, and each is either open or over.
  void CheckNumbers(const Schedule& schedule, int64_t oldest) {
    for (int64_t number = oldest; number <= schedule.last_run; ++number) {
      if (!runs_.contains(number)) Find(absl::StrCat("run ", number, " is missing"));
    }
    if (!runs_.empty() && *runs_.rbegin() > schedule.last_run) {
      Find(absl::StrCat("its newest run is ", schedule.last_run, ", but it has run ", *runs_.rbegin()));
    }
    const model::ScheduleCounters& counters = schedule.counters;
    const int64_t over = counters.completed + counters.skipped + counters.refused;
    const int64_t expected = schedule.last_run - static_cast<int64_t>(schedule.open.size());
    if (over != expected) Find(absl::StrCat(over, " runs are counted as over, but ", expected, " are"));
  }

  /// A job that is there under this id, made by a run, must have been made by this one.
  absl::Status CheckJob(const Schedule& schedule, const ScheduleRun& run) {
    if (run.job_id.empty()) return absl::OkStatus();
    const absl::StatusOr<model::JobPtr> job = store::LoadJob(engine_, {key_.tenant, run.job_id});
    const bool is_unreadable = model::HasReason(job.status(), model::Reason::kPipelineNotFound) ||
                               model::HasReason(job.status(), model::Reason::kStorageCorrupt);
    if (is_unreadable) return absl::OkStatus();
    if (!job.ok()) return job.status();
    const std::string made_by = model::RunRequestId({schedule.uid, run.number});
    if (absl::StartsWith((*job)->request_id, "schedule/") && (*job)->request_id != made_by) {
      Find(absl::StrCat("the job of run ", run.number, ", ", run.job_id, ", is that of another run"));
    }
    return absl::OkStatus();
  }

  const engine::Engine& engine_;
  const ScheduleKey key_;
  AuditReport& report_;
  std::set<int64_t> runs_;
};

}  // namespace

absl::Status AuditSchedules(const engine::Engine& engine, AuditReport& report) {
  std::set<ScheduleKey> schedules;
  const auto cursor = store::Scan(engine, Family::kSchedules, format::SchedulesOfTenantsBehind(""));
  for (; cursor->valid(); cursor->Next()) {
    std::optional<ScheduleKey> key = format::ParseSchedule(cursor->key());
    if (key.has_value()) schedules.insert(*std::move(key));
  }
  if (absl::Status walked = cursor->status(); !walked.ok()) return walked;
  for (const ScheduleKey& key : schedules) {
    if (absl::Status audited = ScheduleAudit(engine, key, report).Run(); !audited.ok()) return audited;
  }
  return absl::OkStatus();
}

}  // namespace millrace::maintenance
