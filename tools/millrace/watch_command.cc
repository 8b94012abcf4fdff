// `jobs watch`: what happens to a job, as it happens.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "tools/millrace/commands.h"
#include "tools/millrace/human.h"
#include "tools/millrace/json_output.h"
#include "tools/millrace/progress.h"
#include "tools/millrace/render.h"
#include "tools/millrace/watch.h"

namespace millrace::cli {
namespace {

constexpr absl::Duration kStreamAgain = absl::Seconds(1);

struct WatchOptions {
  std::string id;
  bool allow_exceptions = false;
};

/// Shows messages until the job ends, the stream breaks or the user interrupts. `last` is the last one.
absl::Status Follow(Session& session, const client::Client& client, Progress& progress, v1::WatchJobResponse& last,
                    v1::WatchJobRequest& request) {
  const auto stream = client.WatchJob(request, session.call());
  for (v1::WatchJobResponse response; stream->Read(response);) {
    progress.OnReply();
    if (session.json()) {
      session.PrintJson(response);
      session.out().flush();
    }
    for (const v1::JobEvent& event : response.events()) progress.Say(EventLine(event, session));
    progress.Update(ProgressOf(response.job()));
    request.set_after_event(response.last_event());
    last.Swap(&response);
  }
  return stream->Finish();
}

}  // namespace

ProgressState ProgressOf(const v1::Job& job) {
  const v1::JobSummary& sums = job.summary();
  ProgressState state{.records = RecordsThrough(sums), .failed = sums.records_failed(), .share = {}};
  const bool takes_input = job.pipeline_state() == v1::PIPELINE_STATE_OPEN;
  const int64_t total = takes_input ? job.source_progress().total_records() : sums.records_submitted();
  if (total > 0) state.share = static_cast<double>(state.records) / static_cast<double>(total);
  return state;
}

absl::Status AwaitStream(Session& session, const client::Client& client, const std::string& job_id,
                         const absl::Status& broken) {
  const Environment& environment = session.environment();
  if (environment.stop.stop_requested()) return absl::CancelledError("interrupted");
  if (!absl::IsUnavailable(broken) && !absl::IsResourceExhausted(broken)) return broken;
  // The stream is not repeated by itself. A server that drains, or is busy, may still answer single calls.
  if (!environment.timer->Sleep(kStreamAgain, environment.stop)) return absl::CancelledError("interrupted");
  // This call is repeated until the server is there again.
  v1::GetJobRequest get;
  get.set_job_id(job_id);
  return client.GetJob(get, session.call()).status();
}

absl::StatusOr<ExitCode> WatchUntilEnd(Session& session, const std::string& job_id, bool allow_exceptions) {
  const Environment& environment = session.environment();
  Progress progress({.out = session.json() ? nullptr : &session.err(),
                     .bar = environment.err_is_terminal,
                     .updates = true,
                     .columns = environment.terminal_columns},
                    environment.timer);
  const auto client = session.Connect(kStreamRetryFor, [&](const absl::Status& failure) { progress.OnRetry(failure); });
  if (!client.ok()) return client.status();
  v1::WatchJobRequest request;
  request.set_job_id(job_id);
  v1::WatchJobResponse last;
  while (!last.ended()) {
    const absl::Status followed = Follow(session, *client, progress, last, request);
    if (followed.ok()) continue;
    if (absl::Status again = AwaitStream(session, *client, job_id, followed); !again.ok()) {
      return During("cannot watch the job", again);
    }
  }
  progress.Finish(ProgressOf(last.job()));
  if (!session.json()) session.out() << RenderJob(last.job(), session);
  const bool went_well = last.job().summary().records_failed() == 0 || allow_exceptions;
  const bool completed =
      last.job().state() == v1::JOB_STATE_COMPLETED || last.job().state() == v1::JOB_STATE_COMPLETED_BY_TIMEOUT;
  if (!completed) return ExitCode::kFailed;
  return went_well ? ExitCode::kOk : ExitCode::kExceptions;
}

void AddWatchCommand(CommandTree& tree, CLI::App* jobs) {
  auto options = std::make_shared<WatchOptions>();
  CLI::App* command = tree.AddCommand(jobs, "watch", "Show what happens to a job until it ends, and how far it is",
                                      "millrace jobs watch 01h2xcejqtf2nbrexx3vqjhp41\n"
                                      "# every change as JSON, one a line\n"
                                      "millrace jobs watch 01h2xcejqtf2nbrexx3vqjhp41 -o json");
  command->add_option("ID", options->id, "The job, or its pipeline: the ids are the same")->required();
  command->add_flag("--allow-exceptions", options->allow_exceptions, "End with exit code 0 although records failed");
  tree.OnRun(
      command, options, +[](Session& session, const WatchOptions& watch) {
        return WatchUntilEnd(session, watch.id, watch.allow_exceptions);
      });
}

}  // namespace millrace::cli
