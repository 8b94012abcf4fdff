#include "storage/maintenance/open_folder.h"

#include <string>

#include "storage/store/rocks_job_store_impl.h"

namespace millrace::maintenance {
namespace {

absl::StatusOr<std::unique_ptr<engine::Engine>> Open(const std::filesystem::path& folder, bool lock) {
  const store::RocksJobStoreOptions options{.folder = folder};
  absl::StatusOr<std::unique_ptr<engine::Engine>> engine =
      engine::OpenEngineToRead(store::EngineOptionsOf(options), lock);
  if (!engine.ok()) return engine;
  if (absl::Status checked = store::CheckFormat(**engine, folder.string()); !checked.ok()) return checked;
  return engine;
}

}  // namespace

absl::StatusOr<std::unique_ptr<engine::Engine>> OpenDataFolder(const std::filesystem::path& folder) {
  return Open(folder, true);
}

absl::StatusOr<std::unique_ptr<engine::Engine>> OpenBackupData(const std::filesystem::path& folder) {
  return Open(folder, false);
}

absl::Status CheckpointFolder(const std::filesystem::path& folder, const std::filesystem::path& destination) {
  const absl::StatusOr<std::unique_ptr<engine::Engine>> locked = OpenDataFolder(folder);
  if (!locked.ok()) return locked.status();
  return engine::CopyClosedFolder(folder, destination);
}

}  // namespace millrace::maintenance
