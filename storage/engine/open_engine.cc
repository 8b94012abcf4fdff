#include <fcntl.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/engine/background_watch.h"
#include "storage/engine/engine.h"
#include "storage/engine/engine_on_env.h"
#include "storage/engine/rocks_engine.h"
#include "storage/engine/rocks_options.h"
#include "storage/engine/rocks_status.h"
#include "storage/model/errors.h"

namespace millrace::engine {
namespace {

absl::Status FolderError(const std::filesystem::path& folder, std::string_view what) {
  return model::MakeError(model::Reason::kStorageFailed,
                          absl::StrCat("data folder ", folder.string(), " ", std::string(what)),
                          {{"folder", folder.string()}});
}

// Makes the folder and says plainly what RocksDB would say in terms of its own files.
absl::Status PrepareFolder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  std::error_code unknown;
  const std::filesystem::file_status there = std::filesystem::status(folder, unknown);
  if (std::filesystem::exists(there) && !std::filesystem::is_directory(there)) {
    return FolderError(folder, "is a file; choose a folder");
  }
  if (error == std::errc::no_space_on_device) return FromRocksOpen(rocksdb::Status::NoSpace(), folder);
  if (error) return FolderError(folder, absl::StrCat("cannot be made: ", error.message()));
  if (faccessat(AT_FDCWD, folder.c_str(), R_OK | W_OK | X_OK, AT_EACCESS) != 0) {
    const std::string why = std::error_code(errno, std::generic_category()).message();
    return FolderError(
        folder, absl::StrCat("cannot be written: ", why, "; give this user the right to, or choose another folder"));
  }
  return absl::OkStatus();
}

using Descriptors = std::vector<rocksdb::ColumnFamilyDescriptor>;
using Handles = std::vector<rocksdb::ColumnFamilyHandle*>;

/// The families that the folder has. RocksDB opens all or none: those of a newer version are opened too, so that its
/// format version can be read.
Descriptors StoredFamilies(const rocksdb::DBOptions& options, const EngineOptions& wanted, const Descriptors& known) {
  std::vector<std::string> names;
  if (!rocksdb::DB::ListColumnFamilies(options, wanted.folder.string(), &names).ok()) {
    names = {rocksdb::kDefaultColumnFamilyName};
  }
  Descriptors stored;
  for (const std::string& name : names) {
    const auto found =
        std::find_if(known.begin(), known.end(), [&](const auto& family) { return family.name == name; });
    stored.push_back(found != known.end() ? *found : rocksdb::ColumnFamilyDescriptor(name, {}));
  }
  return stored;
}

/// Makes the families that are missing, all at once: one by one, each costs a rewrite of the options file.
rocksdb::Status MakeMissing(rocksdb::DB* db, const Descriptors& known, Handles& handles) {
  Descriptors missing;
  for (const rocksdb::ColumnFamilyDescriptor& family : known) {
    const bool there = std::any_of(handles.begin(), handles.end(),
                                   [&](const auto* handle) { return handle->GetName() == family.name; });
    if (!there) missing.push_back(family);
  }
  if (missing.empty()) return rocksdb::Status::OK();
  Handles made;
  rocksdb::Status status = db->CreateColumnFamilies(missing, &made);
  handles.insert(handles.end(), made.begin(), made.end());
  return status;
}

/// Puts the known families first, in their order.
void Arrange(const Descriptors& known, Handles& handles) {
  for (size_t i = 0; i < known.size(); ++i) {
    const auto found = std::find_if(handles.begin(), handles.end(),
                                    [&](const auto* handle) { return handle->GetName() == known[i].name; });
    std::iter_swap(handles.begin() + static_cast<std::ptrdiff_t>(i), found);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> OpenEngineOnEnv(const EngineOptions& options, rocksdb::Env* env) {
  if (absl::Status prepared = PrepareFolder(options.folder); !prepared.ok()) return prepared;

  auto watch = std::make_shared<BackgroundWatch>();
  rocksdb::DBOptions db_options = MakeDbOptions(env, options.families.size());
  db_options.listeners.push_back(watch);
  const std::shared_ptr<rocksdb::Cache> block_cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  Descriptors known;
  for (const FamilyOptions& family : options.families) {
    known.emplace_back(family.name, MakeFamilyOptions(family, block_cache));
  }

  rocksdb::DB* raw = nullptr;
  Handles handles;
  const rocksdb::Status opened = rocksdb::DB::Open(db_options, options.folder.string(),
                                                   StoredFamilies(db_options, options, known), &handles, &raw);
  if (!opened.ok()) return FromRocksOpen(opened, options.folder);
  std::unique_ptr<rocksdb::DB> db(raw);
  const rocksdb::Status made = MakeMissing(db.get(), known, handles);
  if (made.ok()) Arrange(known, handles);
  // From here on the engine closes what is open.
  auto engine = std::make_unique<RocksEngine>(std::move(db), std::move(handles), std::move(watch), options.log_bytes);
  if (!made.ok()) return FromRocksOpen(made, options.folder);
  return engine;
}

absl::StatusOr<std::unique_ptr<Engine>> OpenEngineToRead(const EngineOptions& options, bool lock) {
  rocksdb::DBOptions db_options = MakeDbOptions(rocksdb::Env::Default(), options.families.size());
  db_options.create_if_missing = false;
  std::shared_ptr<rocksdb::FileLock> held;
  if (lock) {
    rocksdb::FileLock* raw_lock = nullptr;
    const rocksdb::Status locked = db_options.env->LockFile((options.folder / "LOCK").string(), &raw_lock);
    if (!locked.ok()) return FromRocksOpen(locked, options.folder);
    held = std::shared_ptr<rocksdb::FileLock>(
        raw_lock, [env = db_options.env](rocksdb::FileLock* file) { static_cast<void>(env->UnlockFile(file)); });
  }
  const std::shared_ptr<rocksdb::Cache> block_cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  Descriptors known;
  for (const FamilyOptions& family : options.families) {
    known.emplace_back(family.name, MakeFamilyOptions(family, block_cache));
  }
  std::vector<std::string> stored;
  const rocksdb::Status listed = rocksdb::DB::ListColumnFamilies(db_options, options.folder.string(), &stored);
  if (!listed.ok()) return FromRocksOpen(listed, options.folder);
  const auto is_stored = [&stored](const std::string& name) {
    return std::find(stored.begin(), stored.end(), name) != stored.end();
  };
  if (std::none_of(known.begin(), known.end(), [&](const auto& family) { return is_stored(family.name); })) {
    return FolderError(options.folder, "is no data folder of Millrace");
  }
  // An older version had fewer families.
  Descriptors present;
  for (const rocksdb::ColumnFamilyDescriptor& family : known) {
    if (is_stored(family.name)) present.push_back(family);
  }
  present.emplace_back(rocksdb::kDefaultColumnFamilyName, MakeFamilyOptions({}, block_cache));
  rocksdb::DB* raw = nullptr;
  Handles handles;
  const rocksdb::Status opened =
      rocksdb::DB::OpenForReadOnly(db_options, options.folder.string(), present, &handles, &raw);
  if (!opened.ok()) return FromRocksOpen(opened, options.folder);
  for (size_t i = 0; i < known.size(); ++i) {
    if (!is_stored(known[i].name)) handles.insert(handles.begin() + static_cast<std::ptrdiff_t>(i), nullptr);
  }
  return std::make_unique<RocksEngine>(std::unique_ptr<rocksdb::DB>(raw), std::move(handles),
                                       std::make_shared<BackgroundWatch>(), options.log_bytes, std::move(held));
}

absl::StatusOr<std::unique_ptr<Engine>> OpenEngine(const EngineOptions& options) {
  return OpenEngineOnEnv(options, rocksdb::Env::Default());
}

}  // namespace millrace::engine
