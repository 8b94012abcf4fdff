#include "tools/millrace/watch.h"

#include "absl/strings/str_cat.h"
#include "tools/millrace/human.h"
#include "tools/millrace/json_output.h"
#include "tools/millrace/render.h"

namespace millrace::cli {
namespace {

constexpr absl::Duration kStreamAgain = absl::Seconds(1);

using OnMessage = std::function<void(const v1::WatchJobResponse&)>;

/// One job that is followed to its end, over as many streams as that takes.
class Watcher {
 public:
  Watcher(Session& session, const client::Client& client, Progress& progress, const std::string& job_id,
          const OnMessage& on_message)
      : session_(session), client_(client), progress_(progress), on_message_(on_message) {
    request_.set_job_id(job_id);
  }

  absl::StatusOr<v1::Job> Run() {
    while (!last_.ended()) {
      const absl::Status followed = Follow();
      if (followed.ok()) continue;
      if (absl::Status again = AwaitStream(session_, client_, request_.job_id(), followed); !again.ok()) return again;
    }
    progress_.Finish(ProgressOf(last_.job()));
    return last_.job();
  }

 private:
  /// Shows messages until the job ends, the stream breaks or the user interrupts.
  absl::Status Follow() {
    const auto stream = client_.WatchJob(request_, session_.call());
    for (v1::WatchJobResponse response; stream->Read(response);) {
      progress_.OnReply();
      if (on_message_) {
        on_message_(response);
      } else {
        Show(response);
      }
      request_.set_after_event(response.last_event());
      last_.Swap(&response);
    }
    return stream->Finish();
  }

  void Show(const v1::WatchJobResponse& response) {
    if (const int64_t missed = response.missed_event_count(); missed > 0) {
      progress_.Say(absl::StrCat(HumanCount(missed, "event"), missed == 1 ? " was" : " were",
                                 " missed: the server keeps the newest 1,000 of a job"));
    }
    for (const v1::JobEvent& event : response.events()) progress_.Say(EventLine(event, session_));
    progress_.Update(ProgressOf(response.job()));
    if (!response.ended() && !has_hinted_) HintAtFullOutputBuffer();
  }

  /// A job that waits for somebody who pulls changes no more: its stream falls silent.
  void HintAtFullOutputBuffer() {
    v1::GetPipelineStatusRequest request;
    request.set_pipeline_id(request_.job_id());
    const auto status = client_.GetPipelineStatus(request, session_.call());
    // Where this call fails the stream soon tells why.
    has_hinted_ = status.ok() && status->output_buffer_remaining_bytes() == 0;
    if (!has_hinted_) return;
    progress_.Say(
        absl::StrCat("its results fill the output buffer; it goes on when they are pulled: millrace pipelines pull ",
                     request_.job_id(), " --follow"));
  }

  Session& session_;
  const client::Client& client_;
  Progress& progress_;
  const OnMessage& on_message_;
  v1::WatchJobRequest request_;
  v1::WatchJobResponse last_;
  bool has_hinted_ = false;
};

}  // namespace

ProgressState ProgressOf(const v1::Job& job) {
  const v1::JobSummary& sums = job.summary();
  ProgressState state{.records = RecordsThrough(sums), .failed = sums.records_failed(), .share = {}};
  const int64_t total = TotalOf(job).count;
  if (total > 0) state.share = static_cast<double>(state.records) / static_cast<double>(total);
  return state;
}

absl::Status AwaitStream(Session& session, const client::Client& client, const std::string& job_id,
                         const absl::Status& broken) {
  const Environment& environment = session.environment();
  if (environment.stop.stop_requested()) return absl::CancelledError("interrupted");
  if (!absl::IsUnavailable(broken) && !absl::IsResourceExhausted(broken)) return broken;
  // The stream is not repeated by itself.
  if (!environment.timer->Sleep(kStreamAgain, environment.stop)) return absl::CancelledError("interrupted");
  // This call is repeated until the server is there again.
  v1::GetJobRequest get;
  get.set_job_id(job_id);
  return client.GetJob(get, session.call()).status();
}

absl::StatusOr<v1::Job> WatchUntilEnd(Session& session, const std::string& job_id, const OnMessage& on_message) {
  const Environment& environment = session.environment();
  Progress progress({.out = on_message ? nullptr : &session.err(),
                     .bar = environment.err_is_terminal,
                     .updates = true,
                     .columns = environment.terminal_columns},
                    environment.timer);
  const auto client = session.Connect(kStreamRetryFor, [&](const absl::Status& failure) { progress.OnRetry(failure); });
  if (!client.ok()) return client.status();
  return Watcher(session, *client, progress, job_id, on_message).Run();
}

ExitCode ExitCodeOfJob(const v1::Job& job, bool allow_exceptions) {
  if (job.state() != v1::JOB_STATE_COMPLETED && job.state() != v1::JOB_STATE_COMPLETED_BY_TIMEOUT) {
    return ExitCode::kFailed;
  }
  return job.summary().records_failed() == 0 || allow_exceptions ? ExitCode::kOk : ExitCode::kExceptions;
}

CLI::Option* AddWaitOptions(CLI::App* command, WaitOptions& options) {
  CLI::Option* wait =
      command->add_flag("--wait", options.wait, "Wait until the job has ended, showing on stderr what happens");
  command
      ->add_flag("--allow-exceptions", options.allow_exceptions,
                 "With --wait: end with exit code 0 although records failed")
      ->needs(wait);
  return wait;
}

absl::StatusOr<ExitCode> PrintOrWait(Session& session, const v1::Job& job, const WaitOptions& options,
                                     const JobPrinter& print) {
  v1::Job shown = job;
  if (options.wait) {
    if (!session.json()) session.err() << "job " << job.id() << std::endl;
    absl::StatusOr<v1::Job> ended = WatchUntilEnd(session, job.id());
    if (!ended.ok()) {
      return WithHint(During("cannot wait for the job", ended.status()),
                      absl::StrCat("it runs on without this command; see millrace jobs show ", job.id()));
    }
    shown.Swap(&*ended);
  }
  if (print) {
    if (absl::Status printed = print(shown); !printed.ok()) return printed;
  } else if (session.json()) {
    session.PrintJson(shown);
  } else {
    session.out() << RenderJob(shown, session);
  }
  return options.wait ? ExitCodeOfJob(shown, options.allow_exceptions) : ExitCode::kOk;
}

}  // namespace millrace::cli
