// Where RocksDB's errors become ours.
#pragma once

#include <filesystem>

#include "absl/status/status.h"

namespace rocksdb {
class Status;
}  // namespace rocksdb

namespace millrace::engine {

/// OK for OK. Never call it for a key that is not found.
absl::Status FromRocks(const rocksdb::Status& status);

/// The same for what went wrong when `folder` was opened.
absl::Status FromRocksOpen(const rocksdb::Status& status, const std::filesystem::path& folder);

}  // namespace millrace::engine
