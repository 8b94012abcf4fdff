#include "server/execution/held_chunks.h"

#include <limits>

namespace millrace::execution {

HeldChunk HeldChunks::Take(const model::JobKey& job, int64_t sequence) {
  absl::MutexLock lock(&mutex_);
  const auto found = chunks_.find({job, sequence});
  if (found == chunks_.end()) return {};
  HeldChunk chunk = std::move(found->second);
  CountOut(chunk);
  chunks_.erase(found);
  return chunk;
}

void HeldChunks::Put(const model::JobKey& job, int64_t sequence, HeldChunk chunk) {
  absl::MutexLock lock(&mutex_);
  const size_t bytes = chunk.assembly.has_value() ? chunk.assembly->bytes() : 0;
  if (bytes_ + bytes > bytes_max_) {
    chunk.assembly.reset();
  } else {
    bytes_ += bytes;
  }
  chunks_.emplace(std::pair(job, sequence), std::move(chunk));
}

void HeldChunks::Forget(const model::JobKey& job) {
  absl::MutexLock lock(&mutex_);
  const auto end = chunks_.upper_bound({job, std::numeric_limits<int64_t>::max()});
  for (auto it = chunks_.lower_bound({job, 0}); it != end; it = chunks_.erase(it)) CountOut(it->second);
}

size_t HeldChunks::bytes() const {
  absl::MutexLock lock(&mutex_);
  return bytes_;
}

void HeldChunks::CountOut(const HeldChunk& chunk) {
  if (chunk.assembly.has_value()) bytes_ -= chunk.assembly->bytes();
}

}  // namespace millrace::execution
