// The folders from which jobs may read files, and the only way to a file in them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/model/source.h"

namespace millrace::core {

/// An open file that was found in a source folder.
class SourceFile {
 public:
  SourceFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  SourceFile(SourceFile&& other) noexcept
      : path_(std::move(other.path_)),
        fd_(std::exchange(other.fd_, -1)),
        size_bytes_(other.size_bytes_),
        modify_time_(other.modify_time_) {}
  SourceFile& operator=(SourceFile&&) = delete;
  ~SourceFile();

  /// Reads size and time of modification anew. The error says why the file cannot be read.
  absl::Status Look();

  /// Looks, and compares with what the file was when a job was submitted that reads it. FAILED_PRECONDITION where it is
  /// another one since; the message says what changed.
  absl::Status CheckUnchanged(const model::JobSource& source);

  /// Absolute, without symbolic links.
  const std::string& path() const { return path_; }
  /// A descriptor of its own for whoever reads, at the beginning of the file. -1 where there is none to spare.
  int Duplicate() const;
  /// As of the last Look.
  int64_t size_bytes() const { return size_bytes_; }
  absl::Time modify_time() const { return modify_time_; }

 private:
  std::string path_;
  int fd_;
  int64_t size_bytes_ = 0;
  absl::Time modify_time_;
};

/// Constant after construction, thread-safe.
class SourceFolders {
 public:
  /// No folder: no file may be read.
  SourceFolders() = default;

  /// The error names a folder that is none.
  static absl::StatusOr<SourceFolders> Make(const std::vector<std::filesystem::path>& folders);

  bool empty() const { return folders_.empty(); }

  /// Opens the regular file `path`, which is absolute, or relative to the first folder that has it. Neither `..` nor a
  /// symbolic link leads out of the folders: what is opened is looked at, not only its name. The message says what is wrong
  /// in words for the caller, who learns nothing about files outside. Codes:
  ///   RESOURCE_EXHAUSTED, UNAVAILABLE  the server has no file to spare, or was interrupted: the file may be well
  ///   NOT_FOUND, others                it cannot be read
  absl::StatusOr<SourceFile> Open(const std::string& path) const;

 private:
  struct Folder {
    /// As it was named, absolute; and without symbolic links.
    std::filesystem::path named;
    std::filesystem::path real;
  };

  absl::StatusOr<SourceFile> OpenAt(const std::filesystem::path& path) const;
  /// Whether `path`, without symbolic links and dots, lies within a folder.
  bool IsWithin(const std::filesystem::path& path, std::filesystem::path Folder::*name) const;

  std::vector<Folder> folders_;
};

}  // namespace millrace::core
