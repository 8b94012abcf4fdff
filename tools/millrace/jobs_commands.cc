#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tools/millrace/commands.h"
#include "tools/millrace/json_output.h"
#include "tools/millrace/render.h"

namespace millrace::cli {
namespace {

constexpr char kStatePrefix[] = "JOB_STATE_";

struct JobsOptions {
  std::string id;
  std::vector<std::string> states;
  std::string service;
  int64_t limit = 100;
  int64_t chunk = 0;
  bool force = false;
};

absl::StatusOr<ExitCode> List(Session& session, const JobsOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::ListJobsRequest request;
  request.set_service(options.service);
  for (const std::string& name : options.states) {
    v1::JobState state = v1::JOB_STATE_UNSPECIFIED;
    v1::JobState_Parse(absl::StrCat(kStatePrefix, absl::AsciiStrToUpper(name)), &state);
    request.add_states(state);
  }
  std::vector<v1::Job> jobs;
  bool is_cut = false;
  for (const absl::StatusOr<v1::Job>& job : client->AllJobs(request, session.call())) {
    if (!job.ok()) return During("cannot list the jobs", job.status());
    is_cut = static_cast<int64_t>(jobs.size()) == options.limit;
    if (is_cut) break;
    jobs.push_back(*job);
  }
  if (session.json()) {
    std::vector<std::string> list;
    list.reserve(jobs.size());
    for (const v1::Job& job : jobs) list.push_back(ToJson(job));
    session.PrintJson(JsonObject({{"jobs", JsonArray(list)}, {"truncated", is_cut ? "true" : "false"}}));
    return ExitCode::kOk;
  }
  session.out() << RenderJobs(jobs, session);
  if (jobs.empty()) session.err() << "no such job\n";
  if (is_cut) session.err() << "there are more; --limit shows them\n";
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Show(Session& session, const JobsOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::GetJobRequest request;
  request.set_job_id(options.id);
  const auto job = client->GetJob(request, session.call());
  if (!job.ok()) return During("cannot show the job", job.status());
  if (session.json()) {
    session.PrintJson(*job);
  } else {
    session.out() << RenderJob(*job, session);
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Explain(Session& session, const JobsOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::ExplainJobRequest request;
  request.set_job_id(options.id);
  request.set_sequence(options.chunk);
  const auto explanation = client->ExplainJob(request, session.call());
  if (!explanation.ok()) return During("cannot explain the job", explanation.status());
  if (session.json()) {
    session.PrintJson(*explanation);
  } else {
    session.out() << RenderExplanation(*explanation, session);
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Delete(Session& session, const JobsOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::DeleteJobRequest request;
  request.set_job_id(options.id);
  request.set_force(options.force);
  const auto deleted = client->DeleteJob(request, session.call());
  if (!deleted.ok()) return During("cannot delete the job", deleted.status());
  if (session.json()) {
    session.PrintJson(*deleted);
  } else {
    session.out() << "deleted " << options.id << "\n";
  }
  return ExitCode::kOk;
}

}  // namespace

void AddJobsCommands(CommandTree& tree) {
  CLI::App* group = tree.AddGroup("jobs", "Jobs: the durable records of runs");
  AddSubmitCommand(tree, group);
  auto list_options = std::make_shared<JobsOptions>();
  CLI::App* list = tree.AddCommand(group, "list", "List jobs, newest first",
                                   "millrace jobs list\n"
                                   "millrace jobs list --state IN_PROGRESS --state CLOSED\n"
                                   "millrace jobs list --service aviation/strike-severity --limit 10 -o json");
  list->add_option("--state", list_options->states, "Only jobs in this state. May be repeated")
      ->type_name("STATE")
      ->expected(1)
      ->take_all()
      ->check(CLI::IsMember(EnumNames(*v1::JobState_descriptor(), kStatePrefix), CLI::ignore_case));
  list->add_option("--service", list_options->service, "Only jobs of this service")->type_name("FOLDER/NAME");
  list->add_option("--limit", list_options->limit, "The most jobs to list")
      ->type_name("N")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  tree.OnRun(list, list_options, &List);

  auto show_options = std::make_shared<JobsOptions>();
  CLI::App* show = tree.AddCommand(group, "show", "Show all that is known about a job",
                                   "millrace jobs show 01h2xcejqtf2nbrexx3vqjhp41\n"
                                   "millrace jobs show 01h2xcejqtf2nbrexx3vqjhp41 -o json | jq .summary");
  show->add_option("ID", show_options->id, "The job, or its pipeline: the ids are the same")->required();
  tree.OnRun(show, show_options, &Show);

  auto explain_options = std::make_shared<JobsOptions>();
  CLI::App* explain = tree.AddCommand(group, "explain", "Say why a job, or one of its chunks, is not running",
                                      "millrace jobs explain 01h2xcejqtf2nbrexx3vqjhp41\n"
                                      "millrace jobs explain 01h2xcejqtf2nbrexx3vqjhp41 --chunk 17");
  explain->add_option("ID", explain_options->id, "The job, or its pipeline: the ids are the same")->required();
  explain->add_option("--chunk", explain_options->chunk, "The chunk with this place in push order, from 1 on")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  tree.OnRun(explain, explain_options, &Explain);

  AddTuningCommands(tree, group);

  auto delete_options = std::make_shared<JobsOptions>();
  CLI::App* remove = tree.AddCommand(group, "delete", "Delete a job that has ended, with everything it holds",
                                     "millrace jobs delete 01h2xcejqtf2nbrexx3vqjhp41\n"
                                     "millrace jobs delete 01h2xcejqtf2nbrexx3vqjhp41 --force");
  remove->add_option("ID", delete_options->id, "The job, or its pipeline: the ids are the same")->required();
  remove->add_flag("--force", delete_options->force, "Cancel it first if it has not ended");
  tree.OnRun(remove, delete_options, &Delete);

  AddExportCommand(tree, group);
}

}  // namespace millrace::cli
