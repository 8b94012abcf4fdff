// `jobs retry`: runs records of one job again, or of many.
#include <memory>
#include <string>
#include <vector>

#include "tools/millrace/bulk_change.h"
#include "tools/millrace/commands.h"
#include "tools/millrace/retry.h"

namespace millrace::cli {
namespace {

struct RetryJobOptions {
  BulkOptions jobs;
  std::string group;
  std::string config_hash;
  bool failed = false;
  bool other_code = false;
  RetryOptions retry;
};

v1::RetryJobRequest RequestOf(const RetryJobOptions& options, const std::string& id) {
  v1::RetryJobRequest request = RetryRequestOf(id, options.group, options.retry);
  if (!options.config_hash.empty()) request.set_config_hash(options.config_hash);
  if (options.other_code) request.set_other_code_than_job(true);
  return request;
}

absl::StatusOr<ExitCode> Retry(Session& session, const RetryJobOptions& options) {
  if (absl::Status checked = CheckBulkOptions(options.jobs); !checked.ok()) return checked;
  if (!options.jobs.all_matching) {
    const auto client = session.Connect(kRetryFor);
    if (!client.ok()) return client.status();
    return RetryOne(session, *client, RequestOf(options, options.jobs.id), options.retry.wait);
  }
  if (options.retry.wait.wait) return UsageError("--wait is for one job; `jobs watch` shows each");
  if (!options.group.empty()) return UsageError("--group is for one job: another one has other groups");
  BulkOptions jobs = options.jobs;
  jobs.preview = options.retry.preview;
  std::vector<v1::JobState> states = {v1::JOB_STATE_IN_PROGRESS, v1::JOB_STATE_PAUSED,
                                      v1::JOB_STATE_CLOSED,      v1::JOB_STATE_CLOSED_BY_TIMEOUT,
                                      v1::JOB_STATE_COMPLETED,   v1::JOB_STATE_COMPLETED_BY_TIMEOUT};
  if (options.retry.allow_cancelled) states.insert(states.end(), {v1::JOB_STATE_FAILED, v1::JOB_STATE_CANCELLED});
  return ChangeMatching(
      session, jobs,
      {.verb = "retry",
       .done = "retried",
       .states = states,
       .change = [&](const client::Client& client, const std::string& id) -> absl::StatusOr<std::string> {
         const auto retried = RetryAll(client, RequestOf(options, id), session.call());
         if (!retried.ok()) return retried.status();
         return DescribeRetry(*retried, /*preview=*/false);
       }});
}

}  // namespace

void AddRetryCommand(CommandTree& tree, CLI::App* jobs) {
  auto options = std::make_shared<RetryJobOptions>();
  CLI::App* retry = tree.AddCommand(
      jobs, "retry", "Run records of a job again, under its present version: those that failed, unless told otherwise",
      "millrace jobs retry 01h2xcejqtf2nbrexx3vqjhp41 --preview\n"
      "millrace jobs retry 01h2xcejqtf2nbrexx3vqjhp41 --wait --note 'prices are there'\n"
      "# all that ran before `jobs update --service-version`, also what succeeded\n"
      "millrace jobs retry 01h2xcejqtf2nbrexx3vqjhp41 --other-code --wait\n"
      "# a job that was cancelled goes on where it stopped\n"
      "millrace jobs retry 01h2xcejqtf2nbrexx3vqjhp41 --allow-cancelled --wait\n"
      "# some of those that failed: millrace exceptions reprocess\n"
      "millrace jobs retry --all-matching --service pricing/swap --since 24h --jobs-per-second 1");
  CLI::Option_group* which = retry->add_option_group("which");
  which->add_flag("--failed", options->failed, "Every record that failed; this is what happens without any of these");
  which->add_option("--group", options->group, "Those of a group, as `exceptions groups` names it")->type_name("GROUP");
  which
      ->add_option("--chunks-with-hash", options->config_hash,
                   "What ran under this config hash, as `jobs chunks` names it: also what succeeded")
      ->type_name("HASH");
  which->add_flag("--other-code", options->other_code,
                  "The same for all that ran under other code than the job has now");
  which->require_option(0, 1);
  AddRetryOptions(retry, options->retry);
  AddBulkOptions(retry, options->jobs, /*with_preview=*/false);
  tree.OnRun(retry, options, &Retry);
}

}  // namespace millrace::cli
