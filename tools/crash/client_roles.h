// The clients of the crash run: each is a process of its own that works until it is killed, and goes on from its ledger
// when it is started again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "absl/status/status.h"

namespace millrace::crash {

struct ClientOptions {
  /// `push`, `pull` or `jobs`.
  std::string role;
  /// The pipeline of `push` and `pull`.
  std::string pipeline;
  /// HOST:PORT of the server.
  std::string server;
  std::filesystem::path ledger;
  /// A pipe that receives one byte a fact; -1: none.
  int progress_fd = -1;
  uint64_t seed = 0;
  /// Ends what was begun, then the process.
  bool finish = false;
};

/// Pushes chunk after chunk into a pipeline; begins a little before the last one that was acknowledged. With `finish`,
/// ends when everything that was ever on its way is stored.
absl::Status RunPush(const ClientOptions& options);

/// Pulls and acknowledges; begins behind, at or a little before the last result it has. With `finish`, ends when the
/// pipeline is drained.
absl::Status RunPull(const ClientOptions& options);

/// Makes one short job after the other: creates, pushes, closes, reads all. With `finish`, ends after the job at hand.
absl::Status RunJobs(const ClientOptions& options);

/// Chunks of each short job.
inline constexpr int64_t kChunksOfShortJob = 6;
/// The id of the pipeline of a round of RunJobs.
std::string ShortJobId(uint64_t round);

}  // namespace millrace::crash
