// The records of a job, chunk by chunk, each with what became of it in the end.
#pragma once

#include <cstdint>
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

/// Used by one thread.
class RecordLister {
 public:
  /// `deps` must outlive the lister.
  RecordLister(model::JobPtr job, const Deps& deps) : job_(std::move(job)), key_(job_->key()), deps_(deps) {}

  /// A record, and whether a person had a hand in its outcome: corrected its input, or gave its outputs.
  struct Listed {
    v1::Record record;
    bool mended = false;
  };

  /// The records of a chunk, without input, in order; none for a chunk whose records stand for others.
  absl::StatusOr<std::vector<Listed>> ReadChunk(const model::Chunk& chunk);

  /// Adds the input of the records of a chunk, where the job keeps it.
  absl::Status FillInputs(int64_t sequence, std::vector<Listed>& records) const;

 private:
  absl::Status FillOutcomes(const model::Chunk& chunk, std::vector<Listed>& records);
  /// From the exception of a record to what became of it.
  absl::Status Follow(model::RecordPlace place, Listed& listed);
  absl::Status CompleteFrom(const model::RecordPlace& rerun, v1::Record& record);
  static void Complete(const model::ChunkResult& result, std::string_view outputs, v1::Record& record);
  /// nullopt where a forced cancel has discarded it.
  absl::StatusOr<std::optional<model::ChunkResult>> ReadResult(int64_t number) const;

  const model::JobPtr job_;
  const model::JobKey key_;
  const Deps& deps_;
  // The chunk of records that were run again which was read last.
  int64_t rerun_sequence_ = 0;
  std::optional<model::ChunkResult> rerun_result_;
  std::vector<std::string_view> rerun_lines_;
};

}  // namespace millrace::handlers
