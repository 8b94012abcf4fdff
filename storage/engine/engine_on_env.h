// For tests of this room that break the disk on purpose.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "storage/engine/engine.h"

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace millrace::engine {

/// As OpenEngine, with all files behind `env`, which must outlive the engine. The folder itself is made on the real
/// disk.
absl::StatusOr<std::unique_ptr<Engine>> OpenEngineOnEnv(const EngineOptions& options, rocksdb::Env* env);

}  // namespace millrace::engine
