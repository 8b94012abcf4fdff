// The outcome of a chunk, put together from runs of parts of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "storage/model/chunk.h"

namespace millrace::execution {

/// The spec with which a part of a chunk is run: its summary takes in what succeeded, whatever failed beside it.
model::SummarySpec PartSummary(const model::SummarySpec& spec);

/// Leaves out the summary of a whole chunk that was run with PartSummary(spec), where `spec` asks for that because records
/// failed.
void DropSummaryOfFailures(const model::SummarySpec& spec, model::ChunkOutcome& outcome);

/// Takes the outcomes of parts, in any order, until each record has one. Runs made with PartSummary only. Node statistics
/// and compute time count every run of a record, also those that were not taken.
///
/// Used by one thread at a time.
class ChunkAssembly {
 public:
  /// `spec` is that of the chunk.
  ChunkAssembly(int32_t record_count, model::SummarySpec spec);

  /// Takes what a run of the records `indexes` (ascending, all of them left) brought. A failure that is transient is taken
  /// only where `is_last_attempt`; otherwise its record is left. A record whose output would make those of the chunk larger
  /// than model::kChunkBytesMax fails with OUTPUT_INVALID instead; the input of that failure is the caller's to fill in.
  void Add(const std::vector<int32_t>& indexes, model::ChunkOutcome part, bool is_last_attempt);

  /// The next runs are attempt number `attempt`, from 1, for all records that are left.
  void BeginAttempt(int32_t attempt);

  /// Records without an outcome, ascending.
  std::vector<int32_t> left() const;
  bool is_left(int32_t index) const { return !records_[static_cast<size_t>(index)].done; }

  /// About how much memory it holds.
  size_t bytes() const { return bytes_; }

  /// The outcome of the whole chunk. REQUIRES: left() is empty.
  model::ChunkOutcome Finish();

 private:
  struct Record {
    bool done = false;
    int32_t retries = 0;
    int64_t process_time_ns = 0;
    /// With its line end.
    std::string output;
  };

  void AddSummary(const model::ChunkOutcome& part);
  void FailForSize(int32_t index);

  model::SummarySpec spec_;
  std::vector<Record> records_;
  std::map<int32_t, model::RecordFailure> failures_;
  std::map<int32_t, std::vector<model::RecordWarning>> warnings_;
  std::map<int32_t, std::vector<model::RecordLabel>> labels_;
  model::ChunkOutcome whole_;
  size_t bytes_ = 0;
  size_t output_bytes_ = 0;
};

}  // namespace millrace::execution
