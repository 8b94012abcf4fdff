#include "storage/engine/rocks_status.h"

#include <rocksdb/status.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/model/errors.h"

namespace millrace::engine {
namespace {

using model::MakeError;
using model::Reason;

// Long enough for somebody to delete something, short enough for nobody to wait for it.
constexpr absl::Duration kFullRetry = absl::Seconds(5);

absl::Status Translate(const rocksdb::Status& status, const std::string& subject) {
  if (status.IsNoSpace()) {
    return model::WithRetryAfter(
        MakeError(Reason::kStorageFull, absl::StrCat("the disk under ", subject,
                                                     " is full; nothing acknowledged is lost; make room and the "
                                                     "same call goes through")),
        kFullRetry);
  }
  if (status.IsCorruption()) {
    return MakeError(Reason::kStorageCorrupt, absl::StrCat(subject, " is damaged (", status.ToString(),
                                                           "); check the disk and restore from a backup"));
  }
  return MakeError(Reason::kStorageFailed, absl::StrCat(subject, " failed: ", status.ToString()));
}

// RocksDB has no code of its own for a lock that is held; these are its words for one held by another process and by
// this one.
bool IsLockHeld(const std::string& text) {
  return absl::StrContains(text, "While lock file") || absl::StrContains(text, "lock hold by current process");
}

}  // namespace

absl::Status FromRocks(const rocksdb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return Translate(status, "the data folder");
}

absl::Status FromRocksOpen(const rocksdb::Status& status, const std::filesystem::path& folder) {
  if (status.ok()) return absl::OkStatus();
  if (status.IsIOError() && IsLockHeld(status.ToString())) {
    return MakeError(Reason::kStorageFailed,
                     absl::StrCat("data folder ", folder.string(),
                                  " is in use: another process has it open; stop that one or choose another folder"),
                     {{"folder", folder.string()}});
  }
  if (status.IsIOError() && absl::StrContains(status.ToString(), "Permission denied")) {
    return MakeError(
        Reason::kStorageFailed,
        absl::StrCat("data folder ", folder.string(), " holds a file that this user may not use (", status.ToString(),
                     "); whoever ran a tool as root must give the files back: chown -R"),
        {{"folder", folder.string()}});
  }
  return Translate(status, absl::StrCat("data folder ", folder.string()));
}

}  // namespace millrace::engine
