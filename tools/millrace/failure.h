// How a command fails: what it was about to do, why it could not, what to do now, and with which exit code.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "tools/millrace/table.h"

namespace millrace::cli {

/// What the process ends with. docs/CLI.md and `millrace --help` document them; never change the numbers.
enum class ExitCode : int {
  /// Done, and every record succeeded.
  kOk = 0,
  /// Not done; the error says why.
  kFailed = 1,
  /// The command line is wrong; nothing was done.
  kUsage = 2,
  /// Done, but some records became exceptions or rejects.
  kExceptions = 3,
  /// Interrupted by a signal.
  kInterrupted = 4,
  /// The server cannot be reached or is not ready.
  kUnreachable = 5,
};

/// The lines of `--help` about exit codes.
std::string_view ExitCodeHelp();

/// An error of the command line: exit code 2.
absl::Status UsageError(std::string_view message);

/// Says what the command was about to do (`cannot create the pipeline`). The innermost one stays. OK stays OK.
absl::Status During(std::string_view what, absl::Status status);

/// Says what the user can do, in place of the advice that belongs to the error's reason. OK stays OK.
absl::Status WithHint(absl::Status status, std::string_view hint);

/// What to tell somebody who waits while a call is repeated after `failure`, without full stop. Empty where that is nothing
/// unusual: a buffer has no room yet, which is how back-pressure feels.
std::string WhyRepeated(const absl::Status& failure);

/// The exit code of a status. OK is kOk.
ExitCode ExitCodeOf(const absl::Status& status);

/// The error for people, each line ended: `millrace: WHAT: WHY (REASON)`, a line for each wrong field, and a hint.
/// `server` is the address that was used.
std::string RenderFailure(const absl::Status& status, std::string_view server, const Style& style);

}  // namespace millrace::cli
