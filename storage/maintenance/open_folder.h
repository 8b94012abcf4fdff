// Opens the files of a store to look at them: nothing is changed, and no epoch is raised.
#pragma once

#include <filesystem>
#include <memory>

#include "absl/status/statusor.h"
#include "storage/engine/engine.h"

namespace millrace::maintenance {

/// A data folder, with the families of the format in its order. Holds the lock that a server would hold.
///   STORAGE_FAILED   a server has it open, it is no data folder, or a newer version wrote it
///   STORAGE_CORRUPT  the engine cannot read its files
absl::StatusOr<std::unique_ptr<engine::Engine>> OpenDataFolder(const std::filesystem::path& folder);

/// The same for the data of a backup, which nobody opens: no lock, for that would be a file more.
absl::StatusOr<std::unique_ptr<engine::Engine>> OpenBackupData(const std::filesystem::path& folder);

/// Writes the files of a data folder that no server has open to `destination`, which must not exist: hard links where
/// both are on one file system. Changes nothing in the folder, so that whoever runs it leaves no file of his own behind.
absl::Status CheckpointFolder(const std::filesystem::path& folder, const std::filesystem::path& destination);

}  // namespace millrace::maintenance
