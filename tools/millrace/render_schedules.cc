#include "tools/millrace/render_schedules.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tools/millrace/human.h"
#include "tools/millrace/render.h"
#include "tools/millrace/table.h"

namespace millrace::cli {
namespace {

/// The name of a value as it is typed.
std::string Typed(const std::string& name, size_t prefix_bytes) {
  return absl::StrReplaceAll(absl::AsciiStrToLower(name.substr(prefix_bytes)), {{"_", "-"}});
}

std::string TimeOrNothing(bool has, const google::protobuf::Timestamp& time, const Session& session) {
  return has ? session.Time(time) : "";
}

std::string Next(const v1::Schedule& schedule, const Session& session) {
  if (schedule.paused()) return "paused";
  if (schedule.has_next_fire_time()) return session.Time(schedule.next_fire_time());
  return schedule.spec().has_interval() && schedule.open_runs_size() > 0 ? "after this run" : "-";
}

std::string LastRun(const v1::Schedule& schedule) {
  if (schedule.open_runs_size() > 0) return DescribeRun(schedule.open_runs(0));
  return schedule.has_last_ended_run() ? DescribeRun(schedule.last_ended_run()) : "-";
}

std::string RunFact(const v1::ScheduleRun& run, const Session& session) {
  std::string text = absl::StrCat(run.number(), "  ", session.Time(run.scheduled_time()), "  ", DescribeRun(run));
  if (!run.job_id().empty()) absl::StrAppend(&text, "  job ", run.job_id());
  if (!run.message().empty()) absl::StrAppend(&text, "  ", Printable(run.message()));
  return text;
}

}  // namespace

std::string DescribeRecurrence(const v1::ScheduleSpec& spec, const Session& session) {
  if (spec.has_cron()) return absl::StrCat(spec.cron().expression(), " (", spec.cron().time_zone(), ")");
  if (spec.has_interval()) return absl::StrCat(HumanDuration(FromProto(spec.interval())), " after each run");
  return spec.has_once() ? absl::StrCat("once at ", session.Time(spec.once())) : "";
}

std::string DescribeRun(const v1::ScheduleRun& run) {
  std::string text = v1::ScheduleRunState_Name(run.state()).substr(sizeof("SCHEDULE_RUN_STATE_") - 1);
  if (run.state() != v1::SCHEDULE_RUN_STATE_COMPLETED) return text;
  if (run.outcome() != v1::OUTCOME_UNSPECIFIED) {
    absl::StrAppend(&text, ", ", v1::Outcome_Name(run.outcome()).substr(sizeof("OUTCOME_") - 1));
  } else if (run.job_state() != v1::JOB_STATE_UNSPECIFIED) {
    absl::StrAppend(&text, ", ", v1::JobState_Name(run.job_state()).substr(sizeof("JOB_STATE_") - 1));
  }
  return text;
}

std::string RenderSchedule(const v1::Schedule& schedule, const Session& session) {
  const v1::ScheduleSpec& spec = schedule.spec();
  std::vector<std::pair<std::string, std::string>> facts = {
      {"id", schedule.id()},
      {"description", Printable(spec.description())},
      {"fires", DescribeRecurrence(spec, session)},
      {"from", TimeOrNothing(spec.has_start_time(), spec.start_time(), session)},
      {"until", TimeOrNothing(spec.has_end_time(), spec.end_time(), session)},
      {"next", Next(schedule, session)},
      {"pause reason", Printable(schedule.pause_reason())},
      {"service", spec.job().service()},
      {"overlap", Typed(v1::OverlapPolicy_Name(spec.overlap()), sizeof("OVERLAP_POLICY_") - 1)},
      {"catch up", Typed(v1::CatchUpPolicy_Name(spec.catch_up()), sizeof("CATCH_UP_POLICY_") - 1)},
      {"runs", absl::StrCat(HumanCount(schedule.runs()), ": ", HumanCount(schedule.runs_completed()), " completed, ",
                            HumanCount(schedule.runs_skipped()), " skipped, ", HumanCount(schedule.runs_refused()),
                            " refused")}};
  if (schedule.fire_times_missed() > 0) facts.emplace_back("missed", HumanCount(schedule.fire_times_missed()));
  for (const v1::ScheduleRun& run : schedule.open_runs()) facts.emplace_back("open run", RunFact(run, session));
  if (schedule.has_last_ended_run()) facts.emplace_back("last run", RunFact(schedule.last_ended_run(), session));
  facts.emplace_back("created", absl::StrCat(session.Time(schedule.create_time()), " by ", schedule.created_by()));
  return RenderFacts(facts, session.out_style());
}

std::string RenderSchedules(const std::vector<v1::Schedule>& schedules, const Session& session) {
  Table table({{"SCHEDULE"}, {"SERVICE"}, {"FIRES"}, {"NEXT"}, {"LAST RUN"}, {"RUNS", Align::kRight}});
  for (const v1::Schedule& schedule : schedules) {
    table.AddRow({schedule.id(), schedule.spec().job().service(), DescribeRecurrence(schedule.spec(), session),
                  Next(schedule, session), LastRun(schedule), HumanCount(schedule.runs())});
  }
  return table.empty() ? "" : table.Render(session.out_style());
}

std::string RenderScheduleRuns(const std::vector<v1::ScheduleRun>& runs, const Session& session) {
  Table table({{"RUN", Align::kRight},
               {"SCHEDULED"},
               {"STATE"},
               {"JOB"},
               {"ENDED"},
               {"MISSED", Align::kRight},
               {"BY"},
               {"WHY"}});
  for (const v1::ScheduleRun& run : runs) {
    table.AddRow({absl::StrCat(run.number()), session.Time(run.scheduled_time()), DescribeRun(run), run.job_id(),
                  TimeOrNothing(run.has_end_time(), run.end_time(), session),
                  run.missed() > 0 ? HumanCount(run.missed()) : "",
                  run.triggered_by().empty() ? "schedule" : Printable(run.triggered_by()), Printable(run.message())});
  }
  return table.empty() ? "" : table.Render(session.out_style());
}

}  // namespace millrace::cli
