// What is known of chunks that wait for their next attempt: the outcomes of their finished records. Kept in memory alone;
// after a restart such a chunk runs as a whole again, from its first attempt.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/execution/chunk_assembly.h"
#include "storage/model/job.h"

namespace millrace::execution {

/// A chunk between two attempts.
struct HeldChunk {
  /// Attempts that are over.
  int32_t attempts = 0;
  /// Of the service version that it ran under.
  std::string config_hash;
  /// Nothing: all records are run again.
  std::optional<ChunkAssembly> assembly;
};

/// Thread-safe.
class HeldChunks {
 public:
  explicit HeldChunks(size_t bytes_max = kBytesMax) : bytes_max_(bytes_max) {}

  /// Takes out what is held of a chunk; an empty HeldChunk where nothing is.
  HeldChunk Take(const model::JobKey& job, int64_t sequence);

  /// Holds a chunk until it is taken. Where its outcomes do not fit into the bound they are let go, and only its attempts
  /// are held: all of its records are then run again.
  void Put(const model::JobKey& job, int64_t sequence, HeldChunk chunk);

  /// Lets go of all chunks of a job that has ended.
  void Forget(const model::JobKey& job);

  /// Memory held by outcomes.
  size_t bytes() const;

  /// Over all jobs: as much as one chunk of the largest size.
  static constexpr size_t kBytesMax = size_t{64} * 1024 * 1024;

 private:
  void CountOut(const HeldChunk& chunk) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t bytes_max_;
  mutable absl::Mutex mutex_;
  std::map<std::pair<model::JobKey, int64_t>, HeldChunk> chunks_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace millrace::execution
