// `millrace jobs submit`: a job whose records the server reads from a source.
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "storage/model/limits.h"
#include "storage/records/input_window.h"
#include "tools/millrace/commands.h"
#include "tools/millrace/human.h"
#include "tools/millrace/json_output.h"
#include "tools/millrace/pipeline_options.h"
#include "tools/millrace/render.h"
#include "tools/millrace/sample_options.h"

namespace millrace::cli {
namespace {

constexpr absl::Duration kWaitInterval = absl::Seconds(1);
/// The server may be restarted while a job runs.
constexpr absl::Duration kWaitRetryFor = absl::Minutes(10);

struct SubmitOptions {
  PipelineOptions pipeline;
  std::string file;
  InputOptions input;
  int64_t range = 0;
  int64_t first = 0;
  std::string ids;
  /// SQL, or @FILE.
  std::string query;
  std::string connection;
  std::vector<std::string> key_columns;
  std::string field;
  SampleOptions sample;
  int32_t chunk_size = 0;
  int64_t estimated_records = 0;
  bool wait = false;
  bool allow_exceptions = false;
};

absl::StatusOr<v1::QuerySource> QueryOf(const SubmitOptions& options) {
  v1::QuerySource query;
  query.set_connection(options.connection);
  *query.mutable_key_columns() = {options.key_columns.begin(), options.key_columns.end()};
  if (options.query.front() != '@') {
    query.set_query(options.query);
    return query;
  }
  absl::StatusOr<std::string> text = records::ReadWholeFile(options.query.substr(1), model::kSourceQueryBytesMax);
  if (!text.ok()) return During("cannot read the query", text.status());
  query.set_query(*std::move(text));
  return query;
}

/// An option that means nothing to the source would be a misunderstanding.
absl::Status CheckFit(const SubmitOptions& options) {
  const bool has_field = options.range != 0 || !options.ids.empty();
  const bool has_format = !options.file.empty() || !options.input.input.empty();
  if (!options.field.empty() && !has_field) return UsageError("--field is for --range and --ids");
  if (options.input.format.has_value() && !has_format) return UsageError("--format is for --file and --input");
  return absl::OkStatus();
}

absl::StatusOr<v1::Source> SourceOf(const SubmitOptions& options, std::stop_token stop) {
  if (absl::Status fit = CheckFit(options); !fit.ok()) return fit;
  v1::Source source;
  if (!options.file.empty()) {
    v1::FileSource& file = *source.mutable_file();
    file.set_path(options.file);
    if (options.input.format.has_value()) {
      file.set_format(*options.input.format == records::FileFormat::kCsv ? v1::FILE_FORMAT_CSV : v1::FILE_FORMAT_JSONL);
    }
  } else if (options.range != 0) {
    source.mutable_range()->set_count(options.range);
    source.mutable_range()->set_first(options.first);
    source.mutable_range()->set_field(options.field);
  } else if (!options.ids.empty()) {
    for (const auto& id : absl::StrSplit(options.ids, ',', absl::SkipEmpty())) {
      source.mutable_ids()->add_ids(std::string(id));
    }
    source.mutable_ids()->set_field(options.field);
  } else if (!options.query.empty()) {
    auto query = QueryOf(options);
    if (!query.ok()) return query.status();
    *source.mutable_query() = *std::move(query);
  } else if (!options.input.input.empty()) {
    const auto reader = OpenInputRecords(options.input, std::move(stop));
    if (!reader.ok()) return During("cannot read the input", reader.status());
    auto lines = ReadRecordLines(**reader, options.input.input, std::numeric_limits<int64_t>::max());
    if (!lines.ok()) return During("cannot read the input", lines.status());
    if (lines->size() > model::kSourceInlineBytesMax) {
      return UsageError(absl::StrCat(options.input.input, " has more than ", model::kSourceInlineBytesMax,
                                     " bytes of records; use --file for a file of the server, or `millrace run`"));
    }
    source.mutable_inline_()->mutable_records()->set_json_lines(*std::move(lines));
  } else {
    return UsageError("give one of --file, --range, --ids, --query and --input: where the records come from");
  }
  return source;
}

absl::StatusOr<v1::SubmitJobRequest> SubmitRequestOf(const SubmitOptions& options, Session& session) {
  auto create = CreateRequestOf(options.pipeline);
  if (!create.ok()) return create.status();
  auto source = SourceOf(options, session.environment().stop);
  if (!source.ok()) return source.status();
  v1::SubmitJobRequest request;
  request.set_service(create->service());
  request.set_request_id(session.NewId());
  request.set_job_id(create->pipeline_id());
  if (create->has_parameters()) *request.mutable_parameters() = std::move(*create->mutable_parameters());
  *request.mutable_selected_outputs() = std::move(*create->mutable_selected_outputs());
  *request.mutable_options() = std::move(*create->mutable_options());
  *request.mutable_metadata() = std::move(*create->mutable_metadata());
  *request.mutable_source() = *std::move(source);
  SetSample(options.sample, request);
  request.set_chunk_size(options.chunk_size);
  request.set_estimated_records(options.estimated_records);
  return request;
}

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

absl::StatusOr<ExitCode> Submit(Session& session, const SubmitOptions& options) {
  const auto request = SubmitRequestOf(options, session);
  if (!request.ok()) return request.status();
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

void AddSourceOptions(CLI::App* submit, SubmitOptions& options) {
  CLI::Option_group* sources = submit->add_option_group("source", "Where the records come from: one of");
  sources
      ->add_option("--file", options.file,
                   "A file on the server, CSV or JSON Lines, within a folder of millraced --source-dir")
      ->type_name("PATH");
  auto* range = sources->add_option("--range", options.range, R"(N records {"n":0}, {"n":1} and so on)")
                    ->type_name("N")
                    ->check(CLI::Range(int64_t{1}, model::kSourceRangeCountMax).description(""));
  sources->add_option("--ids", options.ids, R"(A record {"id":"..."} for each of these)")->type_name("A,B,C");
  sources->add_option("--input", options.input.input, "A file on this machine, up to 1 MiB; - is the standard input")
      ->type_name("FILE");
  auto* query =
      sources
          ->add_option("--query", options.query,
                       "The rows of this query of --connection: SQL that begins with SELECT, WITH or VALUES, or "
                       "@FILE that holds it")
          ->type_name("SQL|@FILE");
  sources->require_option(1);
  auto* connection =
      submit
          ->add_option("--connection", options.connection,
                       "The database of --query, by its name in the file of millraced --source-connections")
          ->type_name("NAME")
          ->needs(query);
  auto* key =
      submit
          ->add_option("--key", options.key_columns,
                       "A column of the result of --query; may be repeated. Together they name each row, and are "
                       "never null; rows are read in their order")
          ->type_name("COLUMN")
          ->expected(1)
          ->take_all()
          ->needs(query);
  query->needs(connection)->needs(key);
  submit
      ->add_option_function<std::string>(
          "--format",
          [&options](const std::string& text) {
            options.input.format = text == "csv" ? records::FileFormat::kCsv : records::FileFormat::kJsonLines;
          },
          "Format of --file or --input (default: by the extension .csv, .jsonl, .ndjson or .json)")
      ->check(CLI::IsMember({"csv", "jsonl"}).description(""))
      ->type_name("csv|jsonl");
  submit->add_option("--first", options.first, "The number that --range begins with")
      ->type_name("N")
      ->capture_default_str()
      ->needs(range);
  submit
      ->add_option("--field", options.field,
                   "The field of the record that holds the number or id (default: n for --range, id for --ids)")
      ->type_name("NAME");
  AddSampleOptions(submit, options.sample, "Run only the first N records",
                   "Run only the first record and each N-th behind it");
  submit
      ->add_option("--chunk-size", options.chunk_size,
                   "The most records in a chunk (default: the server chooses, by what they cost)")
      ->type_name("N")
      ->check(CLI::Range(1, model::kChunkRecordsMax).description(""));
  submit->add_option("--estimated-records", options.estimated_records, "How many records to expect, for progress")
      ->type_name("N")
      ->check(AtLeastOne());
}

}  // namespace

void AddSubmitCommand(CommandTree& tree, CLI::App* jobs) {
  auto options = std::make_shared<SubmitOptions>();
  CLI::App* submit = tree.AddCommand(
      jobs, "submit",
      "Start a job whose records the server reads by itself: from a file, a query, a range, a list of ids",
      "millrace jobs submit aviation/strike-severity --file birdstrikes.csv --wait\n"
      "millrace jobs submit aviation/strike-severity --file birdstrikes.csv --sample-first 100\n"
      "millrace jobs submit demo/generate --range 1000000 --param seed=7 --output-buffer-bytes 1000000000\n"
      "millrace jobs submit sales/score --connection sales --query 'SELECT id, total FROM orders' --key id\n"
      "millrace jobs submit demo/fetch --ids a17,b4,c99 --field customer\n"
      "# results are pulled as those of any pipeline:\n"
      "millrace pipelines pull 01h2xcejqtf2nbrexx3vqjhp41 --follow --ack");
  AddPipelineOptions(submit, options->pipeline);
  AddSourceOptions(submit, *options);
  submit
      ->add_option_function<int64_t>(
          "--output-buffer-bytes",
          [raw = options.get()](int64_t bytes) { raw->pipeline.job.set_output_buffer_bytes(bytes); },
          "Results that wait to be pulled before no further chunk is started (default: 80000000)")
      ->type_name("BYTES");
  submit->add_flag("--wait", options->wait, "Wait until the job has ended, showing on stderr how far it is");
  submit->add_flag("--allow-exceptions", options->allow_exceptions,
                   "With --wait: end with exit code 0 although records failed");
  tree.OnRun(submit, options, &Submit);
}

}  // namespace millrace::cli
