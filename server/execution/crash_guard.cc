#include "server/execution/crash_guard.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/core/log.h"
#include "spdlog/spdlog.h"
#include "storage/model/job_rules.h"

namespace millrace::execution {

CrashGuard StartCrashGuard(const std::filesystem::path& folder, int threads, const store::JobStore& store) {
  const std::filesystem::path recorder_file = folder / "flight_recorder";
  const std::filesystem::path deaths_file = folder / "deaths";
  CrashGuard guard{.recorder = nullptr, .quarantine = Quarantine::Load(deaths_file)};
  const auto waiting = [&store](const model::JobKey& key, int64_t sequence) {
    const absl::StatusOr<model::JobPtr> job = store.GetJob(key);
    if (!job.ok() || model::IsFinal((*job)->state)) return false;
    const absl::StatusOr<model::Chunk> chunk = store.FindChunk(key, sequence);
    return !chunk.ok() || chunk->state != model::ChunkState::kCommitted;
  };
  const std::vector<LastFlight> flights = FlightRecorder::Read(recorder_file);
  const std::vector<LastFlight> quarantined = guard.quarantine.CountDeath(flights, waiting);
  for (const LastFlight& flight : quarantined) {
    core::Log(spdlog::level::err,
              absl::StrCat("record ", flight.index, " was running at ", Quarantine::kDeathsMax,
                           " deaths of the server in a row and is not run again"),
              {{"job_id", flight.job.job_id}, {"chunk", absl::StrCat(flight.sequence)}});
  }
  // The count first: a death in between is then told from the one that is counted by its epoch.
  if (const absl::Status saved = guard.quarantine.Save(deaths_file); !saved.ok()) {
    spdlog::warn("{}; a record that kills the server will not be found out", std::string(saved.message()));
  }
  absl::StatusOr<std::unique_ptr<FlightRecorder>> recorder =
      FlightRecorder::Start(recorder_file, threads, store.epoch());
  if (!recorder.ok()) {
    spdlog::warn("{}; a record that kills the server will not be found out", std::string(recorder.status().message()));
  } else {
    guard.recorder = *std::move(recorder);
  }
  return guard;
}

}  // namespace millrace::execution
