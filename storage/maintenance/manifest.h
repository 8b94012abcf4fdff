// The list of the files of a backup, as text: one line a file, `SHA-256 size path`, between a first line that names the
// format and a last line that counts the files. A list that is cut off has no last line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace millrace::maintenance {

struct ManifestFile {
  int64_t bytes = 0;
  /// In hexadecimal digits.
  std::string sha256;

  friend bool operator==(const ManifestFile&, const ManifestFile&) = default;
};

struct Manifest {
  absl::Time create_time;
  /// By path below the folder of the backup.
  std::map<std::string, ManifestFile> files;

  int64_t bytes() const;
};

/// What is in the file `path` now. STORAGE_FAILED when it cannot be read.
absl::StatusOr<ManifestFile> DescribeFile(const std::filesystem::path& path);

std::string ToText(const Manifest& manifest);

/// BACKUP_UNSOUND for what ToText did not write, or not to its end.
absl::StatusOr<Manifest> ParseManifest(std::string_view text);

}  // namespace millrace::maintenance
