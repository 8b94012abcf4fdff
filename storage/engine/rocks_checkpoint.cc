#include <rocksdb/db.h>
#include <rocksdb/utilities/checkpoint.h>

#include <memory>

#include "storage/engine/rocks_engine.h"
#include "storage/engine/rocks_status.h"

namespace millrace::engine {

absl::Status RocksEngine::Checkpoint(const std::filesystem::path& folder) const {
  rocksdb::Checkpoint* raw = nullptr;
  if (const rocksdb::Status made = rocksdb::Checkpoint::Create(db_.get(), &raw); !made.ok()) return FromRocks(made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(raw);
  return FromRocks(checkpoint->CreateCheckpoint(folder.string()));
}

}  // namespace millrace::engine
