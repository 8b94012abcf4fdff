// Records that were running each time the server died, until one of them is not run again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "server/execution/flight_recorder.h"
#include "storage/model/job.h"

namespace millrace::execution {

/// Counts deaths per record, in a small text file. Changed at start alone, and read by all threads afterwards.
///
/// A record that was running at kDeathsMax deaths in a row is quarantined: it becomes an exception with WORKER_DIED instead
/// of being run. A death at which other records were running, but not this one, begins its count anew; a stop, or a death at
/// which nothing was running, says nothing about it.
class Quarantine {
 public:
  static constexpr int32_t kDeathsMax = 3;

  /// What is in the file; nothing where there is none, or it is no such file.
  static Quarantine Load(const std::filesystem::path& file);

  /// Counts the death of the server that left `flights` behind, unless it is counted already, and forgets records whose
  /// chunk is not `waiting` any more. Returns the records that are quarantined by this death.
  std::vector<LastFlight> CountDeath(const std::vector<LastFlight>& flights,
                                     absl::FunctionRef<bool(const model::JobKey& job, int64_t sequence)> waiting);

  /// Writes the file, whole or not at all. UNAVAILABLE where it cannot be written.
  absl::Status Save(const std::filesystem::path& file) const;

  /// The records of a chunk that must not be run, ascending.
  std::vector<int32_t> Find(const model::JobKey& job, int64_t sequence) const;

 private:
  using Place = std::tuple<model::JobKey, int64_t, int32_t>;

  /// The run of the server whose death was counted last.
  int64_t counted_epoch_ = 0;
  std::map<Place, int32_t> deaths_;
};

}  // namespace millrace::execution
