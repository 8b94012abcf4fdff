// Keeps one record from killing the server again and again: the flight recorder and the quarantine together.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "server/execution/flight_recorder.h"
#include "server/execution/quarantine.h"
#include "storage/store/job_store.h"

namespace millrace::execution {

/// What a worker pool is given. Empty: nothing is recorded, and every record is run.
struct CrashGuard {
  std::unique_ptr<FlightRecorder> recorder;
  Quarantine quarantine;
};

/// Counts the death of the server before, if it died, and starts to record for `threads` threads. Its files,
/// `flight_recorder` and `deaths`, lie in `folder`, the data folder, which must be locked by `store`. Where they cannot be
/// written the server runs without, and the log says so.
CrashGuard StartCrashGuard(const std::filesystem::path& folder, int threads, const store::JobStore& store);

}  // namespace millrace::execution
