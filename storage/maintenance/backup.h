// Backups: a copy of a store as it was at one moment, that can be told from half a copy.
//
//   NAME/                   a finished backup; until then it is called NAME.partial-ID
//     data/                 the files of the store: a data folder that nobody has opened yet
//     MANIFEST.millrace     size and SHA-256 of each of them, written last
//
// A backup is read before it is finished: what Audit finds wrong makes no backup.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace millrace::maintenance {

struct BackupInfo {
  std::filesystem::path folder;
  absl::Time create_time;
  int64_t files = 0;
  int64_t bytes = 0;
  /// Known where the backup was audited: by CreateBackup.
  int64_t jobs = 0;
};

/// Writes the files of a store into a folder that does not exist yet.
using Checkpoint = std::function<absl::Status(const std::filesystem::path& folder)>;

/// Makes `destination`, whose parent is made when it is missing. `draft_id` tells drafts of concurrent calls apart. A
/// draft that fails is removed; one that was killed stays, as `NAME.partial-ID`, and may be deleted.
///   BACKUP_NAME_TAKEN  `destination` exists
///   BACKUP_UNSOUND     the store is damaged; the message has the first finding
///   STORAGE_FULL, STORAGE_FAILED
absl::StatusOr<BackupInfo> CreateBackup(const Checkpoint& checkpoint, const std::filesystem::path& destination,
                                        std::string_view draft_id, absl::Time now);

/// Reads every file of a backup and compares it with the manifest.
///   BACKUP_UNSOUND  it is no backup, half of one, or damaged; the message names the file
absl::StatusOr<BackupInfo> CheckBackup(const std::filesystem::path& backup);

/// Copies a backup that CheckBackup finds sound to `folder`, which must not exist or be empty. Half a copy never has
/// that name: it is called `FOLDER.partial`, and the next call replaces it.
///   BACKUP_UNSOUND   as CheckBackup
///   FOLDER_NOT_EMPTY
///   STORAGE_FULL, STORAGE_FAILED
absl::StatusOr<BackupInfo> RestoreBackup(const std::filesystem::path& backup, const std::filesystem::path& folder);

}  // namespace millrace::maintenance
