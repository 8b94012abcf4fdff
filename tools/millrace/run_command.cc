#include <cmath>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cpp/errors.h"
#include "client/cpp/pipeline.h"
#include "google/protobuf/util/message_differencer.h"
#include "tools/millrace/commands.h"
#include "tools/millrace/pipeline_options.h"
#include "tools/millrace/run.h"
#include "tools/millrace/run_report.h"

namespace millrace::cli {
namespace {

// Long enough for the restart of a server, its machine included.
constexpr absl::Duration kRunRetryFor = absl::Minutes(10);

constexpr char kExamples[] =
    "millrace run aviation/strike-severity --input birdstrikes.csv --output energy.jsonl --rejects rejects.csv\n"
    "millrace run pricing/premium[2.1.0] --input policies.jsonl --output premiums.csv --param year=2024\n"
    "millrace run aviation/strike-severity --input birdstrikes.csv --output - --summary SUM:energy_j | jq .energy_j\n"
    "# after Ctrl-C, a crash or a power cut: the same command with the id of the pipeline goes on\n"
    "millrace run aviation/strike-severity --input birdstrikes.csv --output energy.jsonl --id $ID\n"
    "# mend the rows in the rejects file, then push them as they are\n"
    "millrace run aviation/strike-severity --input rejects.csv --output more.jsonl --rejects still-bad.csv";

struct RunCommandOptions {
  PipelineOptions pipeline;
  InputOptions input;
  std::string output;
  std::string rejects;
  double rate = 0;
  bool keep_open = false;
  bool keep_failed = false;
  bool allow_exceptions = false;
  bool quiet = false;
  bool no_progress = false;
};

bool SameFile(const std::string& a, const std::string& b) {
  std::error_code error;
  return a == b || std::filesystem::equivalent(a, b, error);
}

/// What can be told to be wrong without touching a file.
absl::Status CheckUsage(const RunCommandOptions& options, records::FileFormat input_format, bool json) {
  if (options.output == "-" && json) return UsageError("--output - and -o json both want the standard output");
  if (options.rejects == "-") return UsageError("--rejects cannot be the standard output");
  if (options.output != "-" && SameFile(options.output, options.input.input)) {
    return UsageError("--output is the input file; it would be overwritten");
  }
  if (!options.rejects.empty()) {
    if (SameFile(options.rejects, options.input.input)) {
      return UsageError("--rejects is the input file; it would be overwritten");
    }
    if (options.rejects == options.output) return UsageError("--rejects and --output are the same file");
    const auto format = records::FormatOfPath(options.rejects);
    if (format.has_value() && *format != input_format) {
      return UsageError("--rejects has the format of the input, so that it can be pushed again; name it that way");
    }
  }
  if (options.input.skip_bad_rows && options.rejects.empty()) {
    return UsageError("--skip-bad-rows needs --rejects, which takes the rows");
  }
  return absl::OkStatus();
}

/// A pipeline that is there must be the one that this run would create.
absl::Status CheckResumed(const v1::Job& job, const v1::CreatePipelineRequest& request) {
  const std::string& service = request.service();
  const auto differs = [&](std::string_view what) {
    return WithHint(
        absl::FailedPreconditionError(absl::StrCat("pipeline ", job.id(), " exists, with ", std::string(what))),
        "repeat the command as it was the first time to go on with the pipeline, or choose another --id");
  };
  if (service != job.service() && service != job.service_uri() && service != job.version_id()) {
    return differs("service " + job.service_uri());
  }
  if (!google::protobuf::util::MessageDifferencer::Equals(job.parameters(), request.parameters())) {
    return differs("other parameters");
  }
  const auto& selected = request.selected_outputs();
  if (!std::equal(selected.begin(), selected.end(), job.selected_outputs().begin(), job.selected_outputs().end())) {
    return differs("another selection of outputs");
  }
  return absl::OkStatus();
}

absl::StatusOr<client::Pipeline> CreateOrResume(const client::Client& client, v1::CreatePipelineRequest request,
                                                bool may_exist, Progress& progress, const client::CallOptions& call) {
  if (may_exist) {
    auto pipeline = client::Pipeline::Attach(client, request.pipeline_id(), call);
    if (pipeline.ok()) {
      if (auto status = CheckResumed(pipeline->job(), request); !status.ok()) return status;
      progress.Say(absl::StrCat("millrace: going on with pipeline ", pipeline->id()));
      return pipeline;
    }
    if (client::ErrorReasonOf(pipeline.status()) != v1::PIPELINE_NOT_FOUND) return pipeline.status();
  }
  auto pipeline = client::Pipeline::Create(client, std::move(request), call);
  if (pipeline.ok()) {
    progress.Say(absl::StrCat("millrace: pipeline ", pipeline->id(), " on ", pipeline->job().service_uri()));
  }
  return pipeline;
}

/// The columns of a CSV output: the outputs of the service, `*` being the columns of the input.
absl::StatusOr<std::vector<std::string>> OutputColumns(const client::Client& client, const v1::Job& job,
                                                       const records::RecordReader& reader,
                                                       const client::CallOptions& call) {
  std::vector<std::string> outputs(job.selected_outputs().begin(), job.selected_outputs().end());
  if (outputs.empty()) {
    v1::GetServiceVersionRequest request;
    request.set_service(job.version_id());
    const auto version = client.GetServiceVersion(request, call);
    if (!version.ok()) return version.status();
    outputs.assign(version->outputs().begin(), version->outputs().end());
  }
  std::vector<std::string> columns;
  std::set<std::string> seen;
  for (const std::string& output : outputs) {
    if (output == "*" && reader.format() != records::FileFormat::kCsv) {
      return WithHint(absl::InvalidArgumentError("the service returns all fields of a record (`*`), and lines of JSON "
                                                 "need not have the same fields"),
                      absl::StrCat("repeat the command with --id ", job.id(), " and an --output that ends in .jsonl"));
    }
    for (const std::string& column : output == "*" ? reader.columns() : std::vector<std::string>{output}) {
      if (seen.insert(column).second) columns.push_back(column);
    }
  }
  return columns;
}

absl::StatusOr<RunReport> MakeReport(const client::Client& client, const std::string& job_id, const RunOutput& output,
                                     const RunCommandOptions& options, const client::CallOptions& call) {
  RunReport report;
  report.records = output.records();
  report.failed = output.failed();
  report.skipped_rows = output.skipped();
  report.summary = output.summary().Values();
  report.chunks_without_summary = output.summary().missing();
  report.summary_error = output.summary().missing_reason();
  report.output_path = options.output;
  report.rejects_path = options.rejects;
  v1::GetJobRequest get;
  get.set_job_id(job_id);
  auto job = client.GetJob(get, call);
  if (!job.ok()) return job.status();
  report.job = *std::move(job);
  if (report.failed == 0) return report;
  v1::ListExceptionGroupsRequest list;
  list.set_job_id(job_id);
  auto status = client.AllExceptionGroups(list, call).ForEach([&](const v1::ExceptionGroup& group) {
    report.groups.push_back(group);
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return report;
}

/// What to do when a run was broken off: the pipeline is still there.
absl::Status WithResumeHint(const absl::Status& status, const std::string& id, const Session& session) {
  if (absl::IsCancelled(status)) {
    return WithHint(
        status, absl::StrCat("repeat the command with --id ", id,
                             " to go on where it stopped, or stop the job with `millrace pipelines cancel ", id, "`"));
  }
  if (ExitCodeOf(status) == ExitCode::kUnreachable) {
    return WithHint(status, absl::StrCat("nothing is lost: when the server at ", session.options().server,
                                         " is back, repeat the command with --id ", id));
  }
  return status;
}

absl::StatusOr<ExitCode> RunRun(Session& session, const RunCommandOptions& options) {
  const auto format = InputFormatOf(options.input);
  if (!format.ok()) return format.status();
  if (auto status = CheckUsage(options, *format, session.json()); !status.ok()) return status;
  auto summary = SummaryOf(options.input.summaries);
  if (!summary.ok()) return summary.status();
  auto request = CreateRequestOf(options.pipeline);
  if (!request.ok()) return request.status();
  if (request->pipeline_id().empty()) request->set_pipeline_id(session.NewId());
  const std::string id = request->pipeline_id();

  auto reader = OpenInputRecords(options.input, session.environment().stop);
  if (!reader.ok()) return During("cannot read the input", reader.status());
  auto output_file = OutputFile::Create(options.output);
  if (!output_file.ok()) return output_file.status();
  std::unique_ptr<RejectWriter> rejects;
  if (!options.rejects.empty()) {
    auto file = OutputFile::Create(options.rejects);
    if (!file.ok()) return file.status();
    auto writer = MakeRejectWriter(*std::move(file), (*reader)->format(), (*reader)->header());
    if (!writer.ok()) return writer.status();
    rejects = *std::move(writer);
  }

  const Environment& environment = session.environment();
  Progress progress({.out = options.quiet ? nullptr : environment.err,
                     .bar = environment.err_is_terminal,
                     .updates = !options.no_progress,
                     .columns = environment.terminal_columns},
                    environment.timer);
  const auto client =
      session.Connect(kRunRetryFor, [&progress](const absl::Status& failure) { progress.OnRetry(failure); });
  if (!client.ok()) return client.status();
  auto pipeline = CreateOrResume(*client, *std::move(request), !options.pipeline.id.empty(), progress, session.call());
  if (!pipeline.ok()) return During("cannot create the pipeline", pipeline.status());

  std::unique_ptr<OutputWriter> outputs;
  if (records::FormatOfPath(options.output).value_or(*format) == records::FileFormat::kCsv) {
    auto columns = OutputColumns(*client, pipeline->job(), **reader, session.call());
    if (!columns.ok()) return During("cannot tell the columns of the output", columns.status());
    auto writer = MakeCsvWriter(*std::move(output_file), *std::move(columns));
    if (!writer.ok()) return writer.status();
    outputs = *std::move(writer);
  } else {
    outputs = MakeJsonLinesWriter(*std::move(output_file));
  }
  const bool keeps_originals = rejects != nullptr;
  RunOutput output(std::move(outputs), std::move(rejects), options.keep_failed);
  ChunkCutter cutter(reader->get(), options.input.input,
                     {.max_records = options.input.chunk_size,
                      .id_prefix = "",
                      .keep_originals = keeps_originals,
                      .skip_bad_rows = options.input.skip_bad_rows,
                      .bad_row_hint = absl::StrCat("mend the row and repeat the command with --id ", id,
                                                   ", or send such rows to the rejects with --skip-bad-rows"),
                      .summary = *std::move(summary)});
  Run run(session, *client, *pipeline, cutter, output, progress,
          {.records_per_second = options.rate, .keep_open = options.keep_open, .input_bytes = (*reader)->Size()});
  if (auto status = run.Execute(); !status.ok()) return WithResumeHint(status, id, session);
  if (auto status = output.Commit(); !status.ok()) return During("cannot write", status);

  const absl::Duration elapsed = progress.elapsed();
  auto report = MakeReport(*client, id, output, options, session.call());
  if (!report.ok()) return During("the files are written, but the summary cannot be read", report.status());
  report->elapsed = elapsed;
  if (session.json()) {
    session.PrintJson(ReportToJson(*report));
  } else if (!options.quiet) {
    const bool to_err = options.output == "-";
    (to_err ? session.err() : session.out())
        << RenderReport(*report, to_err ? session.err_style() : session.out_style());
  }
  const bool has_exceptions = report->failed > 0 || report->skipped_rows > 0;
  return has_exceptions && !options.allow_exceptions ? ExitCode::kExceptions : ExitCode::kOk;
}

}  // namespace

void AddRunCommand(CommandTree& tree) {
  auto options = std::make_shared<RunCommandOptions>();
  CLI::App* run = tree.AddCommand(
      &tree.app(), "run", "Push the records of a file through a service and write what comes out, in the same order",
      kExamples);
  AddPipelineOptions(run, options->pipeline);
  AddInputOptions(run, options->input);
  AddChunkOptions(run, options->input);
  run->add_option("--output", options->output,
                  "Outputs of the records that succeed, as .csv or .jsonl; - is the standard output. Other names get "
                  "the format of the input")
      ->type_name("FILE")
      ->required();
  run->add_option("--rejects", options->rejects,
                  "The original rows of the records that fail, with the reason, to be mended and pushed again as they "
                  "are")
      ->type_name("FILE");
  run->add_flag("--skip-bad-rows", options->input.skip_bad_rows,
                "Send CSV rows that cannot be read (ragged, not UTF-8) to --rejects instead of stopping there");
  run->add_flag("--keep-failed", options->keep_failed,
                "Write null (CSV: empty cells) for a record that fails, so that output row n belongs to record n");
  run->add_option("--rate", options->rate, "Push at most this many records a second")
      ->type_name("RECORDS_PER_SECOND")
      ->check(CLI::PositiveNumber);
  run->add_flag("--keep-open", options->keep_open, "Do not close the pipeline at the end");
  run->add_flag("--allow-exceptions", options->allow_exceptions, "End with exit code 0 although records failed");
  run->add_flag("--quiet", options->quiet, "Print nothing but errors");
  run->add_flag("--no-progress", options->no_progress, "Print no progress");
  tree.OnRun(run, options, &RunRun);
}

}  // namespace millrace::cli
