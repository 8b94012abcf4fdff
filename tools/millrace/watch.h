// Streams about a job: waiting for its end, with what happens to it on the way, and going on where one broke.
#pragma once

#include <functional>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/cpp/client.h"
#include "millrace/v1/job_service.pb.h"
#include "tools/millrace/failure.h"
#include "tools/millrace/progress.h"
#include "tools/millrace/session.h"

namespace millrace::cli {

/// How far a job is. While its source is read, what is expected of that counts as its size.
ProgressState ProgressOf(const v1::Job& job);

/// Waits until a job has ended, and returns it as it is then. A server that is away meanwhile is waited for. Tells on stderr
/// what happens to the job, how far it is, and once that its results fill the output buffer. `on_message`, if there is one,
/// gets each message of the stream in place of all that.
absl::StatusOr<v1::Job> WatchUntilEnd(Session& session, const std::string& job_id,
                                      const std::function<void(const v1::WatchJobResponse&)>& on_message = nullptr);

/// The exit code that stands for a job that has ended: kFailed unless it completed; kExceptions where records failed and that is
/// not allowed.
ExitCode ExitCodeOfJob(const v1::Job& job, bool allow_exceptions);

/// What a command takes that can wait for the end of its job.
struct WaitOptions {
  bool wait = false;
  bool allow_exceptions = false;
};

/// Adds --wait and --allow-exceptions. Returns the former.
CLI::Option* AddWaitOptions(CLI::App* command, WaitOptions& options);

/// Prints a job: one JSON document, or what people read.
using JobPrinter = std::function<absl::Status(const v1::Job& job)>;

/// Ends a command that set `job` to work: prints the job, once, as it is now or, with --wait, at its end. Without a `print` of
/// its own that is JSON or RenderJob.
absl::StatusOr<ExitCode> PrintOrWait(Session& session, const v1::Job& job, const WaitOptions& options,
                                     const JobPrinter& print = nullptr);

/// How long commands that read a stream wait for a server that is away: it may be for long while somebody watches.
inline constexpr absl::Duration kStreamRetryFor = absl::Minutes(10);

/// A stream about a job broke with `broken`: waits until it is worth opening it again. An error says that it is not.
absl::Status AwaitStream(Session& session, const client::Client& client, const std::string& job_id,
                         const absl::Status& broken);

}  // namespace millrace::cli
