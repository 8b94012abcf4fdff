// `millrace jobs submit`: a job whose records the server reads from a source.
#include <memory>
#include <string>
#include <string_view>

#include "absl/strings/match.h"
#include "tools/millrace/commands.h"
#include "tools/millrace/submit_options.h"
#include "tools/millrace/watch.h"

namespace millrace::cli {
namespace {

struct WaitingSubmit {
  SubmitOptions submit;
  WaitOptions wait;
};

/// What is between the records of the job's sample and cannot be told again. Empty where `jobs continue` can run the rest.
std::string_view NeverContinued(const v1::Job& job) {
  const bool is_query = job.source().has_query();
  if (!is_query && !job.source().has_exceptions()) return "";
  // What is left out lies behind all that is run where that is the first part, or the first parts of runs.
  const bool has_parts = job.parts_size() > 0;
  const bool is_mixed = has_parts && absl::StartsWith(job.partitioning(), "every_");
  const bool is_behind = !is_mixed && job.parts_size() <= 1 && (!has_parts || job.parts(0).first() == 0);
  if (job.sample().every_n() == 0 && is_behind) return "";
  return is_query ? "the rows of a query" : "exceptions";
}

absl::StatusOr<ExitCode> Submit(Session& session, const WaitingSubmit& options) {
  auto request = SubmitRequestOf(options.submit, session);
  if (!request.ok()) return request.status();
  request->set_request_id(session.NewId());
  request->set_job_id(options.submit.pipeline.id);
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto job = client->SubmitJob(*request, session.call());
  if (!job.ok()) return During("cannot submit the job", job.status());
  if (const std::string_view what = NeverContinued(*job); !what.empty()) {
    session.err() << "millrace: `jobs continue` cannot run the rest of this sample, because what is between " << what
                  << " cannot be told again; with --sample-first it can" << std::endl;
  }
  return PrintOrWait(session, *job, options.wait);
}

}  // namespace

void AddSubmitCommand(CommandTree& tree, CLI::App* jobs) {
  auto options = std::make_shared<WaitingSubmit>();
  CLI::App* submit = tree.AddCommand(
      jobs, "submit",
      "Start a job whose records the server reads by itself: from a file, a query, a range, another job",
      "millrace jobs submit aviation/strike-severity --file birdstrikes.csv --wait\n"
      "millrace jobs submit aviation/strike-severity --file birdstrikes.csv --sample-first 100\n"
      "millrace jobs submit demo/generate --range 1000000 --param seed=7 --output-buffer-bytes 1GB\n"
      "millrace jobs submit sales/score --connection sales --query 'SELECT id, total FROM orders' --key id\n"
      "millrace jobs submit demo/fetch --ids a17,b4,c99 --field customer\n"
      "millrace jobs submit pricing/report --results-of 01h2xcejqtf2nbrexx3vqjhp41\n"
      "# a deterministic sample of 1 % of the records, and later the others:\n"
      "millrace jobs submit demo/double --file in.csv --partitioning every_200 --parts 3,7 --id sample --wait\n"
      "millrace jobs continue sample\n"
      "# another job over the same source:\n"
      "millrace jobs submit demo/double --source-of sample --partitioning size_5000 --parts 0-9\n"
      "# results are pulled as those of any pipeline:\n"
      "millrace pipelines pull 01h2xcejqtf2nbrexx3vqjhp41 --follow");
  AddSubmitOptions(submit, options->submit);
  AddWaitOptions(submit, options->wait);
  tree.OnRun(submit, options, &Submit);
}

}  // namespace millrace::cli
