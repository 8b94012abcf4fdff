// How RocksDB is set up, and why.
#pragma once

#include <memory>

#include "storage/engine/engine.h"

namespace rocksdb {
class Cache;
class Env;
struct ColumnFamilyOptions;
struct DBOptions;
}  // namespace rocksdb

namespace millrace::engine {

rocksdb::DBOptions MakeDbOptions(rocksdb::Env* env);

rocksdb::ColumnFamilyOptions MakeFamilyOptions(const FamilyOptions& family,
                                               const std::shared_ptr<rocksdb::Cache>& block_cache);

}  // namespace millrace::engine
