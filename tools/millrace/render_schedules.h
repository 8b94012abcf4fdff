// Schedules and their runs as people read them.
#pragma once

#include <string>
#include <vector>

#include "millrace/v1/schedule_service.pb.h"
#include "tools/millrace/session.h"

namespace millrace::cli {

/// When it fires, in a few words: `0 7 * * MON-FRI (Europe/Berlin)`, `10m after each run`, `once at 2027-03-28
/// 07:00:00`.
std::string DescribeRecurrence(const v1::ScheduleSpec& spec, const Session& session);

/// All that is known about a schedule.
std::string RenderSchedule(const v1::Schedule& schedule, const Session& session);

/// One line a schedule; empty for none.
std::string RenderSchedules(const std::vector<v1::Schedule>& schedules, const Session& session);

/// `COMPLETED, SUCCEEDED`, with the state of a job that did not complete: `COMPLETED, CANCELLED`.
std::string DescribeRun(const v1::ScheduleRun& run);

/// One line a run; empty for none.
std::string RenderScheduleRuns(const std::vector<v1::ScheduleRun>& runs, const Session& session);

}  // namespace millrace::cli
