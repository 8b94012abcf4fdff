// A schedule: when jobs are submitted by themselves, and what became of each time. Plain data; the rules that change it
// are in schedule_rules.h.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "storage/model/errors.h"
#include "storage/model/job.h"

namespace millrace::model {

/// Names a schedule across tenants.
struct ScheduleKey {
  std::string tenant;
  std::string schedule_id;

  friend bool operator==(const ScheduleKey&, const ScheduleKey&) = default;
  friend bool operator<(const ScheduleKey& a, const ScheduleKey& b) {
    return std::tie(a.tenant, a.schedule_id) < std::tie(b.tenant, b.schedule_id);
  }
};

/// The numbers are stored: never change them.
enum class RecurrenceKind : int32_t { kNone = 0, kCron = 1, kInterval = 2, kOnce = 3 };

/// When a schedule fires. See recurrence.h for its times.
struct Recurrence {
  RecurrenceKind kind = RecurrenceKind::kNone;
  /// kCron: an expression that CronExpression takes, and the IANA name of the zone in which it is read.
  std::string cron;
  std::string time_zone;
  /// kInterval: from the end of a run to the next one.
  absl::Duration interval = absl::ZeroDuration();
  /// kOnce.
  absl::Time once = absl::InfinitePast();
  /// Nothing fires before `start` or behind `end`. InfinitePast: no such bound.
  absl::Time start = absl::InfinitePast();
  absl::Time end = absl::InfinitePast();

  friend bool operator==(const Recurrence&, const Recurrence&) = default;
};

/// What happens at a fire time while a run is not over. The numbers are stored and those of millrace.v1.OverlapPolicy.
enum class OverlapPolicy : int32_t { kSkip = 1, kQueue = 2, kCancelRunning = 3 };

/// What becomes of fire times that the server missed. The numbers are stored and those of millrace.v1.CatchUpPolicy.
enum class CatchUpPolicy : int32_t { kLatest = 1, kAll = 2, kNone = 3 };

/// The numbers are stored and those of millrace.v1.ScheduleRunState.
enum class RunState : int32_t { kQueued = 1, kRunning = 2, kCompleted = 3, kSkipped = 4, kRefused = 5 };

/// One time at which a schedule fired, or was triggered by hand.
struct ScheduleRun {
  /// From 1, without gaps.
  int64_t number = 0;
  RunState state = RunState::kQueued;
  /// The fire time; of a run that was triggered by hand, the time of that.
  absl::Time scheduled_time = absl::InfinitePast();
  /// Who triggered it by hand. Empty: the schedule fired.
  std::string triggered_by;
  /// Earlier fire times that were missed and have no run of their own.
  int64_t missed = 0;
  /// Empty until the job is submitted.
  std::string job_id;
  /// InfinitePast: has not happened. Of a run with a job they are the job's.
  absl::Time start_time = absl::InfinitePast();
  absl::Time end_time = absl::InfinitePast();
  /// Of a completed run: how its job ended; 0 where the job was deleted before that was seen.
  JobState job_state{};
  Outcome outcome = Outcome::kNone;
  /// Why it was refused or skipped, or why its job is not submitted yet. The reason is that of the refusal.
  Reason reason = Reason::kUnspecified;
  std::string message;

  friend bool operator==(const ScheduleRun&, const ScheduleRun&) = default;
};

/// A trigger by hand that is not to happen twice.
struct ScheduleTrigger {
  std::string request_id;
  int64_t run = 0;

  friend bool operator==(const ScheduleTrigger&, const ScheduleTrigger&) = default;
};

/// How many runs came to each end.
struct ScheduleCounters {
  int64_t completed = 0;
  int64_t skipped = 0;
  int64_t refused = 0;
  int64_t missed = 0;

  friend bool operator==(const ScheduleCounters&, const ScheduleCounters&) = default;
};

/// What the creator of a schedule chose, and may change.
struct ScheduleDefinition {
  std::string description;
  /// Bytes of a millrace.v1.SubmitJobRequest.
  std::string job_template;
  Recurrence recurrence;
  OverlapPolicy overlap = OverlapPolicy::kSkip;
  CatchUpPolicy catch_up = CatchUpPolicy::kLatest;

  friend bool operator==(const ScheduleDefinition&, const ScheduleDefinition&) = default;
};

struct Schedule {
  std::string tenant;
  std::string id;
  /// Made for it; no other schedule of the same id, before or after it, has the same.
  std::string uid;
  /// Tells whether it was the same request that created it.
  std::string request_hash;
  std::string created_by;
  absl::Time create_time = absl::InfinitePast();

  ScheduleDefinition definition;
  /// Of the definition, and of being paused.
  absl::Time update_time = absl::InfinitePast();
  bool paused = false;
  std::string pause_reason;
  absl::Time pause_time = absl::InfinitePast();

  /// InfinitePast: it does not fire: while it is paused, an interval while a run is not over, anything that came to its
  /// end.
  absl::Time next_fire_time = absl::InfinitePast();
  /// The newest fire time that has a run, or is counted as missed in one.
  absl::Time last_fire_time = absl::InfinitePast();
  /// Number of the newest run.
  int64_t last_run = 0;
  /// Runs that are not over, oldest first. At most one is running, and it is the first.
  std::vector<ScheduleRun> open;
  /// The run that came to its end last; number 0: none has.
  ScheduleRun last_ended;
  ScheduleCounters counters;
  /// The newest kScheduleTriggersMax, oldest first.
  std::vector<ScheduleTrigger> triggers;

  ScheduleKey key() const { return {tenant, id}; }

  friend bool operator==(const Schedule&, const Schedule&) = default;
};

}  // namespace millrace::model
