// `millrace bulk`: jobs whose records are jobs.
#include <cstdint>
#include <memory>
#include <string>

#include "tools/millrace/bulk_run.h"
#include "tools/millrace/commands.h"
#include "tools/millrace/job_filter.h"
#include "tools/millrace/list.h"
#include "tools/millrace/pipeline_options.h"
#include "tools/millrace/render.h"
#include "tools/millrace/retry.h"

namespace millrace::cli {
namespace {

constexpr int64_t kLimit = 100;

struct ListOptions {
  JobFilterOptions filter;
  int64_t limit = kLimit;
};

struct RetryBulkOptions {
  std::string id;
  std::string group;
  RetryOptions retry;
};

absl::StatusOr<ExitCode> List(Session& session, const ListOptions& options) {
  absl::StatusOr<v1::ListJobsRequest> request = ReadJobFilter(session, options.filter);
  if (!request.ok()) return request.status();
  request->set_service(std::string(kJobsService));
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto jobs = TakeFirst(client->AllJobs(*request, session.call()), options.limit);
  if (!jobs.ok()) return During("cannot list the bulk runs", jobs.status());
  return PrintList(session, *jobs, "jobs", "no such bulk run", &RenderJobs);
}

absl::StatusOr<ExitCode> Retry(Session& session, const RetryBulkOptions& options) {
  const auto client = session.Connect(kRetryFor);
  if (!client.ok()) return client.status();
  const absl::StatusOr<v1::Job> bulk = GetBulkRun(session, *client, options.id);
  if (!bulk.ok()) return During("the jobs are not run again", bulk.status());
  const auto print = [&](const v1::Job& ended) { return PrintBulkRun(session, *client, ended, kBulkRunJobs); };
  return RetryOne(session, *client, RetryRequestOf(options.id, options.group, options.retry), options.retry.wait,
                  {.record = "job", .print = print});
}

absl::StatusOr<ExitCode> Cancel(Session& session, const v1::CancelPipelineRequest& request) {
  constexpr char kDoing[] = "cannot cancel the bulk run";
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const absl::StatusOr<v1::Job> bulk = GetBulkRun(session, *client, request.pipeline_id());
  if (!bulk.ok()) return During(kDoing, bulk.status());
  const auto job = client->CancelPipeline(request, session.call());
  if (!job.ok()) return During(kDoing, job.status());
  if (session.json()) {
    session.PrintJson(*job);
  } else {
    session.out() << "cancelled " << job->id() << ", and its jobs with it\n";
  }
  return ExitCode::kOk;
}

}  // namespace

void AddBulkCommands(CommandTree& tree) {
  CLI::App* group = tree.AddGroup("bulk", "Bulk runs: jobs whose records are jobs");
  AddBulkSubmitCommand(tree, group);

  auto list_options = std::make_shared<ListOptions>();
  CLI::App* list = tree.AddCommand(group, "list", "List bulk runs, newest first",
                                   "millrace bulk list\n"
                                   "millrace bulk list --unfinished --project sales");
  AddJobFilterOptions(list, list_options->filter, ServiceFilter::kNone);
  list->add_option("--limit", list_options->limit, "The most bulk runs to list")
      ->type_name("N")
      ->check(AtLeastOne())
      ->capture_default_str();
  tree.OnRun(list, list_options, &List);

  AddBulkShowCommand(tree, group);

  auto retry_options = std::make_shared<RetryBulkOptions>();
  CLI::App* retry = tree.AddCommand(group, "retry", "Run the jobs again that did not succeed, as new jobs",
                                    "millrace bulk retry 01h2xcejqtf2nbrexx3vqjhp41 --wait\n"
                                    "# of a bulk run that was stopped or cancelled, the rest of it, too:\n"
                                    "millrace bulk retry 01h2xcejqtf2nbrexx3vqjhp41 --allow-cancelled");
  retry->add_option("ID", retry_options->id, "The bulk run")->required();
  retry->add_option("--group", retry_options->group, "Those that failed in one way, as `exceptions groups` names it")
      ->type_name("GROUP");
  AddRetryOptions(retry, retry_options->retry);
  tree.OnRun(retry, retry_options, &Retry);

  auto cancel_request = std::make_shared<v1::CancelPipelineRequest>();
  CLI::App* cancel = tree.AddCommand(group, "cancel", "Cancel a bulk run and those of its jobs that run",
                                     "millrace bulk cancel 01h2xcejqtf2nbrexx3vqjhp41 --reason 'wrong month'");
  cancel
      ->add_option_function<std::string>(
          "ID", [=](const std::string& id) { cancel_request->set_pipeline_id(id); }, "The bulk run")
      ->required();
  AddCancelOptions(cancel, *cancel_request);
  tree.OnRun(cancel, cancel_request, &Cancel);
}

}  // namespace millrace::cli
