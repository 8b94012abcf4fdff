// One verb over many jobs: those that a filter finds, with a look at them first, at a pace, and a result for each.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "client/cpp/client.h"
#include "tools/millrace/failure.h"
#include "tools/millrace/job_filter.h"
#include "tools/millrace/session.h"

namespace millrace::cli {

/// Which jobs a command is about: one, or all that match.
struct BulkOptions {
  std::string id;
  bool all_matching = false;
  JobFilterOptions filter;
  bool preview = false;
  bool yes = false;
  /// Jobs a second; 0: as fast as the server answers.
  double rate = 0;
};

/// What is done to each job.
struct BulkVerb {
  /// `cancel` and `cancelled`, as in "cannot cancel the job" and "12 jobs would be cancelled".
  std::string verb;
  std::string done;
  /// Where no state is asked for: only jobs in these are of any concern.
  std::vector<v1::JobState> states;
  /// Does it, and says what became of the job.
  std::function<absl::StatusOr<std::string>(const client::Client& client, const std::string& job_id)> change;
};

/// Adds `ID`, and in its place --all-matching with what belongs to it. Without `with_preview` the command has such an option
/// of its own.
void AddBulkOptions(CLI::App* command, BulkOptions& options, bool with_preview = true);

/// Usage error where neither a job nor --all-matching is given.
absl::Status CheckBulkOptions(const BulkOptions& options);

/// Finds the jobs, asks whether they are meant unless told so, and changes one after the other. Jobs that begin to match
/// later are left alone. A job that cannot be changed does not keep others from it; the exit code is then kFailed.
absl::StatusOr<ExitCode> ChangeMatching(Session& session, const BulkOptions& options, const BulkVerb& verb);

}  // namespace millrace::cli
