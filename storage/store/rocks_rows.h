// What several verbs of the RocksDB store read from disk.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "storage/engine/engine.h"
#include "storage/format/keys.h"
#include "storage/model/job.h"

namespace millrace::store {

/// The families of the format are those of the engine, in the same order.
inline engine::FamilyIndex At(format::Family family) { return static_cast<engine::FamilyIndex>(family); }

inline std::unique_ptr<engine::Cursor> Scan(const engine::Engine& engine, format::Family family,
                                            const format::KeyRange& range,
                                            engine::Direction direction = engine::Direction::kForward) {
  return engine.Scan(At(family), range.begin, range.end, direction);
}

/// The job as it is on disk. PIPELINE_NOT_FOUND.
absl::StatusOr<model::JobPtr> LoadJob(const engine::Engine& engine, const model::JobKey& key);

/// STORAGE_CORRUPT: a key that no version of the format makes.
absl::Status CorruptKey();

}  // namespace millrace::store
