#include "tools/millrace/submit_options.h"

#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "storage/model/limits.h"
#include "storage/records/input_window.h"
#include "tools/millrace/commands.h"

namespace millrace::cli {
namespace {

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
  } else if (!options.results_of.empty()) {
    source.mutable_results()->set_job_id(options.results_of);
  } else if (!options.exceptions_of.empty()) {
    source.mutable_exceptions()->set_job_id(options.exceptions_of);
    source.mutable_exceptions()->set_fingerprint(options.group);
  } else if (!options.source_of.empty()) {
    source.mutable_source_of()->set_job_id(options.source_of);
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
    return UsageError(
        "give one of --file, --range, --ids, --query, --results-of, --exceptions-of, --source-of and --input: where "
        "the records come from");
  }
  return source;
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
  sources->add_option("--results-of", options.results_of, "The outputs of another job, which has ended")
      ->type_name("JOB");
  auto* exceptions = sources
                         ->add_option("--exceptions-of", options.exceptions_of,
                                      "The records of another job, which has ended, whose exceptions are unresolved")
                         ->type_name("JOB");
  sources->add_option("--source-of", options.source_of, "The source of another job, for other parts of it, say")
      ->type_name("JOB");
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
  submit->add_option("--group", options.group, "Of --exceptions-of only those of this group (exceptions groups)")
      ->type_name("FINGERPRINT")
      ->needs(exceptions);
  submit
      ->add_option("--field", options.field,
                   "The field of the record that holds the number or id (default: n for --range, id for --ids)")
      ->type_name("NAME");
  AddSampleOptions(submit, options.sample, "Run only the first N records",
                   "Run only the first record and each N-th behind it");
  auto* partitioning =
      submit
          ->add_option(
              "--partitioning", options.partitioning,
              "Cut the source into numbered parts: size_N (runs of N records), every_N (record 0, N, 2N; 1, N+1; "
              "and so on), first_N (the first N, and the others)")
          ->type_name("RULE")
          ->excludes("--sample-first")
          ->excludes("--sample-every");
  submit
      ->add_option("--parts", options.parts,
                   "Run only these parts of --partitioning, from 0 (default: all; of first_N, part 0)")
      ->type_name("3,7-9")
      ->needs(partitioning);
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

void AddSubmitOptions(CLI::App* command, SubmitOptions& options) {
  AddPipelineOptions(command, options.pipeline);
  AddSourceOptions(command, options);
}

absl::StatusOr<v1::SubmitJobRequest> SubmitRequestOf(const SubmitOptions& options, Session& session) {
  auto create = CreateRequestOf(options.pipeline);
  if (!create.ok()) return create.status();
  auto source = SourceOf(options, session.environment().stop);
  if (!source.ok()) return source.status();
  v1::SubmitJobRequest request;
  request.set_service(create->service());
  if (create->has_parameters()) *request.mutable_parameters() = std::move(*create->mutable_parameters());
  *request.mutable_selected_outputs() = std::move(*create->mutable_selected_outputs());
  *request.mutable_options() = std::move(*create->mutable_options());
  *request.mutable_metadata() = std::move(*create->mutable_metadata());
  *request.mutable_source() = *std::move(source);
  SetSample(options.sample, request);
  request.set_partitioning(options.partitioning);
  if (options.parts.has_value()) {
    auto parts = ParseParts(*options.parts);
    if (!parts.ok()) return parts.status();
    *request.mutable_parts() = *std::move(parts);
  }
  request.set_chunk_size(options.chunk_size);
  request.set_estimated_records(options.estimated_records);
  return request;
}

}  // namespace millrace::cli
