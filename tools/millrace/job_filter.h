// Options that choose jobs: of `jobs list`, of `jobs summary`, and of verbs over many jobs.
#pragma once

#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "google/protobuf/timestamp.pb.h"
#include "millrace/v1/job_service.pb.h"
#include "tools/millrace/session.h"

namespace millrace::cli {

/// When jobs were created, as it was typed.
struct CreateTimeOptions {
  std::string since;
  std::string before;
};

struct JobFilterOptions {
  std::vector<std::string> states;
  bool unfinished = false;
  std::vector<std::string> outcomes;
  std::string service;
  std::string project;
  std::string tag;
  std::string created_by;
  CreateTimeOptions created;
  std::string text;
};

/// Whether jobs are chosen by their service, too.
enum class ServiceFilter { kNone, kAny };

// Both add options to a command, and return what was added.

std::vector<CLI::Option*> AddCreateTimeOptions(CLI::App* command, CreateTimeOptions& options);
std::vector<CLI::Option*> AddJobFilterOptions(CLI::App* command, JobFilterOptions& options,
                                              ServiceFilter service = ServiceFilter::kAny);

/// The list that they ask for. A usage error names the option that cannot be read.
absl::StatusOr<v1::ListJobsRequest> ReadJobFilter(const Session& session, const JobFilterOptions& options);

/// A time as people type it: how long ago (`24h`), a day (`2024-05-01`, in the user's zone) or a moment in RFC 3339. `name` is
/// the option.
absl::StatusOr<google::protobuf::Timestamp> ReadTime(const Session& session, const std::string& name,
                                                     const std::string& text);

/// Sets in a request from when, and before when, the jobs were created. A usage error names the option that cannot be read.
template <typename Request>
absl::Status SetCreateTimes(const Session& session, const CreateTimeOptions& options, Request& request) {
  if (!options.since.empty()) {
    const auto since = ReadTime(session, "--since", options.since);
    if (!since.ok()) return since.status();
    *request.mutable_create_time_from() = *since;
  }
  if (!options.before.empty()) {
    const auto before = ReadTime(session, "--before", options.before);
    if (!before.ok()) return before.status();
    *request.mutable_create_time_before() = *before;
  }
  return absl::OkStatus();
}

}  // namespace millrace::cli
