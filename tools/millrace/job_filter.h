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

struct JobFilterOptions {
  std::vector<std::string> states;
  bool unfinished = false;
  std::string service;
  std::string project;
  std::string tag;
  std::string created_by;
  std::string since;
  std::string before;
  std::string text;
};

/// Adds them to a command; returns what was added.
std::vector<CLI::Option*> AddJobFilterOptions(CLI::App* command, JobFilterOptions& options);

/// The list that they ask for. A usage error names the option that cannot be read.
absl::StatusOr<v1::ListJobsRequest> ReadJobFilter(const Session& session, const JobFilterOptions& options);

/// A time as people type it: how long ago (`24h`), a day (`2024-05-01`, in the user's zone) or a moment in RFC 3339. `name` is
/// the option.
absl::StatusOr<google::protobuf::Timestamp> ReadTime(const Session& session, const std::string& name,
                                                     const std::string& text);

}  // namespace millrace::cli
