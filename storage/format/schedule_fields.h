// The fields of the rows of schedules, one list each, as fields.h has those of jobs.
#pragma once

#include "storage/format/wire.h"
#include "storage/model/schedule.h"

namespace millrace::format {

template <class Archive, Row<model::Recurrence> T>
void Fields(Archive& archive, T& recurrence) {
  archive(1, recurrence.kind);
  archive(2, recurrence.cron);
  archive(3, recurrence.time_zone);
  archive(4, recurrence.interval);
  archive(5, recurrence.once);
  archive(6, recurrence.start);
  archive(7, recurrence.end);
}

template <class Archive, Row<model::ScheduleRun> T>
void Fields(Archive& archive, T& run) {
  archive(1, run.number);
  archive(2, run.state);
  archive(3, run.scheduled_time);
  archive(4, run.triggered_by);
  archive(5, run.missed);
  archive(6, run.job_id);
  archive(7, run.start_time);
  archive(8, run.end_time);
  archive(9, run.job_state);
  archive(10, run.outcome);
  archive(11, run.reason);
  archive(12, run.message);
}

template <class Archive, Row<model::ScheduleTrigger> T>
void Fields(Archive& archive, T& trigger) {
  archive(1, trigger.request_id);
  archive(2, trigger.run);
}

template <class Archive, Row<model::ScheduleCounters> T>
void Fields(Archive& archive, T& counters) {
  archive(1, counters.completed);
  archive(2, counters.skipped);
  archive(3, counters.refused);
  archive(4, counters.missed);
}

/// The row with the kind 'd'.
template <class Archive, Row<model::Schedule> T>
void ScheduleDefinitionFields(Archive& archive, T& schedule) {
  archive(1, schedule.tenant);
  archive(2, schedule.id);
  archive(3, schedule.uid);
  archive(4, schedule.request_hash);
  archive(5, schedule.created_by);
  archive(6, schedule.create_time);
  archive(7, schedule.definition.description);
  archive(8, schedule.definition.job_template);
  archive(9, schedule.definition.recurrence);
  archive(10, schedule.definition.overlap);
  archive(11, schedule.definition.catch_up);
}

/// The row with the kind 'p'.
template <class Archive, Row<model::Schedule> T>
void ScheduleProgressFields(Archive& archive, T& schedule) {
  archive(21, schedule.update_time);
  archive(22, schedule.paused);
  archive(23, schedule.pause_reason);
  archive(24, schedule.pause_time);
  archive(25, schedule.next_fire_time);
  archive(26, schedule.last_fire_time);
  archive(27, schedule.last_run);
  archive(28, schedule.open);
  archive(29, schedule.last_ended);
  archive(30, schedule.counters);
  archive(31, schedule.triggers);
}

/// Both rows.
template <class Archive, Row<model::Schedule> T>
void Fields(Archive& archive, T& schedule) {
  ScheduleDefinitionFields(archive, schedule);
  ScheduleProgressFields(archive, schedule);
}

}  // namespace millrace::format
