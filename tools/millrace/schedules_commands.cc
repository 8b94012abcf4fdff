// `millrace schedules`: jobs that are submitted at their times.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/model/cron.h"
#include "tools/millrace/commands.h"
#include "tools/millrace/human.h"
#include "tools/millrace/json_output.h"
#include "tools/millrace/render_schedules.h"
#include "tools/millrace/schedule_options.h"
#include "tools/millrace/submit_options.h"

namespace millrace::cli {
namespace {

constexpr char kIdHelp[] = "The schedule";

struct CreateOptions {
  std::string id;
  SubmitOptions submit;
  ScheduleOptions schedule;
};

struct UpdateOptions {
  std::string id;
  ScheduleOptions schedule;
  std::string service;
  std::string description;
};

struct RunsOptions {
  std::string id;
  int32_t limit = 20;
};

struct NextOptions {
  std::string cron;
  std::string time_zone;
  int32_t count = 5;
};

absl::StatusOr<ExitCode> Show(Session& session, const v1::Schedule& schedule) {
  if (session.json()) {
    session.PrintJson(schedule);
  } else {
    session.out() << RenderSchedule(schedule, session);
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Create(Session& session, const CreateOptions& options) {
  v1::CreateScheduleRequest request;
  request.set_schedule_id(options.id);
  v1::ScheduleSpec& spec = *request.mutable_spec();
  if (absl::Status set = SetSchedule(options.schedule, session, spec, nullptr); !set.ok()) return set;
  if (spec.recurrence_case() == v1::ScheduleSpec::RECURRENCE_NOT_SET) {
    return UsageError("give one of --cron, --every and --at: when the schedule fires");
  }
  auto job = SubmitRequestOf(options.submit, session);
  if (!job.ok()) return job.status();
  *spec.mutable_job() = *std::move(job);
  spec.set_description(options.submit.pipeline.description);
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto schedule = client->CreateSchedule(request, session.call());
  if (!schedule.ok()) return During("cannot create the schedule", schedule.status());
  return Show(session, *schedule);
}

absl::StatusOr<ExitCode> List(Session& session, const v1::ListSchedulesRequest& request) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  std::vector<v1::Schedule> schedules;
  const auto status = client->AllSchedules(request, session.call()).ForEach([&](const v1::Schedule& schedule) {
    schedules.push_back(schedule);
    return absl::OkStatus();
  });
  if (!status.ok()) return During("cannot list the schedules", status);
  if (session.json()) {
    std::vector<std::string> rows;
    rows.reserve(schedules.size());
    for (const v1::Schedule& schedule : schedules) rows.push_back(ToJson(schedule));
    session.PrintJson(JsonObject({{"schedules", JsonArray(rows)}}));
  } else if (schedules.empty()) {
    session.err() << "no schedule yet; `millrace schedules create` adds one\n";
  } else {
    session.out() << RenderSchedules(schedules, session);
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> ShowOne(Session& session, const v1::GetScheduleRequest& request) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto schedule = client->GetSchedule(request, session.call());
  if (!schedule.ok()) return During("cannot show the schedule", schedule.status());
  return Show(session, *schedule);
}

absl::StatusOr<ExitCode> Update(Session& session, const UpdateOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::UpdateScheduleRequest request;
  request.set_schedule_id(options.id);
  google::protobuf::FieldMask& mask = *request.mutable_update_mask();
  if (absl::Status set = SetSchedule(options.schedule, session, *request.mutable_spec(), &mask); !set.ok()) return set;
  const bool other_zone = !options.schedule.time_zone.empty() && options.schedule.cron.empty();
  if (other_zone || !options.service.empty()) {
    v1::GetScheduleRequest get;
    get.set_schedule_id(options.id);
    auto schedule = client->GetSchedule(get, session.call());
    if (!schedule.ok()) return During("cannot change the schedule", schedule.status());
    if (other_zone && request.spec().recurrence_case() == v1::ScheduleSpec::RECURRENCE_NOT_SET &&
        schedule->spec().has_cron()) {
      *request.mutable_spec()->mutable_cron() = schedule->spec().cron();
      request.mutable_spec()->mutable_cron()->set_time_zone(options.schedule.time_zone);
      mask.add_paths("cron");
    }
    if (!options.service.empty()) {
      *request.mutable_spec()->mutable_job() = std::move(*schedule->mutable_spec()->mutable_job());
      request.mutable_spec()->mutable_job()->set_service(options.service);
      mask.add_paths("job");
    }
  }
  if (!options.description.empty()) {
    request.mutable_spec()->set_description(options.description);
    mask.add_paths("description");
  }
  if (mask.paths().empty()) {
    return UsageError("nothing to change: give at least one option, such as --cron '0 7 * * MON-FRI'");
  }
  const auto schedule = client->UpdateSchedule(request, session.call());
  if (!schedule.ok()) return During("cannot change the schedule", schedule.status());
  return Show(session, *schedule);
}

absl::StatusOr<ExitCode> Delete(Session& session, const v1::DeleteScheduleRequest& request) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto deleted = client->DeleteSchedule(request, session.call());
  if (!deleted.ok()) return During("cannot delete the schedule", deleted.status());
  if (session.json()) {
    session.PrintJson(*deleted);
  } else {
    session.out() << "deleted " << request.schedule_id() << "; its jobs stay\n";
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Pause(Session& session, const v1::PauseScheduleRequest& request) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto schedule = client->PauseSchedule(request, session.call());
  if (!schedule.ok()) return During("cannot pause the schedule", schedule.status());
  if (session.json()) return Show(session, *schedule);
  session.out() << "paused " << schedule->id() << "\n";
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Resume(Session& session, const v1::ResumeScheduleRequest& request) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto schedule = client->ResumeSchedule(request, session.call());
  if (!schedule.ok()) return During("cannot resume the schedule", schedule.status());
  if (session.json()) return Show(session, *schedule);
  session.out() << "resumed " << schedule->id();
  if (schedule->has_next_fire_time()) session.out() << ": fires next at " << session.Time(schedule->next_fire_time());
  session.out() << "\n";
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Trigger(Session& session, const v1::TriggerScheduleRequest& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::TriggerScheduleRequest request = options;
  request.set_request_id(session.NewId());
  const auto run = client->TriggerSchedule(request, session.call());
  if (!run.ok()) return During("cannot trigger the schedule", run.status());
  if (session.json()) {
    session.PrintJson(*run);
  } else {
    session.out() << RenderScheduleRuns({*run}, session);
  }
  return run->state() == v1::SCHEDULE_RUN_STATE_REFUSED ? ExitCode::kFailed : ExitCode::kOk;
}

absl::StatusOr<ExitCode> Runs(Session& session, const RunsOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::ListScheduleRunsRequest request;
  request.set_schedule_id(options.id);
  request.set_page_size(options.limit);
  const auto runs = client->ListScheduleRuns(request, session.call());
  if (!runs.ok()) return During("cannot list the runs", runs.status());
  if (session.json()) {
    session.PrintJson(*runs);
  } else if (runs->runs().empty()) {
    session.err() << "no run yet\n";
  } else {
    session.out() << RenderScheduleRuns({runs->runs().begin(), runs->runs().end()}, session);
  }
  return ExitCode::kOk;
}

/// Asks no server: the rules are the same.
absl::StatusOr<ExitCode> Next(Session& session, const NextOptions& options) {
  const auto cron = model::CronExpression::Parse(options.cron);
  if (!cron.ok()) return UsageError(std::string(cron.status().message()));
  const auto zone = model::FindTimeZone(options.time_zone);
  if (!zone.ok()) return UsageError(absl::StrCat("--time-zone: ", zone.status().message()));
  absl::Time time = session.environment().clock->Now();
  std::vector<std::string> times;
  for (int32_t i = 0; i < options.count; ++i) {
    time = cron->Next(time, *zone);
    if (time == absl::InfiniteFuture()) break;
    times.push_back(absl::FormatTime("%Y-%m-%d %H:%M:%S %a %Ez", time, *zone));
    if (session.json()) times.back() = absl::StrCat("\"", absl::FormatTime(absl::RFC3339_full, time, *zone), "\"");
  }
  if (times.empty()) return UsageError("the expression names no time that comes: it would never fire");
  if (session.json()) {
    session.PrintJson(JsonObject({{"fireTimes", JsonArray(times)}}));
  } else {
    for (const std::string& line : times) session.out() << line << "\n";
  }
  return ExitCode::kOk;
}

/// A command whose request names a schedule and little else.
template <typename Request>
CLI::App* AddIdCommand(CommandTree& tree, CLI::App* group, const char* name, const char* help, const char* examples,
                       absl::StatusOr<ExitCode> (*run)(Session&, const Request&), std::shared_ptr<Request> request) {
  CLI::App* command = tree.AddCommand(group, name, help, examples);
  command
      ->add_option_function<std::string>(
          "ID", [request](const std::string& id) { request->set_schedule_id(id); }, kIdHelp)
      ->required();
  tree.OnRun(command, request, run);
  return command;
}

void AddCreate(CommandTree& tree, CLI::App* group) {
  auto options = std::make_shared<CreateOptions>();
  CLI::App* command = tree.AddCommand(
      group, "create", "Submit a job at each of its times: with the options of `jobs submit`",
      "millrace schedules create nightly sales/score --file orders.csv --cron '0 2 * * *' --time-zone Europe/Berlin\n"
      "millrace schedules create sweep demo/sweep --range 1000 --every 10m --overlap skip\n"
      "millrace schedules create month-end demo/report --range 1 --at '2027-01-01 00:05'\n"
      "# look first at what an expression means:\n"
      "millrace schedules next '0 7 * * MON-FRI' --time-zone Europe/Berlin");
  command->add_option("ID", options->id, "Id of the schedule: A-Z a-z 0-9 . _ : -")->required();
  AddSubmitOptions(command, options->submit);
  // Each run makes a job of its own.
  command->remove_option(command->get_option("--id"));
  AddScheduleOptions(command, options->schedule);
  tree.OnRun(command, options, &Create);
}

void AddUpdate(CommandTree& tree, CLI::App* group) {
  auto options = std::make_shared<UpdateOptions>();
  CLI::App* command =
      tree.AddCommand(group, "update", "Change when a schedule fires, its policies, or the version of its service",
                      "millrace schedules update nightly --cron '30 2 * * *' --time-zone Europe/Berlin\n"
                      "millrace schedules update nightly --overlap queue --catch-up none\n"
                      "millrace schedules update nightly --service 'sales/score[1.3.0]'");
  command->add_option("ID", options->id, kIdHelp)->required();
  AddScheduleOptions(command, options->schedule);
  command->add_option("--service", options->service, "The service, or the version of it, that its jobs run from now on")
      ->type_name("SERVICE");
  command->add_option("--description", options->description, "What it is for")->type_name("TEXT");
  tree.OnRun(command, options, &Update);
}

void AddRuns(CommandTree& tree, CLI::App* group) {
  auto options = std::make_shared<RunsOptions>();
  CLI::App* command = tree.AddCommand(group, "runs", "Show the history of a schedule, newest first, with its jobs",
                                      "millrace schedules runs nightly\n"
                                      "millrace schedules runs nightly --limit 100 -o json");
  command->add_option("ID", options->id, kIdHelp)->required();
  command->add_option("--limit", options->limit, "The most runs to show, up to 1000")
      ->type_name("N")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000).description(""));
  tree.OnRun(command, options, &Runs);
}

void AddNext(CommandTree& tree, CLI::App* group) {
  auto options = std::make_shared<NextOptions>();
  CLI::App* command =
      tree.AddCommand(group, "next", "Show when a cron expression fires next; asks no server, stores nothing",
                      "millrace schedules next '0 7 * * MON-FRI' --time-zone Europe/Berlin\n"
                      "millrace schedules next '*/10 30 2 * * SUN' --count 20");
  command->add_option("EXPRESSION", options->cron, "5 fields, or 6 with the second in front, or @daily and the like")
      ->required();
  command->add_option("--time-zone", options->time_zone, "The zone of the expression (default: UTC)")
      ->type_name("ZONE");
  command->add_option("--count", options->count, "How many times to show")
      ->type_name("N")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000).description(""));
  tree.OnRun(command, options, &Next);
}

}  // namespace

void AddSchedulesCommands(CommandTree& tree) {
  CLI::App* group = tree.AddGroup("schedules", "Jobs that are submitted at their times");
  AddCreate(tree, group);
  auto list = std::make_shared<v1::ListSchedulesRequest>();
  tree.OnRun(tree.AddCommand(group, "list", "List the schedules, and when each fires next", "millrace schedules list"),
             list, &List);
  AddIdCommand(tree, group, "show", "Show a schedule, what it waits for, and its last run",
               "millrace schedules show nightly", &ShowOne, std::make_shared<v1::GetScheduleRequest>());
  AddUpdate(tree, group);
  AddIdCommand(tree, group, "delete", "Delete a schedule and its history; its jobs stay",
               "millrace schedules delete nightly", &Delete, std::make_shared<v1::DeleteScheduleRequest>());
  auto pause = std::make_shared<v1::PauseScheduleRequest>();
  AddIdCommand(tree, group, "pause", "Keep a schedule from firing until it is resumed",
               "millrace schedules pause nightly --reason \"orders are late\"", &Pause, pause)
      ->add_option_function<std::string>(
          "--reason", [pause](const std::string& reason) { pause->set_reason(reason); }, "Why, for people")
      ->type_name("TEXT");
  AddIdCommand(tree, group, "resume", "Let a paused schedule fire again; times of the pause are not made up for",
               "millrace schedules resume nightly", &Resume, std::make_shared<v1::ResumeScheduleRequest>());
  AddIdCommand(tree, group, "trigger", "Make a run now; the times of the schedule stay as they are",
               "millrace schedules trigger nightly", &Trigger, std::make_shared<v1::TriggerScheduleRequest>());
  AddRuns(tree, group);
  AddNext(tree, group);
}

}  // namespace millrace::cli
