#include "storage/store/rocks_schedules.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "storage/format/keys.h"
#include "storage/format/schedule_rows.h"
#include "storage/model/limits.h"
#include "storage/store/rocks_rows.h"
#include "storage/store/store_errors.h"

namespace millrace::store {
namespace {

using format::Family;
using model::Schedule;
using model::ScheduleKey;
using model::ScheduleRun;

using Row = absl::StatusOr<std::optional<std::string>>;

/// `get` reads a row of the family by its key, nothing being written meanwhile. SCHEDULE_NOT_FOUND.
template <class Get>
absl::StatusOr<Schedule> Load(const ScheduleKey& key, const Get& get) {
  const Row definition = get(format::ScheduleDefinitionKey(key));
  if (!definition.ok()) return definition.status();
  if (!definition->has_value()) return ScheduleNotFound(key);
  const Row progress = get(format::ScheduleProgressKey(key));
  if (!progress.ok()) return progress.status();
  return format::DecodeSchedule(**definition, progress->value_or(""));
}

absl::StatusOr<Schedule> LoadInGroup(const Group& group, const ScheduleKey& key) {
  return Load(key, [&](const std::string& row) { return group.Get(Family::kSchedules, row); });
}

void PutRuns(Group& group, const model::ScheduleChange& change) {
  const ScheduleKey key = change.schedule.key();
  for (const ScheduleRun& run : change.ended) {
    const int64_t dropped = run.number - model::kScheduleRunsMax;
    if (dropped > 0) group.Delete(Family::kSchedules, format::ScheduleRunKey(key, dropped));
    // One that took so long that it is none of the newest any more is only the one that ended last.
    if (run.number <= change.schedule.last_run - model::kScheduleRunsMax) continue;
    group.Put(Family::kSchedules, format::ScheduleRunKey(key, run.number), format::EncodeScheduleRun(run));
  }
}

}  // namespace

absl::StatusOr<Schedule> RocksSchedules::CreateSchedule(const Schedule& schedule) {
  const ScheduleKey key = schedule.key();
  const auto verb = [&schedule, &key](Group& group) -> absl::StatusOr<Schedule> {
    absl::StatusOr<Schedule> earlier = LoadInGroup(group, key);
    if (earlier.ok() && earlier->request_hash != schedule.request_hash) return ScheduleIdTaken(key);
    if (earlier.ok() || !absl::IsNotFound(earlier.status())) return earlier;
    group.Put(Family::kSchedules, format::ScheduleDefinitionKey(key), format::EncodeScheduleDefinition(schedule));
    group.Put(Family::kSchedules, format::ScheduleProgressKey(key), format::EncodeScheduleProgress(schedule));
    return schedule;
  };
  absl::StatusOr<Schedule> created = Await<Schedule>([&](Completion<Schedule> done) {
    lane_->Submit<Schedule>({.bytes = schedule.definition.job_template.size()}, verb, std::move(done));
  });
  if (created.ok()) Tell(key);
  return created;
}

absl::StatusOr<Schedule> RocksSchedules::ChangeSchedule(const ScheduleKey& key, Rule rule) {
  bool changed = false;
  const auto verb = [&key, &rule, &changed](Group& group) -> absl::StatusOr<Schedule> {
    absl::StatusOr<Schedule> stored = LoadInGroup(group, key);
    if (!stored.ok()) return stored.status();
    model::ScheduleChange change{*std::move(stored), {}};
    const std::string definition = format::EncodeScheduleDefinition(change.schedule);
    const absl::StatusOr<bool> applied = rule(change);
    if (!applied.ok()) return applied.status();
    changed = *applied;
    if (!changed) return std::move(change.schedule);
    std::string redefined = format::EncodeScheduleDefinition(change.schedule);
    if (redefined != definition) {
      group.Put(Family::kSchedules, format::ScheduleDefinitionKey(key), std::move(redefined));
    }
    group.Put(Family::kSchedules, format::ScheduleProgressKey(key), format::EncodeScheduleProgress(change.schedule));
    PutRuns(group, change);
    return std::move(change.schedule);
  };
  absl::StatusOr<Schedule> schedule =
      Await<Schedule>([&](Completion<Schedule> done) { lane_->Submit<Schedule>({}, verb, std::move(done)); });
  if (schedule.ok() && changed) Tell(key);
  return schedule;
}

absl::Status RocksSchedules::DeleteSchedule(const ScheduleKey& key) {
  const auto verb = [&key](Group& group) -> absl::StatusOr<bool> {
    const absl::StatusOr<Schedule> stored = LoadInGroup(group, key);
    if (!stored.ok()) return stored.status();
    group.Delete(Family::kSchedules, format::ScheduleDefinitionKey(key));
    group.Delete(Family::kSchedules, format::ScheduleProgressKey(key));
    group.DeleteRange(Family::kSchedules, format::ScheduleRuns(key, 0, stored->last_run));
    return true;
  };
  // Alone: rows of the same group would come behind the range that is deleted.
  const absl::StatusOr<bool> deleted = Await<bool>([&](Completion<bool> done) {
    lane_->Submit<bool>({0, /*alone=*/true}, verb, std::move(done));
  });
  if (deleted.ok()) Tell(key);
  return deleted.status();
}

absl::StatusOr<Schedule> RocksSchedules::GetSchedule(const ScheduleKey& key) const {
  const std::string definition_key = format::ScheduleDefinitionKey(key);
  Row before = engine_->Get(At(Family::kSchedules), definition_key);
  for (;;) {
    if (!before.ok()) return before.status();
    absl::StatusOr<Schedule> schedule = Load(key, [&](const std::string& row) -> Row {
      return row == definition_key ? before : engine_->Get(At(Family::kSchedules), row);
    });
    // A definition that is the same before and behind the progress belongs to it: both change in one unit of work.
    Row behind = engine_->Get(At(Family::kSchedules), definition_key);
    if (behind == before) return schedule;
    before = std::move(behind);
  }
}

absl::StatusOr<std::vector<Schedule>> RocksSchedules::ListSchedules(const std::string& tenant, std::string_view behind,
                                                                    int32_t schedules_max) const {
  std::vector<Schedule> schedules;
  const auto cursor = Scan(*engine_, Family::kSchedules, format::SchedulesBehind(tenant, behind));
  for (; cursor->valid() && schedules.size() < static_cast<size_t>(schedules_max); cursor->Next()) {
    const std::optional<ScheduleKey> key = format::ParseSchedule(cursor->key());
    if (!key.has_value()) return CorruptKey();
    absl::StatusOr<Schedule> schedule = GetSchedule(*key);
    // Deleted since the walk began.
    if (absl::IsNotFound(schedule.status())) continue;
    if (!schedule.ok()) return schedule.status();
    schedules.push_back(*std::move(schedule));
  }
  if (absl::Status walked = cursor->status(); !walked.ok()) return walked;
  return schedules;
}

absl::StatusOr<std::vector<ScheduleRun>> RocksSchedules::ListScheduleRuns(const ScheduleKey& key, int64_t before,
                                                                          int32_t runs_max) const {
  const absl::StatusOr<Schedule> schedule = GetSchedule(key);
  if (!schedule.ok()) return schedule.status();
  std::vector<ScheduleRun> open = schedule->open;
  const int64_t last = std::min(before - 1, schedule->last_run);
  std::erase_if(open, [&](const ScheduleRun& run) { return run.number > last; });
  std::vector<ScheduleRun> runs;
  const auto has_room = [&] { return runs.size() < static_cast<size_t>(runs_max); };
  // Both go down by number; together they are all.
  const int64_t oldest = std::max<int64_t>(schedule->last_run - model::kScheduleRunsMax, 0) + 1;
  const auto cursor =
      Scan(*engine_, Family::kSchedules, format::ScheduleRuns(key, oldest, last), engine::Direction::kBackward);
  for (; cursor->valid() && has_room(); cursor->Next()) {
    absl::StatusOr<ScheduleRun> run = format::DecodeScheduleRun(cursor->value());
    if (!run.ok()) return run.status();
    for (; !open.empty() && open.back().number >= run->number && has_room(); open.pop_back()) {
      // One that ended between the two reads is there twice.
      if (open.back().number > run->number) runs.push_back(open.back());
    }
    if (has_room()) runs.push_back(*std::move(run));
  }
  if (absl::Status walked = cursor->status(); !walked.ok()) return walked;
  for (; !open.empty() && has_room(); open.pop_back()) runs.push_back(open.back());
  return runs;
}

absl::StatusOr<std::vector<ScheduleKey>> RocksSchedules::AllSchedules() const {
  std::vector<ScheduleKey> all;
  std::string tenant;
  while (true) {
    // From tenant to tenant, past the runs of each.
    const auto cursor = Scan(*engine_, Family::kSchedules, format::SchedulesOfTenantsBehind(tenant));
    if (absl::Status walked = cursor->status(); !walked.ok()) return walked;
    if (!cursor->valid()) return all;
    const std::optional<ScheduleKey> first = format::ParseSchedule(cursor->key());
    if (!first.has_value()) return CorruptKey();
    tenant = first->tenant;
    const auto definitions = Scan(*engine_, Family::kSchedules, format::SchedulesBehind(tenant, ""));
    for (; definitions->valid(); definitions->Next()) {
      std::optional<ScheduleKey> key = format::ParseSchedule(definitions->key());
      if (!key.has_value()) return CorruptKey();
      all.push_back(*std::move(key));
    }
    if (absl::Status walked = definitions->status(); !walked.ok()) return walked;
  }
}

}  // namespace millrace::store
