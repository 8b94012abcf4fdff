// A disk that breaks when told to, under RocksDB.
//
// What RocksDB wrote but did not sync is gone after a power cut: bytes behind the last sync of a file, and files whose
// folder was not synced since they were made. Renaming counts as durable at once, with all names made before it, as on a
// file system that journals names in order. RocksDB's own log of what it does (LOG) never fails and is never cut:
// it is no part of the data.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace millrace::engine {

enum class Fault {
  /// The n-th write and all later ones find no space, until Heal.
  kDiskFull,
  /// The n-th write fails and writes nothing; later ones succeed.
  kFailedWrite,
  /// The n-th write writes half of its bytes and fails; later ones succeed.
  kShortWrite,
  /// The n-th sync fails and makes nothing durable; later ones succeed.
  kFailedSync,
  /// The power fails instead of the n-th write or sync: it and all that follows fails, and what was not synced is gone.
  kPowerCut,
  /// The power fails in the middle of the n-th write, half of which stays, and so does all that was not synced.
  kTornWrite,
};

/// Thread-safe.
class FaultyDisk {
 public:
  FaultyDisk();
  ~FaultyDisk();
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;

  /// All files of an engine go through it. Syncs are remembered, not made: nobody pulls a real plug.
  rocksdb::Env* env() { return env_.get(); }

  /// Arms one fault, in place of any before. `nth` counts from 1 and from now.
  void Break(Fault fault, int64_t nth) ABSL_LOCKS_EXCLUDED(mutex_);

  /// True once the armed fault has struck.
  bool struck() const ABSL_LOCKS_EXCLUDED(mutex_);

  /// Disarms the fault; after a power cut drops what was not synced. REQUIRES after a power cut: nobody has a file open.
  void Heal() ABSL_LOCKS_EXCLUDED(mutex_);

  /// From now on a compaction waits where it writes a file, until it is released.
  void HoldCompactions() ABSL_LOCKS_EXCLUDED(mutex_);
  /// Returns when a compaction waits.
  void AwaitHeldCompaction() ABSL_LOCKS_EXCLUDED(mutex_);
  void ReleaseCompactions() ABSL_LOCKS_EXCLUDED(mutex_);

  // For the file system and its files.

  /// Before a file of rows is written: waits when it is a compaction that does.
  void PassHold() ABSL_LOCKS_EXCLUDED(mutex_);

  enum class Operation { kWrite, kSync, kChange };
  enum class Answer { kGo, kFull, kFail, kHalf };
  /// What becomes of an operation.
  Answer Ask(Operation operation) ABSL_LOCKS_EXCLUDED(mutex_);
  void Made(const std::string& file) ABSL_LOCKS_EXCLUDED(mutex_);
  void Synced(const std::string& file, int64_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);
  void SyncedFolder() ABSL_LOCKS_EXCLUDED(mutex_);
  void Renamed(const std::string& from, const std::string& to) ABSL_LOCKS_EXCLUDED(mutex_);
  void Deleted(const std::string& file) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  bool PowerIsOut() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Concerns(Operation operation) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  bool MayCompact() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !hold_compactions_; }

  std::unique_ptr<rocksdb::Env> env_;

  mutable absl::Mutex mutex_;
  Fault fault_ ABSL_GUARDED_BY(mutex_) = Fault::kDiskFull;
  /// Operations until the fault strikes; 0: has struck or is not armed.
  int64_t left_ ABSL_GUARDED_BY(mutex_) = 0;
  bool struck_ ABSL_GUARDED_BY(mutex_) = false;
  bool hold_compactions_ ABSL_GUARDED_BY(mutex_) = false;
  bool compaction_held_ ABSL_GUARDED_BY(mutex_) = false;
  /// Bytes of each file that a power cut leaves.
  std::map<std::string, int64_t> synced_ ABSL_GUARDED_BY(mutex_);
  /// Files whose names a power cut takes.
  std::set<std::string> new_names_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace millrace::engine
