#include "storage/engine/rocks_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>

namespace millrace::engine {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

}  // namespace

rocksdb::DBOptions MakeDbOptions(rocksdb::Env* env, size_t families) {
  rocksdb::DBOptions options;
  options.env = env;
  options.create_if_missing = true;

  // One writer hands in units of up to several MiB; the default of 1 MiB would cut them apart.
  options.max_write_batch_group_size_bytes = 8 * kMiB;
  options.max_background_compactions = 1;
  // A flush must never wait for a thread: one that has not begun when an error is noted is lost (BackgroundWatch).
  options.max_background_flushes = static_cast<int>(families) + 1;
  // Never reached, as write_buffer_size below: RocksEngine begins a new log before.
  options.max_total_wal_size = 1024 * kMiB;
  // Writes reach the disk as they are made rather than all at once at the end of a file.
  options.bytes_per_sync = kMiB;
  options.wal_bytes_per_sync = kMiB;

  // The end of a log that was torn by a power cut is dropped: nothing there was acknowledged. Damage before it is an
  // error; RocksDB's default would take it for the end, and drop what was acknowledged behind it without a word.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;

  // After an error there is one way back, Engine::Write, and no thread that tries on its own.
  options.max_bgerror_resume_count = 0;

  // All that counts is in the log; closing must be possible on a full disk.
  options.avoid_flush_during_shutdown = true;

  // Tables travel in backups; the name of the machine that wrote them is nobody's business.
  options.db_host_id = "";

  options.info_log_level = rocksdb::WARN_LEVEL;
  options.max_log_file_size = 8 * kMiB;
  options.keep_log_file_num = 4;
  options.stats_dump_period_sec = 0;
  // Both only feed statistics that nobody reads, at the price of a slow start.
  options.stats_persist_period_sec = 0;
  options.skip_stats_update_on_db_open = true;
  return options;
}

rocksdb::ColumnFamilyOptions MakeFamilyOptions(const FamilyOptions& family,
                                               const std::shared_ptr<rocksdb::Cache>& block_cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = block_cache;
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  if (family.sought_in_vain) table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));

  rocksdb::ColumnFamilyOptions options;
  // Never full: RocksEngine flushes all families before, after EngineOptions::log_bytes, of which small rows take almost
  // twice as much in memory. RocksDB asks the disk for as much when it begins a log.
  options.write_buffer_size = 128 * kMiB;
  if (family.payloads) {
    table.block_size = 32 * 1024;
    options.compression = rocksdb::kNoCompression;
    options.arena_block_size = kMiB;
    options.max_bytes_for_level_base = 512 * kMiB;
  } else {
    table.block_size = 8 * 1024;
    options.compression = rocksdb::kLZ4Compression;
    options.arena_block_size = kMiB / 4;
  }
  options.level_compaction_dynamic_level_bytes = true;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

}  // namespace millrace::engine
