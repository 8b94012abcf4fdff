#include <rocksdb/db.h>

#include <cstdint>
#include <map>
#include <string>

#include "absl/strings/numbers.h"
#include "storage/engine/rocks_engine.h"

namespace millrace::engine {
namespace {

using Properties = rocksdb::DB::Properties;

int64_t Number(rocksdb::DB& db, const std::string& property) {
  uint64_t value = 0;
  return db.GetIntProperty(property, &value) ? static_cast<int64_t>(value) : 0;
}

/// Over all families.
int64_t Sum(rocksdb::DB& db, const std::string& property) {
  uint64_t value = 0;
  return db.GetAggregatedIntProperty(property, &value) ? static_cast<int64_t>(value) : 0;
}

int64_t NumberIn(const std::map<std::string, std::string>& values, const std::string& name) {
  const auto found = values.find(name);
  int64_t number = 0;
  return found != values.end() && absl::SimpleAtoi(found->second, &number) ? number : 0;
}

}  // namespace

EngineStatistics RocksEngine::Statistics() const {
  EngineStatistics statistics;
  statistics.file_bytes = Sum(*db_, Properties::kTotalSstFilesSize);
  statistics.memtable_bytes = Sum(*db_, Properties::kCurSizeAllMemTables);
  // One cache serves all families, so the sum over them would count it many times.
  statistics.block_cache_bytes = Number(*db_, Properties::kBlockCacheUsage);
  statistics.compaction_pending_bytes = Sum(*db_, Properties::kEstimatePendingCompactionBytes);
  statistics.running_compactions = Number(*db_, Properties::kNumRunningCompactions);
  statistics.running_flushes = Number(*db_, Properties::kNumRunningFlushes);
  statistics.writes_stopped = Number(*db_, Properties::kIsWriteStopped) != 0;
  statistics.background_errors = Number(*db_, Properties::kBackgroundErrors);
  for (rocksdb::ColumnFamilyHandle* handle : handles_) {
    std::map<std::string, std::string> stalls;
    if (handle == nullptr || !db_->GetMapProperty(handle, Properties::kCFStats, &stalls)) continue;
    statistics.write_slowdowns += NumberIn(stalls, "io_stalls.total_slowdown");
    statistics.write_stops += NumberIn(stalls, "io_stalls.total_stop");
  }
  return statistics;
}

}  // namespace millrace::engine
