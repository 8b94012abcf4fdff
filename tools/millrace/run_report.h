// What a run came to.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "millrace/v1/exception_service.pb.h"
#include "millrace/v1/job.pb.h"
#include "millrace/v1/records.pb.h"
#include "tools/millrace/table.h"

namespace millrace::cli {

/// The sums of a run.
struct RunReport {
  v1::Job job;
  int64_t records = 0;
  int64_t failed = 0;
  /// Rows that could not be made records and were left out.
  int64_t skipped_rows = 0;
  std::vector<v1::ExceptionGroup> groups;
  std::vector<v1::SummaryValue> summary;
  /// Chunks without summary though one was asked for, and the reason of the first.
  int64_t chunks_without_summary = 0;
  std::string summary_error;
  std::string output_path;
  /// Empty: none were written.
  std::string rejects_path;
  absl::Duration elapsed;
};

/// The report as one line of JSON. Its names are documented in docs/CLI.md.
std::string ReportToJson(const RunReport& report);

/// The report for people.
std::string RenderReport(const RunReport& report, const Style& style);

}  // namespace millrace::cli
