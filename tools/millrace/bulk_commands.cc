// `millrace bulk`: jobs whose records are jobs.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/millrace/bulk_file.h"
#include "tools/millrace/commands.h"
#include "tools/millrace/job_filter.h"
#include "tools/millrace/json_output.h"
#include "tools/millrace/render.h"
#include "tools/millrace/render_bulk.h"
#include "tools/millrace/watch.h"

namespace millrace::cli {
namespace {

constexpr int64_t kLimit = 100;

struct SubmitOptions {
  std::string file;
  int32_t parallel = 0;
  bool sequential = false;
  bool stop_on_error = false;
  std::string id;
  std::string name;
  std::string project;
  bool wait = false;
  bool allow_exceptions = false;
};

struct ListOptions {
  JobFilterOptions filter;
  int64_t limit = kLimit;
};

struct ShowOptions {
  std::string id;
  int64_t limit = kLimit;
};

struct RetryOptions {
  std::string id;
  bool skipped = false;
};

struct CancelOptions {
  std::string id;
  std::string reason;
  bool force = false;
};

/// The first jobs of a list.
absl::StatusOr<std::vector<v1::Job>> Take(const client::Client& client, const v1::ListJobsRequest& request,
                                          int64_t limit, Session& session) {
  std::vector<v1::Job> jobs;
  for (const absl::StatusOr<v1::Job>& job : client.AllJobs(request, session.call())) {
    if (!job.ok()) return job.status();
    if (static_cast<int64_t>(jobs.size()) == limit) {
      session.err() << "there are more; --limit shows them\n";
      break;
    }
    jobs.push_back(*job);
  }
  return jobs;
}

std::string ArrayOf(const std::vector<v1::Job>& jobs) {
  std::vector<std::string> values;
  values.reserve(jobs.size());
  for (const v1::Job& job : jobs) values.push_back(ToJson(job));
  return JsonArray(values);
}

absl::StatusOr<v1::SubmitJobRequest> RequestOf(const SubmitOptions& options, Session& session) {
  absl::StatusOr<v1::SubmitJobRequest> request = ReadBulkFile(options.file);
  if (!request.ok()) return request;
  v1::JobOptions& job = *request->mutable_options();
  if (options.parallel > 0) job.set_max_workers(options.parallel);
  if (options.sequential) job.set_max_workers(1);
  if (options.stop_on_error) job.set_stop_on_error(true);
  if (!options.name.empty()) request->mutable_metadata()->set_name(options.name);
  if (!options.project.empty()) request->mutable_metadata()->set_project(options.project);
  if (!options.id.empty()) request->set_job_id(options.id);
  if (request->request_id().empty()) request->set_request_id(session.NewId());
  return request;
}

absl::StatusOr<ExitCode> Submit(Session& session, const SubmitOptions& options) {
  const absl::StatusOr<v1::SubmitJobRequest> request = RequestOf(options, session);
  if (!request.ok()) return request.status();
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto job = client->SubmitJob(*request, session.call());
  if (!job.ok()) return During("cannot submit the bulk run", job.status());
  if (options.wait) {
    if (!session.json()) session.err() << "bulk run " << job->id() << std::endl;
    return WatchUntilEnd(session, job->id(), options.allow_exceptions);
  }
  if (session.json()) {
    session.PrintJson(*job);
  } else {
    session.out() << RenderJob(*job, session);
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> List(Session& session, const ListOptions& options) {
  absl::StatusOr<v1::ListJobsRequest> request = ReadJobFilter(session, options.filter);
  if (!request.ok()) return request.status();
  if (!request->service().empty()) return UsageError("--service: every bulk run is a job of millrace/jobs");
  request->set_service(std::string(kJobsService));
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto jobs = Take(*client, *request, options.limit, session);
  if (!jobs.ok()) return During("cannot list the bulk runs", jobs.status());
  if (session.json()) {
    session.PrintJson(JsonObject({{"jobs", ArrayOf(*jobs)}}));
    return ExitCode::kOk;
  }
  session.out() << RenderJobs(*jobs, session);
  if (jobs->empty()) session.err() << "no such bulk run\n";
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Show(Session& session, const ShowOptions& options) {
  constexpr char kDoing[] = "cannot show the bulk run";
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::GetJobRequest get;
  get.set_job_id(options.id);
  const auto bulk = client->GetJob(get, session.call());
  if (!bulk.ok()) return During(kDoing, bulk.status());
  if (bulk->service() != kJobsService) {
    return UsageError(
        absl::StrCat(options.id, " is no bulk run but a job of ", bulk->service(), "; millrace jobs show shows it"));
  }
  v1::GetJobStatisticsRequest count;
  count.set_job_id(options.id);
  const auto statistics = client->GetJobStatistics(count, session.call());
  if (!statistics.ok()) return During(kDoing, statistics.status());
  v1::ListJobsRequest list;
  list.set_parent_job_id(options.id);
  list.set_order(v1::JOB_ORDER_OLDEST_FIRST);
  const auto children = Take(*client, list, options.limit, session);
  if (!children.ok()) return During(kDoing, children.status());
  if (session.json()) {
    session.PrintJson(
        JsonObject({{"job", ToJson(*bulk)}, {"statistics", ToJson(*statistics)}, {"children", ArrayOf(*children)}}));
    return ExitCode::kOk;
  }
  session.out() << RenderBulkRun(*bulk, *statistics, *children, session);
  if (statistics->exception_groups() > 0) {
    session.err() << "why records failed: millrace exceptions list " << options.id << "\n";
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Retry(Session& session, const RetryOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::RetryJobRequest request;
  request.set_job_id(options.id);
  request.set_failed(true);
  request.set_allow_cancelled(options.skipped);
  int64_t failed = 0;
  int64_t skipped = 0;
  v1::RetryJobResponse response;
  do {
    auto retried = client->RetryJob(request, session.call());
    if (!retried.ok()) return During("cannot run the jobs again", retried.status());
    response = *std::move(retried);
    failed += response.failed_record_count();
    skipped += response.taken_up_record_count();
    request.set_up_to_sequence(response.up_to_sequence());
    request.set_after_sequence(response.after_sequence());
  } while (response.more());
  if (session.json()) {
    session.PrintJson(JsonObject(
        {{"job", ToJson(response.job())}, {"failed", absl::StrCat(failed)}, {"skipped", absl::StrCat(skipped)}}));
    return ExitCode::kOk;
  }
  if (failed + skipped == 0) {
    session.out() << "nothing to run again\n";
  } else {
    session.out() << "run again: " << failed << " that failed"
                  << (skipped > 0 ? absl::StrCat(", ", skipped, " skipped") : "") << "; " << options.id << " is "
                  << DescribeState(response.job().state(), response.job().outcome()) << "\n";
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Cancel(Session& session, const CancelOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::CancelPipelineRequest request;
  request.set_pipeline_id(options.id);
  request.set_reason(options.reason);
  request.set_force(options.force);
  const auto job = client->CancelPipeline(request, session.call());
  if (!job.ok()) return During("cannot cancel the bulk run", job.status());
  if (session.json()) {
    session.PrintJson(*job);
  } else {
    session.out() << "cancelled " << job->id() << ", and its jobs with it\n";
  }
  return ExitCode::kOk;
}

void AddSubmit(CommandTree& tree, CLI::App* group) {
  auto options = std::make_shared<SubmitOptions>();
  CLI::App* submit = tree.AddCommand(group, "submit", "Start a bulk run: the jobs that a file lists",
                                     "# {\"jobs\": [{\"name\": \"retail\", \"service\": \"demo/generate\",\n"
                                     "#            \"source\": {\"range\": {\"count\": 1000}}}, ...]}\n"
                                     "millrace bulk submit nightly.json --parallel 4 --wait\n"
                                     "# one after the other, until one fails:\n"
                                     "millrace bulk submit migration.jsonl --sequential --stop-on-error");
  submit->add_option("FILE", options->file, "A JSON object with `jobs`, or JSON Lines with a job each: docs/BULK.md")
      ->required();
  CLI::Option* parallel = submit->add_option("--parallel", options->parallel, "How many jobs run side by side")
                              ->type_name("N")
                              ->check(AtLeastOne());
  submit->add_flag("--sequential", options->sequential, "One job after the other, in the order of the file")
      ->excludes(parallel);
  submit->add_flag("--stop-on-error", options->stop_on_error, "The first job that does not succeed ends the bulk run");
  submit->add_option("--id", options->id, "The id of the bulk run")->type_name("ID");
  submit->add_option("--name", options->name, "A name for people");
  submit->add_option("--project", options->project, "Of the bulk run, and of the jobs that name none");
  submit->add_flag("--wait", options->wait, "Wait until all have ended, showing on stderr how far it is");
  submit->add_flag("--allow-exceptions", options->allow_exceptions,
                   "With --wait: end with exit code 0 although jobs failed");
  tree.OnRun(submit, options, &Submit);
}

}  // namespace

void AddBulkCommands(CommandTree& tree) {
  CLI::App* group = tree.AddGroup("bulk", "Bulk runs: jobs whose records are jobs");
  AddSubmit(tree, group);

  auto list_options = std::make_shared<ListOptions>();
  CLI::App* list = tree.AddCommand(group, "list", "List bulk runs, newest first",
                                   "millrace bulk list\n"
                                   "millrace bulk list --unfinished --project sales");
  AddJobFilterOptions(list, list_options->filter);
  list->add_option("--limit", list_options->limit, "The most bulk runs to list")
      ->type_name("N")
      ->check(AtLeastOne())
      ->capture_default_str();
  tree.OnRun(list, list_options, &List);

  auto show_options = std::make_shared<ShowOptions>();
  CLI::App* show = tree.AddCommand(group, "show", "Show a bulk run, its jobs, and how far all of it is",
                                   "millrace bulk show 01h2xcejqtf2nbrexx3vqjhp41\n"
                                   "millrace bulk show 01h2xcejqtf2nbrexx3vqjhp41 -o json | jq .statistics.children");
  show->add_option("ID", show_options->id, "The bulk run")->required();
  show->add_option("--limit", show_options->limit, "The most jobs to show, oldest first")
      ->type_name("N")
      ->check(AtLeastOne())
      ->capture_default_str();
  tree.OnRun(show, show_options, &Show);

  auto retry_options = std::make_shared<RetryOptions>();
  CLI::App* retry = tree.AddCommand(group, "retry", "Run the jobs again that did not succeed, as new jobs",
                                    "millrace bulk retry 01h2xcejqtf2nbrexx3vqjhp41\n"
                                    "# of a bulk run that was stopped or cancelled, the rest of it, too:\n"
                                    "millrace bulk retry 01h2xcejqtf2nbrexx3vqjhp41 --skipped");
  retry->add_option("ID", retry_options->id, "The bulk run")->required();
  retry->add_flag("--skipped", retry_options->skipped,
                  "Take up a bulk run that failed or was cancelled: also run what was skipped then");
  tree.OnRun(retry, retry_options, &Retry);

  auto cancel_options = std::make_shared<CancelOptions>();
  CLI::App* cancel = tree.AddCommand(group, "cancel", "Cancel a bulk run and those of its jobs that run",
                                     "millrace bulk cancel 01h2xcejqtf2nbrexx3vqjhp41 --reason 'wrong month'");
  cancel->add_option("ID", cancel_options->id, "The bulk run")->required();
  cancel->add_option("--reason", cancel_options->reason, "Why, for people");
  cancel->add_flag("--force", cancel_options->force, "Do not let running chunks of the jobs finish");
  tree.OnRun(cancel, cancel_options, &Cancel);
}

}  // namespace millrace::cli
