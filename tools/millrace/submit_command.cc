// `millrace jobs submit`: a job whose records the server reads from a source.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "tools/millrace/commands.h"
#include "tools/millrace/human.h"
#include "tools/millrace/json_output.h"
#include "tools/millrace/render.h"
#include "tools/millrace/submit_options.h"

namespace millrace::cli {
namespace {

constexpr absl::Duration kWaitInterval = absl::Seconds(1);
/// The server may be restarted while a job runs.
constexpr absl::Duration kWaitRetryFor = absl::Minutes(10);

struct WaitingSubmit {
  SubmitOptions submit;
  bool wait = false;
  bool allow_exceptions = false;
};

std::string ProgressLine(const v1::Job& job) {
  const v1::SourceProgress& progress = job.source_progress();
  std::string line =
      absl::StrCat(DescribeState(job.state(), job.outcome()), "  read ", HumanCount(progress.records_read()));
  if (progress.total_records() > 0) {
    absl::StrAppend(&line, " of ", progress.total_known() ? "" : "about ", HumanCount(progress.total_records()));
  }
  absl::StrAppend(&line, ", done ", HumanCount(RecordsThrough(job.summary())));
  if (job.summary().records_failed() > 0) {
    absl::StrAppend(&line, ", failed ", HumanCount(job.summary().records_failed()));
  }
  return line;
}

/// Shows how far the job is, on stderr, until it has ended.
absl::StatusOr<v1::Job> Wait(Session& session, const client::Client& client, const std::string& id) {
  v1::GetJobRequest get;
  get.set_job_id(id);
  v1::GetPipelineStatusRequest get_status;
  get_status.set_pipeline_id(id);
  std::string last;
  bool has_hinted = false;
  for (;;) {
    auto job = client.GetJob(get, session.call());
    if (!job.ok()) return job;
    if (std::string line = ProgressLine(*job); line != last) {
      last = std::move(line);
      session.err() << HumanTime(session.environment().clock->Now(), session.environment().zone) << "  " << last
                    << std::endl;
    }
    if (IsFinal(job->state())) return job;
    const auto status = client.GetPipelineStatus(get_status, session.call());
    if (!status.ok()) return status.status();
    if (!has_hinted && status->output_buffer_remaining_bytes() == 0) {
      has_hinted = true;
      session.err() << "its results fill the output buffer; it goes on when they are pulled: millrace pipelines pull "
                    << id << " --follow --ack" << std::endl;
    }
    if (!session.environment().timer->Sleep(kWaitInterval, session.environment().stop)) {
      return absl::CancelledError("interrupted");
    }
  }
}

absl::StatusOr<ExitCode> Submit(Session& session, const WaitingSubmit& options) {
  auto request = SubmitRequestOf(options.submit, session);
  if (!request.ok()) return request.status();
  request->set_request_id(session.NewId());
  request->set_job_id(options.submit.pipeline.id);
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  auto job = client->SubmitJob(*request, session.call());
  if (!job.ok()) return During("cannot submit the job", job.status());
  if (options.wait) {
    const std::string id = job->id();
    if (!session.json()) session.err() << "job " << id << std::endl;
    // The job is there; now a server that is away for a while is waited for.
    const auto patient = session.Connect(kWaitRetryFor);
    if (!patient.ok()) return patient.status();
    job = Wait(session, *patient, id);
    if (!job.ok()) {
      return WithHint(During("cannot wait for the job", job.status()),
                      absl::StrCat("it runs on without this command; see millrace jobs show ", id));
    }
  }
  if (session.json()) {
    session.PrintJson(*job);
  } else {
    session.out() << RenderJob(*job, session);
  }
  if (!options.wait) return ExitCode::kOk;
  if (job->state() == v1::JOB_STATE_FAILED || job->state() == v1::JOB_STATE_CANCELLED) return ExitCode::kFailed;
  return job->summary().records_failed() > 0 && !options.allow_exceptions ? ExitCode::kExceptions : ExitCode::kOk;
}

}  // namespace

void AddSubmitCommand(CommandTree& tree, CLI::App* jobs) {
  auto options = std::make_shared<WaitingSubmit>();
  CLI::App* submit = tree.AddCommand(
      jobs, "submit",
      "Start a job whose records the server reads by itself: from a file, a query, a range, another job",
      "millrace jobs submit aviation/strike-severity --file birdstrikes.csv --wait\n"
      "millrace jobs submit aviation/strike-severity --file birdstrikes.csv --sample-first 100\n"
      "millrace jobs submit demo/generate --range 1000000 --param seed=7 --output-buffer-bytes 1000000000\n"
      "millrace jobs submit sales/score --connection sales --query 'SELECT id, total FROM orders' --key id\n"
      "millrace jobs submit demo/fetch --ids a17,b4,c99 --field customer\n"
      "millrace jobs submit pricing/report --results-of 01h2xcejqtf2nbrexx3vqjhp41\n"
      "# a deterministic sample of 1 % of the records, and later the others:\n"
      "millrace jobs submit demo/double --file in.csv --partitioning every_200 --parts 3,7 --id sample --wait\n"
      "millrace jobs submit demo/double --source-of sample --partitioning size_5000 --parts 0-9\n"
      "# results are pulled as those of any pipeline:\n"
      "millrace pipelines pull 01h2xcejqtf2nbrexx3vqjhp41 --follow --ack");
  AddSubmitOptions(submit, options->submit);
  submit->add_flag("--wait", options->wait, "Wait until the job has ended, showing on stderr how far it is");
  submit->add_flag("--allow-exceptions", options->allow_exceptions,
                   "With --wait: end with exit code 0 although records failed");
  tree.OnRun(submit, options, &Submit);
}

}  // namespace millrace::cli
