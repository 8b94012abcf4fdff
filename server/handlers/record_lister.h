// The records of a job, chunk by chunk, each with what became of it in the end.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "millrace/v1/job_service.pb.h"
#include "server/handlers/call.h"
#include "storage/model/chunk.h"
#include "storage/model/exception.h"
#include "storage/model/job.h"

namespace millrace::handlers {

using RecordStates = google::protobuf::RepeatedField<int>;

/// Of a request: FIELD_INVALID for what is no state.
absl::Status CheckStates(const RecordStates& states);

/// No states: all of them.
bool IsWanted(const RecordStates& states, v1::RecordState state);

/// nullopt where a forced cancel has discarded it.
absl::StatusOr<std::optional<model::ChunkResult>> ReadResult(const model::JobKey& job, int64_t number,
                                                             const Deps& deps);

/// Used by one thread.
class RecordLister {
 public:
  /// `deps` must outlive the lister.
  RecordLister(model::JobPtr job, const Deps& deps) : job_(std::move(job)), key_(job_->key()), deps_(deps) {}

  /// A record, and whether a person had a hand in its outcome: corrected its input, gave
  /// its outputs, or answered what it asked.
  struct Listed {
    v1::Record record;
    bool mended = false;
  };

  /// The records of a chunk, without input, in order; none for a chunk whose records stand for others.
  absl::StatusOr<std::vector<Listed>> ReadChunk(const model::Chunk& chunk);

  /// Adds the input of the records of a chunk, where the job keeps it.
  absl::Status FillInputs(int64_t sequence, std::vector<Listed>& records) const;

 private:
  /// What came of a committed chunk.
  struct Outcomes {
    /// Null: discarded. On the heap, for `lines` point into it.
    std::unique_ptr<const model::ChunkResult> result;
    std::vector<std::string_view> lines;
    /// For each of its records the one that stands for it, where both are committed; empty: none has any.
    std::vector<std::optional<model::RecordPlace>> repeats;
  };

  absl::Status FillOutcomes(const model::Chunk& chunk, std::vector<Listed>& records);
  absl::StatusOr<Outcomes> ReadOutcomes(const model::Chunk& chunk) const;
  /// The same of a chunk of records that were run again. Stays there until the next call.
  absl::StatusOr<const Outcomes*> RerunOutcomes(int64_t sequence);
  /// From a record of `outcomes` to its latest outcome.
  absl::Status Follow(const Outcomes* outcomes, model::RecordPlace place, Listed& listed);
  /// Where the record of an exception went on; nullopt, and all is said, where it did not.
  absl::StatusOr<std::optional<model::RecordPlace>> FollowException(const model::RecordPlace& place,
                                                                    Listed& listed) const;

  const model::JobPtr job_;
  const model::JobKey key_;
  const Deps& deps_;
  /// The chunks of records that were run again which were read last, by sequence: such records lie together.
  std::map<int64_t, Outcomes> reruns_;
};

}  // namespace millrace::handlers
