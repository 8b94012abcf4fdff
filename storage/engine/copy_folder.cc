#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "storage/engine/engine.h"
#include "storage/model/errors.h"

namespace millrace::engine {
namespace {

namespace fs = std::filesystem;

absl::Status CannotCopy(const fs::path& path, const std::error_code& error) {
  const bool full = error == std::errc::no_space_on_device;
  return model::MakeError(full ? model::Reason::kStorageFull : model::Reason::kStorageFailed,
                          absl::StrCat("cannot copy ", path.string(), ": ", error.message()));
}

/// Is written once and never changed.
bool IsImmutable(const fs::path& file) { return file.extension() == ".sst" || file.extension() == ".blob"; }

/// Holds a part of what is stored. The others are the lock and what RocksDB tells of itself.
bool IsNeeded(const fs::path& file) {
  const std::string name = file.filename().string();
  return IsImmutable(file) || file.extension() == ".log" || name == "CURRENT" || name == "IDENTITY" ||
         name.starts_with("MANIFEST-") || name.starts_with("OPTIONS-");
}

}  // namespace

absl::Status CopyClosedFolder(const fs::path& folder, const fs::path& destination) {
  std::error_code error;
  fs::create_directory(destination, error);
  if (error) return CannotCopy(folder, error);
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const fs::path from = entry->path();
    const fs::path to = destination / from.filename();
    std::error_code failed;
    if (!IsNeeded(from) || !entry->is_regular_file(failed)) continue;
    if (IsImmutable(from)) fs::create_hard_link(from, to, failed);
    // Another file system, or one without links.
    if (!IsImmutable(from) || failed) fs::copy_file(from, to, failed);
    if (failed) return CannotCopy(from, failed);
  }
  return error ? CannotCopy(folder, error) : absl::OkStatus();
}

}  // namespace millrace::engine
