// How RocksDB is set up, and why.
#pragma once

#include <cstddef>
#include <memory>

#include "storage/engine/engine.h"

namespace rocksdb {
class Cache;
class Env;
struct ColumnFamilyOptions;
struct DBOptions;
}  // namespace rocksdb

namespace millrace::engine {

/// `families`: how many there are at most, the default one left out.
rocksdb::DBOptions MakeDbOptions(rocksdb::Env* env, size_t families);

rocksdb::ColumnFamilyOptions MakeFamilyOptions(const FamilyOptions& family,
                                               const std::shared_ptr<rocksdb::Cache>& block_cache);

}  // namespace millrace::engine
