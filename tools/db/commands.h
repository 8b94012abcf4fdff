// What millrace-db can do, one function a command. Each writes what it found to `out`; an error is shown by the caller.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "tools/db/db_cli.h"

namespace millrace::db {

struct ScanQuery {
  std::string folder;
  /// Empty: all.
  std::string family;
  /// `TENANT/JOB`, `TENANT/`, or empty: all.
  std::string job;
  int64_t limit = 100;
};

absl::StatusOr<ExitCode> Stats(const std::string& folder, const Environment& world);
absl::StatusOr<ExitCode> Scan(const ScanQuery& query, const Environment& world);
absl::StatusOr<ExitCode> Verify(const std::string& folder, bool is_backup, const Environment& world);
absl::StatusOr<ExitCode> Backup(const std::string& folder, const std::string& backup, const Environment& world);
absl::StatusOr<ExitCode> Restore(const std::string& backup, const std::string& folder, const Environment& world);

}  // namespace millrace::db
