// Files that appear whole or not at all.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace millrace::cli {

/// Writes `PATH.partial` and renames it to `PATH` at the end, so that nobody takes half a file for a whole one. A file
/// that is not committed stays as `PATH.partial`, unless it is empty. The standard output, `-`, is written directly.
/// Not thread-safe.
class OutputFile {
 public:
  /// Begins a new file, replacing a partial one that was left behind. The error names the path and the reason.
  static absl::StatusOr<std::unique_ptr<OutputFile>> Create(const std::string& path);

  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();

  /// Appends bytes; they may stay in memory until Commit.
  absl::Status Append(std::string_view bytes);

  /// Writes everything to the disk and gives the file its name. Call it once, as the last.
  absl::Status Commit();

  /// The name the file will have.
  const std::string& path() const { return path_; }

 private:
  OutputFile(std::string path, int fd);

  absl::Status Flush();
  absl::Status Error(std::string_view verb) const;

  const std::string path_;
  int fd_;
  std::string buffer_;
};

}  // namespace millrace::cli
