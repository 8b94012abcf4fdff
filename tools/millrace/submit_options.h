// The options of a job whose records the server reads from a source: for a job that starts now, and for those of a
// schedule.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "millrace/v1/job_service.pb.h"
#include "tools/millrace/pipeline_options.h"
#include "tools/millrace/sample_options.h"
#include "tools/millrace/session.h"

namespace millrace::cli {

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
  /// Jobs to read from.
  std::string results_of;
  std::string exceptions_of;
  std::string group;
  std::string source_of;
  SampleOptions sample;
  std::string partitioning;
  std::optional<std::string> parts;
  int32_t chunk_size = 0;
  int64_t estimated_records = 0;
};

void AddSubmitOptions(CLI::App* command, SubmitOptions& options);

/// The request that the options stand for, without request id and job id.
absl::StatusOr<v1::SubmitJobRequest> SubmitRequestOf(const SubmitOptions& options, Session& session);

}  // namespace millrace::cli
