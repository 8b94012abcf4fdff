// What is durable of schedules. Each verb is one unit of work; the rules are storage/model/schedule_rules.h. Part of a
// JobStore, and passes the same conformance suite in all of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/model/schedule.h"
#include "storage/model/schedule_rules.h"
#include "storage/store/job_store.h"

namespace millrace::store {

/// Hears which schedules are to be looked at again: one was created, changed or deleted. Called when that is durable,
/// on the thread that asked for it; must be short.
class ScheduleObserver {
 public:
  virtual ~ScheduleObserver() = default;
  virtual void OnScheduleChanged(const model::ScheduleKey& schedule) = 0;
};

/// Thread-safe.
class ScheduleStore {
 public:
  /// What a verb does to a schedule: one of the rules. True: it changed. Short, and without a look at any store: it
  /// runs where everything is written, alone with the schedule as those before it left it.
  using Rule = absl::FunctionRef<absl::StatusOr<bool>(model::ScheduleChange&)>;

  virtual ~ScheduleStore() = default;

  /// Before the first verb. Not owned. Null: nobody.
  virtual void SetObserver(ScheduleObserver* observer) = 0;

  /// Stores a new schedule. Where one of the same `request_hash` is there, returns that as it is now.
  ///   SCHEDULE_ID_TAKEN  one with another hash is
  virtual absl::StatusOr<model::Schedule> CreateSchedule(const model::Schedule& schedule) = 0;

  /// Applies a rule and writes what it made of the schedule, and the runs that it ended. Returns the schedule as it is
  /// then. Writes nothing where the rule changed nothing, and where it fails.
  ///   SCHEDULE_NOT_FOUND, and what the rule answers
  virtual absl::StatusOr<model::Schedule> ChangeSchedule(const model::ScheduleKey& key, Rule rule) = 0;

  /// Removes a schedule with all its runs. Their jobs stay. SCHEDULE_NOT_FOUND.
  virtual absl::Status DeleteSchedule(const model::ScheduleKey& key) = 0;

  /// SCHEDULE_NOT_FOUND.
  virtual absl::StatusOr<model::Schedule> GetSchedule(const model::ScheduleKey& key) const = 0;

  /// By id, those behind `behind` (empty: from the first), at most `schedules_max`.
  virtual absl::StatusOr<std::vector<model::Schedule>> ListSchedules(const std::string& tenant, std::string_view behind,
                                                                     int32_t schedules_max) const = 0;

  /// Runs numbered below `before`, newest first, at most `runs_max`: those that are over and of the newest
  /// kScheduleRunsMax, and those that are not over. SCHEDULE_NOT_FOUND.
  virtual absl::StatusOr<std::vector<model::ScheduleRun>> ListScheduleRuns(const model::ScheduleKey& key,
                                                                           int64_t before, int32_t runs_max) const = 0;

  /// The schedules of all tenants, in order.
  virtual absl::StatusOr<std::vector<model::ScheduleKey>> AllSchedules() const = 0;
};

}  // namespace millrace::store
