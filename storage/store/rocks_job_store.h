// The JobStore that serves: one data folder, RocksDB inside, one commit lane.
#pragma once

#include <filesystem>
#include <memory>

#include "absl/status/statusor.h"
#include "storage/model/clock.h"
#include "storage/store/job_store.h"

namespace millrace::store {

struct RocksJobStoreOptions {
  /// Created when it is missing, parents included.
  std::filesystem::path folder;
  /// Wall time of everything that is stored. Required; must outlive the store.
  const model::Clock* clock = nullptr;
  /// True: a completion means that the bytes are synced to disk. False: that they are with the operating system,
  /// which survives kill -9 of the process but not of the machine; a background sync runs every second.
  bool sync = true;
  /// Memory for blocks read from disk, in bytes.
  size_t block_cache_bytes = size_t{64} << 20;
};

/// Opens the folder, raises the epoch and reads the unfinished jobs. Errors name the folder and say what to do:
/// it is locked by another process, cannot be written, is full, or was written by a newer format.
absl::StatusOr<std::unique_ptr<JobStore>> OpenRocksJobStore(const RocksJobStoreOptions& options);

}  // namespace millrace::store
