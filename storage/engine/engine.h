// The storage engine behind a thin face: ordered keys in families, written in atomic units. The only room that knows
// RocksDB, and it knows nothing else: keys and values are bytes.
//
// Errors carry these reasons: STORAGE_FULL (with a delay after which to try again), STORAGE_CORRUPT, and
// STORAGE_FAILED for anything else.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/engine/engine_statistics.h"
#include "storage/model/errors.h"

namespace millrace::engine {

/// A family is named by its place in EngineOptions::families; on disk, by its name.
using FamilyIndex = size_t;

struct FamilyOptions {
  std::string name;
  /// Holds large values that are compressed already: not compressed again, and given more memory.
  bool payloads = false;
  /// Is often asked for keys that it does not hold: keeps filters, so that such a question reads nothing from disk.
  bool sought_in_vain = false;
};

struct EngineOptions {
  /// Created when it is missing, parents included.
  std::filesystem::path folder;
  /// Families that the folder has beyond these are left alone.
  std::vector<FamilyOptions> families;
  /// Memory for blocks read from disk, in bytes.
  size_t block_cache_bytes = size_t{64} << 20;
  /// When so much was written to the log, all families are flushed and the next log is begun. It bounds what a restart
  /// reads again, a millisecond per MiB, and with what is being flushed the memory that writes take: twice as much.
  size_t log_bytes = size_t{64} << 20;
};

/// Changes that happen together or not at all. Used by one thread.
class WriteUnit {
 public:
  virtual ~WriteUnit() = default;

  virtual void Put(FamilyIndex family, std::string_view key, std::string_view value) = 0;
  /// Puts a value that is given in parts.
  virtual void Put(FamilyIndex family, std::string_view key, std::span<const std::string_view> value_parts) = 0;
  virtual void Delete(FamilyIndex family, std::string_view key) = 0;
  /// Deletes all keys from `begin` up to but not including `end`, those put earlier in this unit included. Costs the
  /// same however many they are.
  virtual void DeleteRange(FamilyIndex family, std::string_view begin, std::string_view end) = 0;

  virtual bool empty() const = 0;
};

enum class Direction { kForward, kBackward };

/// Walks over the keys of a range as they were when the cursor was made. Used by one thread; must not outlive its
/// engine.
class Cursor {
 public:
  virtual ~Cursor() = default;

  /// False at the end, and where the walk failed: see status().
  virtual bool valid() const = 0;
  /// REQUIRES: valid(). The bytes stay until the next call of Next.
  virtual std::string_view key() const = 0;
  virtual std::string_view value() const = 0;
  virtual void Next() = 0;
  virtual absl::Status status() const = 0;
};

/// Thread-safe.
class Engine {
 public:
  virtual ~Engine() = default;

  virtual absl::StatusOr<std::optional<std::string>> Get(FamilyIndex family, std::string_view key) const = 0;

  /// A cursor at the first key from `begin` up to but not including `end`, or at the last one when it walks backward.
  virtual std::unique_ptr<Cursor> Scan(FamilyIndex family, std::string_view begin, std::string_view end,
                                       Direction direction = Direction::kForward) const = 0;

  virtual std::unique_ptr<WriteUnit> NewUnit() const = 0;

  /// Makes the changes of `unit`. With `sync`, they are on disk when this returns OK; without, they are with the
  /// operating system. After a failure nothing of it can be read, and the next write first tries to bring the engine
  /// back: a disk that has space again needs no restart.
  virtual absl::Status Write(WriteUnit& unit, bool sync) = 0;

  /// Puts on disk what was written without sync.
  virtual absl::Status SyncLog() = 0;

  /// Writes all files of the engine, as they are now, to `folder`, which must not exist: it can be opened like the
  /// engine's own folder. What was written with sync before the call is in it. Files that never change are linked where
  /// that is possible. Writes go on meanwhile. STORAGE_FAILED for an engine that has no files.
  virtual absl::Status Checkpoint(const std::filesystem::path& folder) const {
    return model::MakeError(model::Reason::kStorageFailed, "there are no files to write to " + folder.string());
  }

  /// An engine that is not watched has nothing to tell.
  virtual EngineStatistics Statistics() const { return {}; }
};

/// Opens the folder to look at it: nothing in it is changed, and Write fails. `lock`: as OpenEngine, refuse a folder that
/// is open, and keep others from opening it. Without, nobody may change the folder meanwhile. The folder must exist, with
/// at least one of the families; those that it lacks are empty.
absl::StatusOr<std::unique_ptr<Engine>> OpenEngineToRead(const EngineOptions& options, bool lock);

/// Copies the files of an engine's folder to `destination`, which is made: what is there can be opened like the folder
/// itself. Files that never change are linked where that is possible. Changes nothing in the folder. REQUIRES: nobody writes
/// to it meanwhile, as while it is open to read with a lock.
absl::Status CopyClosedFolder(const std::filesystem::path& folder, const std::filesystem::path& destination);

/// Opens the folder for this process alone. Errors name the folder and say what stands in the way: another process has
/// it open, it cannot be written, it is a file, the disk is full, its files are damaged.
absl::StatusOr<std::unique_ptr<Engine>> OpenEngine(const EngineOptions& options);

}  // namespace millrace::engine
