// Which record each worker thread runs, in a file that outlives the process: after a death, the next start reads which
// records were running.
//
// The file is mapped into memory and written with plain stores, one a record. What is stored is with the operating system at
// once, so it survives SIGKILL and any crash of the process at no cost; it need not survive the machine, whose crash no
// record is to blame for. docs/STORAGE_FORMAT.md draws the bytes.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/model/job.h"

namespace millrace::execution {

/// A record that was running when its server died.
struct LastFlight {
  /// Of the server that died.
  int64_t epoch = 0;
  model::JobKey job;
  int64_t sequence = 0;
  int32_t index = 0;
};

/// One slot for each worker thread, which alone writes it.
class FlightRecorder {
 public:
  /// Starts the file anew, for `threads` threads of the server's run `epoch`. UNAVAILABLE where the file cannot be made.
  static absl::StatusOr<std::unique_ptr<FlightRecorder>> Start(const std::filesystem::path& file, int threads,
                                                               int64_t epoch);
  ~FlightRecorder();
  FlightRecorder(const FlightRecorder&) = delete;
  FlightRecorder& operator=(const FlightRecorder&) = delete;

  /// Thread `thread` begins a chunk. Returns where it stores the index of each record before it runs.
  std::atomic<int32_t>* Begin(int thread, const model::JobKey& job, int64_t sequence);
  /// It is through with the chunk.
  void End(int thread);

  /// What the server that wrote the file was running when it ended; nothing where there is no file, or it is no such
  /// file.
  static std::vector<LastFlight> Read(const std::filesystem::path& file);

 private:
  struct Slot;

  explicit FlightRecorder(std::span<Slot> slots) : slots_(slots) {}

  const std::span<Slot> slots_;
};

}  // namespace millrace::execution
