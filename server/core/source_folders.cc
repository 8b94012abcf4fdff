#include "server/core/source_folders.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "storage/model/limits.h"

namespace millrace::core {
namespace {

namespace fs = std::filesystem;

absl::Status Outside(const std::string& path) {
  return absl::PermissionDeniedError(absl::StrCat("'", path, "' is in no source folder of the server (--source-dir)"));
}

absl::Status CannotOpen(const std::string& path, int error) {
  return absl::Status(absl::ErrnoToStatusCode(error),
                      absl::StrCat("the file ", path, " cannot be opened: ", std::strerror(error)));
}

}  // namespace

SourceFile::~SourceFile() {
  if (fd_ >= 0) ::close(fd_);
}

int SourceFile::Duplicate() const { return ::fcntl(fd_, F_DUPFD_CLOEXEC, 0); }

absl::Status SourceFile::Look() {
  struct stat info = {};
  if (::fstat(fd_, &info) != 0) {
    return absl::Status(absl::ErrnoToStatusCode(errno),
                        absl::StrCat("the file ", path_, " cannot be read: ", std::strerror(errno)));
  }
  if (!S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path_, " is not a regular file"));
  }
  size_bytes_ = info.st_size;
  modify_time_ = absl::TimeFromTimespec(info.st_mtim);
  return absl::OkStatus();
}

absl::Status SourceFile::CheckUnchanged(const model::JobSource& source) {
  if (absl::Status looked = Look(); !looked.ok()) return looked;
  if (size_bytes_ != source.size_bytes) {
    return absl::FailedPreconditionError(absl::StrCat("the source file ", source.path, " is not what it was: it had ",
                                                      source.size_bytes, " bytes when the job was submitted, and has ",
                                                      size_bytes_));
  }
  if (modify_time_ != source.modify_time) {
    return absl::FailedPreconditionError(
        absl::StrCat("the source file ", source.path, " is not what it was: it was modified at ",
                     absl::FormatTime(modify_time_, absl::UTCTimeZone()), ", after the job was submitted"));
  }
  return absl::OkStatus();
}

absl::StatusOr<SourceFolders> SourceFolders::Make(const std::vector<fs::path>& folders) {
  SourceFolders made;
  for (const fs::path& folder : folders) {
    std::error_code error;
    const fs::path real = fs::canonical(folder, error);
    if (error) return absl::NotFoundError(absl::StrCat("source folder ", folder.string(), ": ", error.message()));
    if (!fs::is_directory(real, error)) {
      return absl::InvalidArgumentError(absl::StrCat("source folder ", folder.string(), ": it is not a folder"));
    }
    // A trailing slash would be an empty last part.
    fs::path named = fs::absolute(folder).lexically_normal();
    if (!named.has_filename() && named.has_relative_path()) named = named.parent_path();
    made.folders_.push_back({.named = std::move(named), .real = real});
  }
  return made;
}

bool SourceFolders::IsWithin(const fs::path& path, fs::path Folder::*name) const {
  return std::any_of(folders_.begin(), folders_.end(), [&](const Folder& folder) {
    const fs::path& base = folder.*name;
    const auto end = std::mismatch(base.begin(), base.end(), path.begin(), path.end());
    return end.first == base.end() && end.second != path.end();
  });
}

absl::StatusOr<SourceFile> SourceFolders::Open(const std::string& path) const {
  if (path.empty()) return absl::InvalidArgumentError("is required: the path of a file in a source folder");
  if (path.size() > model::kSourcePathBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected at most ", model::kSourcePathBytesMax, " bytes, got ", path.size()));
  }
  if (path.find('\0') != std::string::npos) return absl::InvalidArgumentError("holds a zero byte");
  const fs::path given(path);
  if (given.is_absolute()) return OpenAt(given);
  absl::Status missing = Outside(path);
  for (const Folder& folder : folders_) {
    absl::StatusOr<SourceFile> file = OpenAt(folder.named / given);
    if (file.ok() || !absl::IsNotFound(file.status())) return file;
    missing = file.status();
  }
  return missing;
}

absl::StatusOr<SourceFile> SourceFolders::OpenAt(const fs::path& path) const {
  // By name first, so that nobody learns what there is elsewhere.
  const fs::path normal = path.lexically_normal();
  if (!IsWithin(normal, &Folder::named) && !IsWithin(normal, &Folder::real)) return Outside(path.string());
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  if (error) {
    // A link may have led out and to nothing there.
    std::error_code ignored;
    const bool is_within = IsWithin(fs::weakly_canonical(path, ignored), &Folder::real);
    return is_within ? CannotOpen(path.string(), error.value()) : Outside(path.string());
  }
  if (!IsWithin(real, &Folder::real)) return Outside(path.string());
  // Neither a pipe without writer nor a terminal holds up the thread.
  const int fd = ::open(real.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
  if (fd < 0) return CannotOpen(path.string(), errno);
  SourceFile file(real.string(), fd);
  // Between the look at the name and the opening, a folder may have been replaced by a link.
  const fs::path opened = fs::read_symlink(absl::StrCat("/proc/self/fd/", fd), error);
  if (error || !IsWithin(opened, &Folder::real)) return Outside(path.string());
  if (absl::Status looked = file.Look(); !looked.ok()) return looked;
  return file;
}

}  // namespace millrace::core
