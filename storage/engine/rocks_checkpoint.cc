#include <rocksdb/db.h>
#include <rocksdb/utilities/checkpoint.h>

#include <cstdint>
#include <limits>
#include <memory>

#include "storage/engine/rocks_engine.h"
#include "storage/engine/rocks_status.h"

namespace millrace::engine {

absl::Status RocksEngine::Checkpoint(const std::filesystem::path& folder) const {
  rocksdb::Checkpoint* raw = nullptr;
  if (const rocksdb::Status made = rocksdb::Checkpoint::Create(db_.get(), &raw); !made.ok()) return FromRocks(made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(raw);
  // The log is copied as it is: only Write begins flushes (BackgroundWatch).
  constexpr uint64_t kNeverFlush = std::numeric_limits<uint64_t>::max();
  return FromRocks(checkpoint->CreateCheckpoint(folder.string(), kNeverFlush));
}

}  // namespace millrace::engine
