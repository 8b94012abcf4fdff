#include "tools/millrace/pipeline_options.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "storage/model/ids.h"
#include "storage/model/limits.h"
#include "storage/model/worker_labels.h"
#include "storage/records/json_text.h"
#include "tools/millrace/failure.h"
#include "tools/millrace/json_output.h"

namespace millrace::cli {

void AddParameterOptions(CLI::App* command, ParameterOptions& options) {
  command
      ->add_option("--param", options.params,
                   "A parameter that every record sees as params.NAME; JSON, or else a string. May be repeated")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->take_all();
  command->add_option("--params-file", options.params_file, "A JSON object with parameters")->type_name("FILE");
}

absl::StatusOr<google::protobuf::Struct> ParametersOf(const ParameterOptions& options) {
  google::protobuf::Struct parameters;
  if (!options.params_file.empty()) {
    const auto text = records::ReadWholeFile(options.params_file, model::kParametersBytesMax);
    if (!text.ok()) return During("cannot read --params-file", text.status());
    auto object = StructFromJson(*text);
    if (!object.ok()) return UsageError(absl::StrCat("--params-file: ", std::string(object.status().message())));
    parameters = *std::move(object);
  }
  for (const std::string& param : options.params) {
    const size_t equals = param.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return UsageError(absl::StrCat("--param: expected NAME=VALUE, not ", param));
    }
    const std::string name = param.substr(0, equals);
    const std::string value = param.substr(equals + 1);
    auto object = StructFromJson(JsonObject({{name, records::IsJson(value) ? value : records::JsonString(value)}}));
    if (!object.ok()) return UsageError(absl::StrCat("--param: ", std::string(object.status().message())));
    (*parameters.mutable_fields())[name] = object->fields().at(name);
  }
  return parameters;
}

void AddPipelineOptions(CLI::App* command, PipelineOptions& options) {
  command->add_option("SERVICE", options.service, "folder/name (latest version), folder/name[version] or a version id")
      ->required();
  command->add_option("--id", options.id, "Id of the pipeline (default: a new one)")->type_name("ID");
  AddParameterOptions(command, options.parameters);
  command->add_option("--select", options.select, "Only this output of the service. May be repeated")
      ->type_name("OUTPUT")
      ->expected(1)
      ->take_all();
  AddJobOptions(command, options);
  AddMetadataOptions(command, options);
}

void AddMetadataOptions(CLI::App* command, PipelineOptions& options) {
  command->add_option("--name", options.name, "A name for people")->type_name("TEXT");
  command->add_option("--description", options.description, "What the job is for")->type_name("TEXT");
  command->add_option("--project", options.project, "The project the job belongs to")->type_name("TEXT");
  command->add_option("--tag", options.tags, "A tag. May be repeated")->type_name("TEXT")->expected(1)->take_all();
  command->add_option("--source-system", options.source_system, "The program that creates the job")
      ->type_name("TEXT")
      ->capture_default_str();
  command->add_option("--correlation-id", options.correlation_id, "Ties the job to a request of your own system")
      ->type_name("TEXT");
  command->add_option("--call-purpose", options.call_purpose, "Why the job is run")->type_name("TEXT");
}

void AddCancelOptions(CLI::App* command, v1::CancelPipelineRequest& request) {
  command
      ->add_option_function<std::string>(
          "--reason", [&request](const std::string& reason) { request.set_reason(reason); }, "Why; kept with the job")
      ->type_name("TEXT");
  command->add_flag_callback(
      "--force", [&request] { request.set_force(true); },
      "Abandon what runs, and discard all input and every result that was not acknowledged; cannot be taken up again");
}

absl::StatusOr<v1::CreatePipelineRequest> CreateRequestOf(const PipelineOptions& options) {
  v1::CreatePipelineRequest request;
  // Here, because the server would name the field of the first call that happens to carry it.
  if (!options.id.empty()) {
    if (absl::Status status = model::ValidateId("--id", options.id); !status.ok()) {
      return UsageError(std::string(status.message()));
    }
  }
  request.set_service(options.service);
  request.set_pipeline_id(options.id);
  auto parameters = ParametersOf(options.parameters);
  if (!parameters.ok()) return parameters.status();
  if (parameters->fields_size() > 0) *request.mutable_parameters() = *std::move(parameters);
  request.mutable_selected_outputs()->Assign(options.select.begin(), options.select.end());
  *request.mutable_options() = options.job;
  const absl::StatusOr<model::WorkerLabels> selector =
      model::ParseWorkerLabels("--worker-label", options.worker_labels);
  if (!selector.ok()) return UsageError(std::string(selector.status().message()));
  request.mutable_options()->mutable_worker_selector()->insert(selector->begin(), selector->end());
  v1::JobMetadata& metadata = *request.mutable_metadata();
  metadata.set_name(options.name);
  metadata.set_description(options.description);
  metadata.set_project(options.project);
  metadata.mutable_tags()->Assign(options.tags.begin(), options.tags.end());
  metadata.set_source_system(options.source_system);
  metadata.set_correlation_id(options.correlation_id);
  metadata.set_call_purpose(options.call_purpose);
  return request;
}

void AddInputOptions(CLI::App* command, InputOptions& options) {
  command->add_option("--input", options.input, "Records as CSV or JSON Lines; - is the standard input")
      ->type_name("FILE")
      ->required();
  command
      ->add_option_function<std::string>(
          "--format",
          [&options](const std::string& text) {
            options.format = text == "csv" ? records::FileFormat::kCsv : records::FileFormat::kJsonLines;
          },
          "Format of the input (default: by the extension .csv, .jsonl, .ndjson or .json)")
      ->check(CLI::IsMember({"csv", "jsonl"}).description(""))
      ->type_name("csv|jsonl");
}

void AddChunkOptions(CLI::App* command, InputOptions& options) {
  command->add_option("--chunk-size", options.chunk_size, "The most records in a chunk")
      ->type_name("N")
      ->check(CLI::Range(1, model::kChunkRecordsMax))
      ->capture_default_str();
  command
      ->add_option("--summary", options.summaries,
                   "Aggregate an output over the records that succeed: SUM, COUNT, MIN, MAX or MEAN. May be repeated")
      ->type_name("OPERATOR:OUTPUT")
      ->expected(1)
      ->take_all();
}

absl::StatusOr<records::FileFormat> InputFormatOf(const InputOptions& options) {
  if (options.format.has_value()) return *options.format;
  if (const auto format = records::FormatOfPath(options.input)) return *format;
  return UsageError(absl::StrCat("the format of ", options.input, " cannot be told from its name; give --format"));
}

absl::StatusOr<std::unique_ptr<records::RecordReader>> OpenInputRecords(const InputOptions& options,
                                                                        std::stop_token stop) {
  const auto format = InputFormatOf(options);
  if (!format.ok()) return format.status();
  return records::OpenRecordReader(options.input, *format, std::move(stop));
}

absl::StatusOr<v1::Summary> SummaryOf(const std::vector<std::string>& summaries) {
  v1::Summary summary;
  // Records that fail have no outputs; a run that asks for a sum wants it over the others.
  summary.set_ignore_error(true);
  for (const std::string& text : summaries) {
    const size_t colon = text.find(':');
    v1::AggregationOperator op = v1::AGGREGATION_OPERATOR_UNSPECIFIED;
    if (colon == std::string::npos || colon + 1 == text.size() ||
        !v1::AggregationOperator_Parse(absl::AsciiStrToUpper(text.substr(0, colon)), &op) ||
        op == v1::AGGREGATION_OPERATOR_UNSPECIFIED) {
      return UsageError(
          absl::StrCat("--summary: expected SUM, COUNT, MIN, MAX or MEAN, a colon and an output, not ", text));
    }
    v1::Aggregation& aggregation = *summary.add_aggregations();
    aggregation.set_operator_(op);
    aggregation.set_output_name(text.substr(colon + 1));
  }
  return summary;
}

absl::StatusOr<std::string> ReadRecordLines(records::RecordReader& reader, const std::string& name,
                                            int64_t records_max) {
  std::string lines;
  records::InputRow row;
  for (int64_t count = 0;; ++count) {
    const auto read = reader.Next(row);
    if (!read.ok()) return read.status();
    if (!*read) return lines;
    if (!row.bad_code.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(name, ":", row.line, ": ", row.bad_message));
    }
    if (count == records_max) {
      return absl::InvalidArgumentError(absl::StrCat(name, " has more than ", records_max, " records"));
    }
    absl::StrAppend(&lines, row.json, "\n");
  }
}

}  // namespace millrace::cli
