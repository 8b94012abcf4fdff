// Bulk runs as commands ask for them and print them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "client/cpp/client.h"
#include "millrace/v1/job.pb.h"
#include "tools/millrace/session.h"

namespace millrace::cli {

/// The service whose records are jobs.
inline constexpr std::string_view kJobsService = "millrace/jobs";

/// How many jobs of a bulk run are shown where nobody says.
inline constexpr int64_t kBulkRunJobs = 100;

/// A job that must be a bulk run. The usage error says what it is instead.
absl::StatusOr<v1::Job> GetBulkRun(const Session& session, const client::Client& client, const std::string& id);

/// Prints a bulk run with up to `limit` of its jobs, the oldest first: one JSON document, or what people read and, on stderr,
/// what they may look at next.
absl::Status PrintBulkRun(Session& session, const client::Client& client, const v1::Job& bulk, int64_t limit);

}  // namespace millrace::cli
