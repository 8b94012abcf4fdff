// The scenarios of the bench. Each starts servers of its own, checks what comes back, and returns figures.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/bench/figures.h"
#include "tools/bench/stand.h"

namespace millrace::bench {

/// Different chunks, so that neither caches nor compression see the same bytes again and again.
inline constexpr int kDistinctChunks = 200;

/// Formulas A and B end to end, beside the yardstick.
absl::StatusOr<Report> RunMainJob(const BenchOptions& options);

/// One chunk in flight, beside the yardstick; chunks of one record, from push to pulled result.
absl::StatusOr<Report> RunLatency(const BenchOptions& options);

/// 10^5, 10^6 and 10^7 records through one pipeline each: what a record costs, and what the server holds in memory.
absl::StatusOr<Report> RunScale(const BenchOptions& options);

/// 1, 100 and 10,000 open pipelines: what an idle one costs, and whether a busy one and the lists notice.
absl::StatusOr<Report> RunPipelines(const BenchOptions& options);

/// 100,000 jobs that have ended: lists and statistics over them, and a restart.
absl::StatusOr<Report> RunJobs(const BenchOptions& options);

/// 10,000 clients that connect and say nothing: what one costs, and whether a busy one notices. FAILED_PRECONDITION says
/// how many open files that takes where the limit is lower.
absl::StatusOr<Report> RunConnections(const BenchOptions& options);

/// 10^6 chunks of one record: what each costs, and what the server holds in memory.
absl::StatusOr<Report> RunCrumbs(const BenchOptions& options);

/// The server killed with 1,000 unfinished jobs: the time until the first new result, by pending records.
absl::StatusOr<Report> RunRestart(const BenchOptions& options);

/// A job of 10^6 records deleted.
absl::StatusOr<Report> RunDelete(const BenchOptions& options);

/// A job of formula A, and the server drained behind it.
absl::StatusOr<Report> RunDrained(const BenchOptions& options);

/// Each stage of the data path alone.
absl::StatusOr<Report> RunStages(const BenchOptions& options);

struct Scenario {
  std::string name;
  std::string description;
  absl::StatusOr<Report> (*run)(const BenchOptions&);
  /// Run when no scenario is named.
  bool by_default = true;
};

const std::vector<Scenario>& AllScenarios();

}  // namespace millrace::bench
