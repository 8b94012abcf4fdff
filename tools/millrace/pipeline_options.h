// Options that several commands share: what a pipeline is created with, and how an input file becomes chunks.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "millrace/v1/pipeline_service.pb.h"
#include "storage/records/record_reader.h"
#include "tools/millrace/chunk_cutter.h"

namespace millrace::cli {

/// Parameters from the command line and from a file.
struct ParameterOptions {
  std::vector<std::string> params;
  std::string params_file;
};

/// Reads a duration such as `30s`, `5m` or `1h30m`; throws CLI::ValidationError for the option `name`.
absl::Duration ParseDurationOption(const std::string& name, const std::string& text);

/// An option that takes such a duration. The target may be an optional one.
template <typename Target>
CLI::Option* AddDurationOption(CLI::App* command, const std::string& name, Target& target, const std::string& help) {
  return command
      ->add_option_function<std::string>(
          name, [name, &target](const std::string& text) { target = ParseDurationOption(name, text); }, help)
      ->type_name("DURATION");
}

void AddParameterOptions(CLI::App* command, ParameterOptions& options);

/// The parameters: those of the file, overridden by `--param NAME=VALUE`. A value that is JSON is taken as such, any
/// other as a string. Usage errors name the option.
absl::StatusOr<google::protobuf::Struct> ParametersOf(const ParameterOptions& options);

/// What a pipeline is created with.
struct PipelineOptions {
  std::string service;
  std::string id;
  ParameterOptions parameters;
  std::vector<std::string> select;
  /// The options of the job that are plain numbers and switches are set here at once.
  v1::JobOptions job;
  std::vector<std::string> worker_labels;
  std::string name;
  std::string description;
  std::string project;
  std::vector<std::string> tags;
  std::string source_system = "millrace-cli";
  std::string correlation_id;
  std::string call_purpose;
};

void AddPipelineOptions(CLI::App* command, PipelineOptions& options);

/// Those of them that say what the job is, and for whom: millrace.v1.JobMetadata.
void AddMetadataOptions(CLI::App* command, PipelineOptions& options);

/// Those of them that say how the job runs: millrace.v1.JobOptions. Ranges are the server's to check.
void AddJobOptions(CLI::App* command, PipelineOptions& options);

/// Those of a command that cancels a job: --reason and --force.
void AddCancelOptions(CLI::App* command, v1::CancelPipelineRequest& request);

/// The request that the options stand for, without request id.
absl::StatusOr<v1::CreatePipelineRequest> CreateRequestOf(const PipelineOptions& options);

/// Where records come from and how they are cut.
struct InputOptions {
  std::string input;
  std::optional<records::FileFormat> format;
  int32_t chunk_size = 300;
  std::vector<std::string> summaries;
  bool skip_bad_rows = false;
};

void AddInputOptions(CLI::App* command, InputOptions& options);

/// How records are cut into chunks, and what is asked for with each.
void AddChunkOptions(CLI::App* command, InputOptions& options);

/// The format of the input: --format, or the extension of the file. The usage error says how to give it.
absl::StatusOr<records::FileFormat> InputFormatOf(const InputOptions& options);

/// Opens the input, in its format.
absl::StatusOr<std::unique_ptr<records::RecordReader>> OpenInputRecords(const InputOptions& options,
                                                                        std::stop_token stop);

/// The summary that `--summary OPERATOR:OUTPUT` asks for, computed over the records that succeed.
absl::StatusOr<v1::Summary> SummaryOf(const std::vector<std::string>& summaries);

/// Reads at most `records_max` records as JSON Lines.
absl::StatusOr<std::string> ReadRecordLines(records::RecordReader& reader, const std::string& name,
                                            int64_t records_max);

}  // namespace millrace::cli
