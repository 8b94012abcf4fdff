// `jobs delete`.
#include <memory>
#include <string>

#include "client/cpp/errors.h"
#include "tools/millrace/bulk_change.h"
#include "tools/millrace/commands.h"
#include "tools/millrace/render.h"

namespace millrace::cli {
namespace {

struct DeleteOptions {
  BulkOptions jobs;
  bool force = false;
};

// For how long a job that was cancelled may come to its end: its chunks, and the jobs of a bulk run.
constexpr absl::Duration kEndsWithin = absl::Seconds(10);

absl::StatusOr<v1::DeleteJobResponse> DeleteOne(Session& session, const client::Client& client, const std::string& id,
                                                bool force) {
  v1::DeleteJobRequest request;
  request.set_job_id(id);
  request.set_force(force);
  const Environment& environment = session.environment();
  const absl::Duration start = environment.timer->Elapsed();
  while (true) {
    absl::StatusOr<v1::DeleteJobResponse> deleted = client.DeleteJob(request, session.call());
    const client::ErrorDetails error = client::ErrorDetailsOf(deleted.status());
    if (!force || error.reason != v1::JOB_NOT_FINISHED || !error.retry_delay.has_value()) return deleted;
    if (environment.timer->Elapsed() - start >= kEndsWithin) return deleted;
    if (!environment.timer->Sleep(*error.retry_delay, environment.stop)) return absl::CancelledError("interrupted");
  }
}

absl::StatusOr<ExitCode> Delete(Session& session, const DeleteOptions& options) {
  if (absl::Status checked = CheckBulkOptions(options.jobs); !checked.ok()) return checked;
  if (options.jobs.all_matching) {
    return ChangeMatching(
        session, options.jobs,
        {.verb = "delete",
         .done = "deleted",
         .states = options.force ? std::vector<v1::JobState>() : StatesThat(/*ended=*/true),
         .change = [&](const client::Client& client, const std::string& id) -> absl::StatusOr<std::string> {
           const auto deleted = DeleteOne(session, client, id, options.force);
           return deleted.ok() ? absl::StatusOr<std::string>("deleted") : deleted.status();
         }});
  }
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto deleted = DeleteOne(session, *client, options.jobs.id, options.force);
  if (!deleted.ok()) return During("cannot delete the job", deleted.status());
  if (session.json()) {
    session.PrintJson(*deleted);
  } else {
    session.out() << "deleted " << options.jobs.id << "\n";
  }
  return ExitCode::kOk;
}

}  // namespace

void AddDeleteCommand(CommandTree& tree, CLI::App* jobs) {
  auto options = std::make_shared<DeleteOptions>();
  CLI::App* command = tree.AddCommand(jobs, "delete", "Delete a job that has ended, with everything it holds",
                                      "millrace jobs delete 01h2xcejqtf2nbrexx3vqjhp41\n"
                                      "millrace jobs delete 01h2xcejqtf2nbrexx3vqjhp41 --force\n"
                                      "# old ones, gently\n"
                                      "millrace jobs delete --all-matching --before 2024-01-01 --rate 20 --yes");
  AddBulkOptions(command, options->jobs);
  command->add_flag("--force", options->force, "Cancel it first if it has not ended");
  tree.OnRun(command, options, &Delete);
}

}  // namespace millrace::cli
