// The file of `millrace bulk submit`.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "millrace/v1/job_service.pb.h"

namespace millrace::cli {

/// The service whose records are jobs.
inline constexpr std::string_view kJobsService = "millrace/jobs";

/// Reads what a bulk run is to do: a JSON object with `jobs`, a list of ChildJobs, and beside it any field of a
/// SubmitJobRequest but `service` and `source`; or JSON Lines, a ChildJob each. Every job is checked, so that a slip is told
/// with its place (`jobs[3]`, `line 4`) before anything is submitted; whether services and sources exist is for the server to
/// say. A usage error names `path`.
absl::StatusOr<v1::SubmitJobRequest> ReadBulkFile(const std::string& path);

}  // namespace millrace::cli
