// The commit of a chunk in two steps, so that a verb which does more than commit can check everything before it changes
// anything.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/model/chunk.h"
#include "storage/model/exception.h"
#include "storage/model/job.h"
#include "storage/model/run_statistics.h"
#include "storage/store/rocks_exceptions.h"
#include "storage/store/rocks_group.h"

namespace millrace::store {

/// An outcome in the form in which it is stored, as far as that does not depend on its place among the results.
struct PreparedCommit {
  model::ChunkCommit commit;
  /// As it was before.
  model::Chunk chunk;
  std::string result_body;
  PreparedExceptions exceptions;
  /// Of this chunk.
  model::RunStatistics statistics;

  size_t bytes() const { return result_body.size() + exceptions.bytes(); }
};

PreparedCommit PrepareCommit(model::ChunkCommit commit, model::Chunk chunk, absl::Time now);

/// What a commit reads of its job.
struct CommitRows {
  std::set<int64_t>* ahead = nullptr;
  model::RunStatistics* statistics = nullptr;
  /// Null when no group changes.
  GroupMap* groups = nullptr;
  /// Of the exceptions that the chunk replaces, in its order.
  std::vector<model::Resolution> replaced;
  /// What a person did that makes the commit.
  std::optional<model::JobEvent> event;
};

/// `replaced` is left to the caller where it is not stored yet.
absl::StatusOr<CommitRows> ReadForCommit(Group& group, LaneJob* job, const PreparedCommit& prepared);
absl::StatusOr<std::vector<model::Resolution>> ReadReplaced(const Group& group, const model::JobKey& job,
                                                            const model::Chunk& chunk);

/// Commits. `changed` is the job as the verb has left it so far; nothing is changed on any error.
absl::Status Commit(Group& group, LaneJob* job, std::shared_ptr<model::Job> changed, PreparedCommit& prepared,
                    CommitRows rows, int64_t epoch, absl::Time now);

}  // namespace millrace::store
