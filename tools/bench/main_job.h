// The main job through a real server: pushed, evaluated, stored, pulled, all durable.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace millrace::bench {

struct MainJobOptions {
  std::filesystem::path server_binary;
  int64_t records = 1'800'000;
  /// Threads of the server's worker pool; 0 is the server's default.
  int workers = 0;
};

struct MainJobReport {
  /// From the first push to the last result in the client's hands.
  double records_per_second = 0;
  /// Until the last chunk was acknowledged as durable.
  double push_records_per_second = 0;
  /// All results read once more by cursor.
  double pull_records_per_second = 0;
  /// CPU of the server process, per chunk of 300 records.
  double server_cpu_us_per_chunk = 0;
};

/// Starts a server of its own on an empty folder. Fails when a single result is missing, doubled or wrong.
absl::StatusOr<MainJobReport> RunMainJob(const MainJobOptions& options, const std::vector<std::string>& chunks);

}  // namespace millrace::bench
