// How a storage engine is doing, in words that fit any engine: for those who watch it from outside.
#pragma once

#include <cstdint>

namespace millrace::engine {

/// Numbers of one moment. An engine that does not know one leaves it 0.
struct EngineStatistics {
  /// Size of the sorted files on disk, in bytes; the log is not in it.
  int64_t file_bytes = 0;
  /// Memory that holds what is not in sorted files yet, in bytes.
  int64_t memtable_bytes = 0;
  int64_t block_cache_bytes = 0;
  /// What must still be rewritten until the files are in order, in bytes. Where it only grows, the disk is too slow.
  int64_t compaction_pending_bytes = 0;
  int64_t running_compactions = 0;
  int64_t running_flushes = 0;
  /// How often writes were slowed down, and stopped, since the engine was opened, because compaction could not follow.
  int64_t write_slowdowns = 0;
  int64_t write_stops = 0;
  /// True while no write goes through.
  bool writes_stopped = false;
  /// Failures of background work since the engine was opened: a full or broken disk.
  int64_t background_errors = 0;
};

}  // namespace millrace::engine
