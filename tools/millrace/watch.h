// Streams about a job: waiting for its end, with what happens to it on the way, and going on where one broke.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/cpp/client.h"
#include "millrace/v1/job.pb.h"
#include "tools/millrace/progress.h"
#include "tools/millrace/session.h"

namespace millrace::cli {

/// How far a job is. While its source is read, what is expected of that counts as its size.
ProgressState ProgressOf(const v1::Job& job);

/// Shows what happens to a job until it has ended, then the job. A server that is away meanwhile is waited for. The exit code
/// is that of the job: kExceptions where records failed, unless `allow_exceptions`.
absl::StatusOr<ExitCode> WatchUntilEnd(Session& session, const std::string& job_id, bool allow_exceptions);

/// How long commands that read a stream wait for a server that is away: it may be for long while somebody watches.
inline constexpr absl::Duration kStreamRetryFor = absl::Minutes(5);

/// A stream about a job broke with `broken`: waits until it is worth opening it again. An error says that it is not.
absl::Status AwaitStream(Session& session, const client::Client& client, const std::string& job_id,
                         const absl::Status& broken);

}  // namespace millrace::cli
