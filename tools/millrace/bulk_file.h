// The file of `millrace bulk submit`.
#pragma once

#include <stop_token>
#include <string>

#include "absl/status/statusor.h"
#include "millrace/v1/job_service.pb.h"

namespace millrace::cli {

/// Reads what a bulk run is to do from a file, or from the standard input for `-`: a JSON object with `jobs`, a list of
/// ChildJobs, and beside it any field of a SubmitJobRequest but `service` and `source`; or JSON Lines, a ChildJob each. The
/// records of the request are the jobs as they were written, each on a line, so that the same file is the same request. Every
/// job is checked, so that a slip is told with its place (`jobs[3]`, `line 4`) before anything is submitted; whether services
/// and sources exist is for the server to say. A usage error names `path`; CANCELLED where `stop` ended the reading.
absl::StatusOr<v1::SubmitJobRequest> ReadBulkFile(const std::string& path, std::stop_token stop);

}  // namespace millrace::cli
