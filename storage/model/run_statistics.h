// What running a job was like: its nodes, its workers, its slowest records, and what its service counted.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "storage/model/chunk.h"
#include "storage/model/exception.h"

namespace millrace::model {

/// What services counted, by label.
using LabelCounts = std::map<std::string, int64_t>;

/// The label, and the name of the worker, that takes in what no further one is kept for.
inline constexpr std::string_view kOtherName = "OTHER";

/// A record that took long.
struct SlowRecord {
  RecordPlace place;
  std::string chunk_id;
  int64_t process_nanos = 0;
  /// Why it failed; empty where it succeeded.
  std::string code;
  LabelCounts labels;
  std::string worker;

  friend bool operator==(const SlowRecord&, const SlowRecord&) = default;
};

/// What one worker committed.
struct WorkerStatistics {
  int64_t chunks = 0;
  int64_t records = 0;
  int64_t records_failed = 0;
  int64_t compute_nanos = 0;
  absl::Time first_commit_time = absl::InfinitePast();
  absl::Time last_commit_time = absl::InfinitePast();

  void Merge(const WorkerStatistics& other);

  friend bool operator==(const WorkerStatistics&, const WorkerStatistics&) = default;
};

/// Of a job, over every version that it ran with and every run of a record. Bounded: see kLabelsPerJobMax,
/// kSlowestRecordsKept and kWorkersPerJobKept.
struct RunStatistics {
  NodeStatisticsMap nodes;
  /// Of records that succeeded.
  LabelCounts labels;
  /// Slowest first, then by place.
  std::vector<SlowRecord> slowest;
  /// By name.
  std::map<std::string, WorkerStatistics> workers;

  void Merge(const RunStatistics& other);
};

/// Adds up labels. A new one counts as kOtherName where there are kLabelsPerJobMax besides that.
void CountLabel(LabelCounts& counts, std::string_view label, int64_t count);

/// What the commit of `chunk` adds to its job; `now` is the time of the commit. Records that nothing ran are not among the
/// slowest. Moves the node statistics out of `commit`.
RunStatistics StatisticsOf(const Chunk& chunk, ChunkCommit& commit, absl::Time now);

}  // namespace millrace::model
