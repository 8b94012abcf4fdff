// One attempt to run a chunk: what is left of it, by halves where a run breaks as a whole.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "server/execution/held_chunks.h"
#include "server/execution/runner_cache.h"
#include "storage/model/chunk.h"
#include "storage/model/job.h"

namespace millrace::execution {

/// What keeps a chunk from killing the server.
struct ChunkGuard {
  /// See ChunkRun::running.
  std::atomic<int32_t>* running = nullptr;
  /// Records that are not run, but fail with WORKER_DIED. Ascending.
  std::vector<int32_t> quarantined;
};

/// Runs the records that `held` leaves, and counts the attempt in it. Returns the outcome of the whole chunk, or nothing
/// where records failed in a way that may pass and this is not the last attempt; `held` then has all the others.
/// `is_last` is asked when a record failed so, with the number of this attempt, from 1.
///
/// A run that breaks as a whole (it throws, or no runner can be made) is halved until the records that break it stand
/// alone. Such a record fails with RUN_FAILED, which may pass.
///
/// `keys` has the ordering key of each record, or is empty. Records with the same key run in order: a record is not run
/// while one before it with its key is still to be tried again.
std::optional<model::ChunkOutcome> RunAttempt(const model::Job& job, const model::ChunkInput& input,
                                              std::span<const uint64_t> keys,
                                              absl::FunctionRef<bool(int32_t attempt)> is_last, RunnerCache& runners,
                                              const ChunkGuard& guard, HeldChunk& held);

/// The outcome of a chunk whose records cannot be read: each failed with INPUT_LOST and this message.
model::ChunkOutcome LostInput(const model::Chunk& chunk, std::string_view message);

}  // namespace millrace::execution
