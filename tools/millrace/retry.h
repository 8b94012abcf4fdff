// Records that are run again: what `jobs retry`, `exceptions reprocess` and `bulk retry` share.
#pragma once

#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/cpp/client.h"
#include "millrace/v1/job_service.pb.h"
#include "tools/millrace/failure.h"
#include "tools/millrace/session.h"
#include "tools/millrace/watch.h"

namespace millrace::cli {

/// How long a retry goes on asking: a full input buffer empties while the job runs.
inline constexpr absl::Duration kRetryFor = absl::Minutes(10);

/// How records are run again, whichever they are.
struct RetryOptions {
  bool allow_cancelled = false;
  bool preview = false;
  std::string note;
  WaitOptions wait;
};

void AddRetryOptions(CLI::App* command, RetryOptions& options);

/// Asks for every record of a job that failed; where `group` is not empty, for those of that group.
v1::RetryJobRequest RetryRequestOf(const std::string& job_id, const std::string& group, const RetryOptions& options);

/// Asks for part after part, until there is none. Returns the sums over all parts, and the job as the last one left it. `more`:
/// a preview that counts the first records alone.
absl::StatusOr<v1::RetryJobResponse> RetryAll(const client::Client& client, v1::RetryJobRequest request,
                                              const client::CallOptions& call);

/// `12 records are run again, 3 of them had succeeded`. `record` is what to call one.
std::string DescribeRetry(const v1::RetryJobResponse& retried, bool preview, const char* record = "record");

/// How a retry is told.
struct RetryOutput {
  /// What to call a record.
  const char* record = "record";
  /// Prints the job to people where its end was waited for. Absent: RenderJob.
  JobPrinter print;
};

/// Runs records of one job again and prints the sums; with --wait, also the job at its end. JSON is one RetryJobResponse, whose
/// `job` is then the one that has ended.
absl::StatusOr<ExitCode> RetryOne(Session& session, const client::Client& client, const v1::RetryJobRequest& request,
                                  const WaitOptions& wait, const RetryOutput& output = {});

}  // namespace millrace::cli
