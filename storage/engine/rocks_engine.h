// The engine over RocksDB. Forward declarations only: RocksDB's headers are included by .cc files of this room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "storage/engine/engine.h"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class Status;
}  // namespace rocksdb

namespace millrace::engine {

class BackgroundWatch;

class RocksEngine final : public Engine {
 public:
  /// `handles` are the families in the order of EngineOptions, null for one that a folder opened to read lacks, then those
  /// nobody asked for. A new log is begun after `log_bytes`. `lock`, if any, is let go of when the engine is closed.
  RocksEngine(std::unique_ptr<rocksdb::DB> db, std::vector<rocksdb::ColumnFamilyHandle*> handles,
              std::shared_ptr<BackgroundWatch> watch, size_t log_bytes, std::shared_ptr<const void> lock = nullptr);
  ~RocksEngine() override;

  absl::StatusOr<std::optional<std::string>> Get(FamilyIndex family, std::string_view key) const override;
  std::unique_ptr<Cursor> Scan(FamilyIndex family, std::string_view begin, std::string_view end,
                               Direction direction) const override;
  std::unique_ptr<WriteUnit> NewUnit() const override;
  absl::Status Write(WriteUnit& unit, bool sync) override;
  absl::Status SyncLog() override;
  absl::Status Checkpoint(const std::filesystem::path& folder) const override;
  EngineStatistics Statistics() const override;

 private:
  /// Before each write: brings the engine back after a failure.
  absl::Status Recover() ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  /// Flushes all families, and with them goes on in a new log. Returns when the flushes have begun.
  absl::Status BeginLog() ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  /// The outcome of a write. A log that failed is noted: RocksDB must not write it again.
  absl::Status Conclude(const rocksdb::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  /// Keeps something in memory that waits to be flushed.
  void KeepUnflushed();
  bool HasUnflushed(rocksdb::ColumnFamilyHandle* family) const;
  uint64_t CurrentLog() const;

  const std::shared_ptr<const void> lock_;
  const std::unique_ptr<rocksdb::DB> db_;
  const std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  const std::shared_ptr<BackgroundWatch> watch_;
  const size_t max_log_bytes_;

  absl::Mutex write_mutex_;
  /// The number of the log that a write or a sync failed on; 0 when there is none.
  uint64_t failed_log_ ABSL_GUARDED_BY(write_mutex_) = 0;
  /// Written to the present log.
  size_t log_bytes_ ABSL_GUARDED_BY(write_mutex_) = 0;
};

}  // namespace millrace::engine
