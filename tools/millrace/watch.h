// Waiting for the end of a job, with what happens to it on the way.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "tools/millrace/session.h"

namespace millrace::cli {

/// Shows what happens to a job until it has ended, then the job. A server that is away meanwhile is waited for. The exit code
/// is that of the job: kExceptions where records failed, unless `allow_exceptions`.
absl::StatusOr<ExitCode> WatchUntilEnd(Session& session, const std::string& job_id, bool allow_exceptions);

}  // namespace millrace::cli
