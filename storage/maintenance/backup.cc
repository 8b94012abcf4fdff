#include "storage/maintenance/backup.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/engine/engine.h"
#include "storage/maintenance/audit.h"
#include "storage/maintenance/manifest.h"
#include "storage/maintenance/open_folder.h"
#include "storage/model/errors.h"

namespace millrace::maintenance {
namespace {

namespace fs = std::filesystem;
using model::MakeError;
using model::Reason;

constexpr char kData[] = "data";
constexpr char kManifest[] = "MANIFEST.millrace";

absl::Status FileError(const std::string& what, const fs::path& path, const std::error_code& error) {
  const bool full = error == std::errc::no_space_on_device;
  return MakeError(full ? Reason::kStorageFull : Reason::kStorageFailed,
                   absl::StrCat("cannot ", what, " ", path.string(), ": ", error.message()));
}

absl::Status Unsound(const fs::path& backup, const std::string& why) {
  return MakeError(Reason::kBackupUnsound, absl::StrCat(backup.string(), " cannot be used as a backup: ", why),
                   {{"backup", backup.string()}});
}

/// Puts a file or folder on disk: without this, a finished name could outlive its content in a crash.
absl::Status Sync(const fs::path& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool ok = fd >= 0 && fsync(fd) == 0;
  const std::error_code error(errno, std::generic_category());
  if (fd >= 0) close(fd);
  return ok ? absl::OkStatus() : FileError("sync", path, error);
}

absl::Status WriteFile(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) return FileError("write", path, std::error_code(errno, std::generic_category()));
  return Sync(path);
}

absl::StatusOr<Manifest> ListFiles(const fs::path& backup, absl::Time now) {
  Manifest manifest{.create_time = now, .files = {}};
  std::error_code error;
  fs::recursive_directory_iterator entry(backup / kData, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (!entry->is_regular_file()) continue;
    absl::StatusOr<ManifestFile> file = DescribeFile(entry->path());
    if (!file.ok()) return file.status();
    if (absl::Status synced = Sync(entry->path()); !synced.ok()) return synced;
    manifest.files.emplace(fs::relative(entry->path(), backup).string(), *std::move(file));
  }
  if (error) return FileError("list", backup, error);
  return manifest;
}

BackupInfo InfoOf(const fs::path& folder, const Manifest& manifest) {
  return {.folder = folder,
          .create_time = manifest.create_time,
          .files = static_cast<int64_t>(manifest.files.size()),
          .bytes = manifest.bytes()};
}

/// Fills a draft and makes it a backup, all but the name.
absl::StatusOr<BackupInfo> Fill(const Checkpoint& checkpoint, const fs::path& draft, absl::Time now) {
  std::error_code error;
  fs::create_directories(draft, error);
  if (error) return FileError("make", draft, error);
  if (absl::Status written = checkpoint(draft / kData); !written.ok()) return written;
  int64_t jobs = 0;
  {
    const auto engine = OpenBackupData(draft / kData);
    if (!engine.ok()) return engine.status();
    const absl::StatusOr<AuditReport> report = Audit(**engine);
    if (!report.ok()) return report.status();
    if (!report->sound()) {
      return MakeError(Reason::kBackupUnsound,
                       absl::StrCat("the store is damaged, so no backup was made; `millrace-db verify` lists all of ",
                                    report->finding_count, " findings; the first: ", report->findings.front().where,
                                    ": ", report->findings.front().what));
    }
    jobs = report->jobs;
  }
  const absl::StatusOr<Manifest> manifest = ListFiles(draft, now);
  if (!manifest.ok()) return manifest.status();
  for (const fs::path& synced : {draft / kData, draft}) {
    if (absl::Status status = Sync(synced); !status.ok()) return status;
  }
  if (absl::Status status = WriteFile(draft / kManifest, ToText(*manifest)); !status.ok()) return status;
  BackupInfo info = InfoOf(draft, *manifest);
  info.jobs = jobs;
  return info;
}

}  // namespace

absl::StatusOr<BackupInfo> CreateBackup(const Checkpoint& checkpoint, const fs::path& destination,
                                        std::string_view draft_id, absl::Time now) {
  std::error_code error;
  const auto taken = [&] {
    return MakeError(Reason::kBackupNameTaken,
                     absl::StrCat(destination.string(), " exists already; choose another name, or remove it"),
                     {{"backup", destination.string()}});
  };
  if (fs::exists(fs::symlink_status(destination, error))) return taken();
  const fs::path draft = absl::StrCat(destination.string(), ".partial-", std::string(draft_id));
  absl::StatusOr<BackupInfo> info = Fill(checkpoint, draft, now);
  absl::Status status = info.status();
  if (status.ok()) {
    fs::rename(draft, destination, error);
    std::error_code unknown;
    if (error) status = fs::exists(destination, unknown) ? taken() : FileError("name", destination, error);
  }
  if (!status.ok()) {
    std::error_code ignored;
    fs::remove_all(draft, ignored);
    return status;
  }
  if (absl::Status synced = Sync(fs::absolute(destination).parent_path()); !synced.ok()) return synced;
  info->folder = destination;
  return info;
}

absl::StatusOr<BackupInfo> CheckBackup(const fs::path& backup) {
  std::error_code error;
  const bool finished = fs::exists(backup / kManifest, error);
  if (error) return FileError("look into", backup, error);
  if (!finished) {
    return Unsound(backup, "it has no MANIFEST.millrace, so it is no backup, or one that was never finished");
  }
  std::ifstream stream(backup / kManifest, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream.is_open() || stream.bad()) {
    return FileError("read", backup / kManifest, std::error_code(errno, std::generic_category()));
  }
  const absl::StatusOr<Manifest> manifest = ParseManifest(text.str());
  if (!manifest.ok()) return Unsound(backup, std::string(manifest.status().message()));
  for (const auto& [path, expected] : manifest->files) {
    const bool exists = fs::exists(backup / path, error);
    if (error) return FileError("look for", backup / path, error);
    if (!exists) return Unsound(backup, absl::StrCat(path, " is missing"));
    const absl::StatusOr<ManifestFile> found = DescribeFile(backup / path);
    if (!found.ok()) return found.status();
    if (*found != expected) {
      return Unsound(backup,
                     absl::StrCat(path, " is not what was written: it has ", found->bytes, " bytes, expected ",
                                  expected.bytes, found->bytes == expected.bytes ? " with another checksum" : ""));
    }
  }
  return InfoOf(backup, *manifest);
}

absl::StatusOr<BackupInfo> RestoreBackup(const fs::path& backup, const fs::path& folder) {
  std::error_code error;
  const bool exists = fs::exists(folder, error);
  const bool empty = exists && fs::is_directory(folder, error) && fs::is_empty(folder, error);
  if (error) return FileError("look into", folder, error);
  if (exists && !empty) {
    return MakeError(Reason::kFolderNotEmpty,
                     absl::StrCat(folder.string(),
                                  " is not empty; restore into a new folder, and look at both before "
                                  "you remove one"),
                     {{"folder", folder.string()}});
  }
  absl::StatusOr<BackupInfo> info = CheckBackup(backup);
  if (!info.ok()) return info;
  const fs::path draft = folder.string() + ".partial";
  fs::remove_all(draft, error);
  fs::create_directories(draft, error);
  if (error) return FileError("make", draft, error);
  fs::copy(backup / kData, draft, fs::copy_options::recursive, error);
  if (error) return FileError("copy the backup to", draft, error);
  fs::recursive_directory_iterator entry(draft, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (absl::Status synced = Sync(entry->path()); !synced.ok()) return synced;
  }
  if (error) return FileError("list", draft, error);
  if (absl::Status synced = Sync(draft); !synced.ok()) return synced;
  if (exists) fs::remove(folder, error);
  if (!error) fs::rename(draft, folder, error);
  if (error) return FileError("name", folder, error);
  if (absl::Status synced = Sync(fs::absolute(folder).parent_path()); !synced.ok()) return synced;
  info->folder = folder;
  return info;
}

}  // namespace millrace::maintenance
