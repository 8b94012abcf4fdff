// Chunks on their way through a job: as pushed, as stored, as run, as committed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "storage/model/exception.h"
#include "storage/model/job.h"

namespace millrace::model {

/// How values of an output are put together. The numbers are stored and millrace.v1.AggregationOperator's.
enum class AggregationOperator : int32_t { kSum = 1, kCount = 2, kMin = 3, kMax = 4, kMean = 5 };

struct Aggregation {
  std::string output_name;
  AggregationOperator op = AggregationOperator::kSum;
};

/// Aggregations asked for with a chunk. No aggregations: no summary.
struct SummarySpec {
  bool ignore_error = false;
  std::vector<Aggregation> aggregations;
};

/// The value of one aggregation over one chunk.
struct SummaryValue {
  std::string output_name;
  AggregationOperator op = AggregationOperator::kSum;
  /// False for MIN, MAX and MEAN over nothing.
  bool has_value = false;
  double value = 0;
  int64_t count = 0;
};

/// A chunk as a caller pushes it. Bytes, not strings of text: `json_lines` may be anything.
struct NewChunk {
  std::string id;
  /// `record_count` non-blank lines, each ended by "\n".
  std::string json_lines;
  int32_t record_count = 0;
  /// A JSON object, or empty: the job's parameters only.
  std::string parameters_json;
  SummarySpec summary;
  /// As in Chunk.
  std::vector<RecordPlace> replaces;
  int32_t replaces_held = 0;
  std::vector<RecordRun> repeats;
  std::vector<RecordAnswer> answers;
  std::optional<int64_t> part;
};

/// What a push did with one chunk.
struct PushedChunk {
  std::string id;
  int64_t sequence = 0;
  int32_t record_count = 0;
  bool duplicate = false;
};

/// How far a stored chunk has come. Stored: never change the numbers. A pending chunk of a cancelled or failed
/// job is skipped; no row is rewritten for it.
enum class ChunkState : int32_t { kPending = 1, kCommitted = 2 };

/// The row of a chunk: everything but its payload.
struct Chunk {
  std::string id;
  int64_t sequence = 0;
  ChunkState state = ChunkState::kPending;
  int32_t record_count = 0;
  /// Size of the input as JSON Lines, before compression.
  int64_t input_bytes = 0;
  std::string parameters_json;
  SummarySpec summary;
  /// Tells whether a second push under the same id brings the same bytes.
  std::string content_hash;
  absl::Time push_time = absl::InfinitePast();
  /// Empty for a chunk that was pushed. Otherwise each record stands for one that failed: the exceptions that they
  /// replace, in the order of the records.
  std::vector<RecordPlace> replaces;
  /// How many of those were held: see RecordException.
  int32_t replaces_held = 0;
  /// The same for records that had succeeded, all in one committed chunk, and are run again under other code: those that its
  /// records replace, in their order. A chunk has one of the two at most.
  std::vector<RecordRun> repeats;
  /// What people answered to the questions of its records, by ascending index. With the parameters, beside the payload.
  std::vector<RecordAnswer> answers;
  /// Of the partitioning of the job's source: the part that all its records are of.
  std::optional<int64_t> part;

  // Set by the commit.
  absl::Time commit_time = absl::InfinitePast();
  int32_t attempts = 0;
  std::string config_hash;
  int64_t result_number = 0;
};

/// True where the records of a chunk stand for records of earlier chunks.
inline bool IsRerun(const Chunk& chunk) { return !chunk.replaces.empty() || !chunk.repeats.empty(); }

/// A chunk with its payload, as a worker reads it.
struct ChunkInput {
  Chunk chunk;
  /// As in NewChunk. `capacity()` exceeds `size()` by at least kPayloadPadding, as the JSON parser wants.
  std::string json_lines;
};

/// Bytes that a payload must have to spare behind its end.
inline constexpr size_t kPayloadPadding = 64;

/// A record that failed, as a worker reports it.
struct RecordFailure {
  int32_t index = 0;
  /// Empty: failed before the first node.
  std::string node;
  std::string code;
  std::string message;
  /// The record as it was pushed, without the line end.
  std::string input;
  /// May pass: the record is worth another attempt. Only between a runner and the pool; not stored.
  bool transient = false;
  /// How often it was run again before this failure was taken as final.
  int32_t retries = 0;
  /// As in RecordException.
  bool held = false;
};

struct RecordWarning {
  int32_t index = 0;
  std::string node;
  std::string message;
};

/// What a service counted for a record.
struct RecordLabel {
  int32_t index = 0;
  std::string label;
  int64_t count = 0;
};

/// Run times in logarithmic buckets: eight per power of two, so a quantile is exact to 1/8 of its value.
struct RunTimeHistogram {
  /// Bucket number to count.
  std::map<int32_t, int64_t> buckets;

  void Add(int64_t nanos);
  void Merge(const RunTimeHistogram& other);
  /// The run time that the share `quantile` (0 to 1) of all stays at or below. 0 for an empty histogram.
  int64_t Quantile(double quantile) const;
};

/// What one node did. Sums, so chunks are merged by adding.
struct NodeStatistics {
  int64_t record_count = 0;
  int64_t success_count = 0;
  int64_t failure_count = 0;
  int64_t hold_count = 0;
  int64_t skipped_count = 0;
  int64_t run_nanos = 0;
  int64_t max_nanos = 0;
  RunTimeHistogram run_times;

  void Merge(const NodeStatistics& other);
};

/// By node name.
using NodeStatisticsMap = std::map<std::string, NodeStatistics>;

/// What running a chunk brought about.
struct ChunkOutcome {
  /// One line a record, ended by "\n": the outputs as a JSON object, or `null` where the record failed.
  std::string json_lines;
  int32_t record_count = 0;
  /// By ascending index.
  std::vector<RecordFailure> failures;
  std::vector<RecordWarning> warnings;
  /// Of records that succeeded, by ascending index.
  std::vector<RecordLabel> labels;
  std::vector<int64_t> process_time_ns;
  std::vector<SummaryValue> summary;
  std::string summary_error;
  NodeStatisticsMap nodes;
  int64_t compute_nanos = 0;
  /// Records that were run more than once.
  int64_t records_retried = 0;
};

/// The outcome of a leased chunk on its way into the store.
struct ChunkCommit {
  JobKey job;
  int64_t sequence = 0;
  /// The store's epoch when the lease was given; a commit from another epoch is refused.
  int64_t epoch = 0;
  int32_t attempt = 1;
  std::string config_hash;
  ChunkOutcome outcome;
  /// The name of the worker that ran it; empty: none did.
  std::string worker;
};

/// A failed record inside a stored result.
struct ResultError {
  int32_t index = 0;
  std::string node;
  std::string code;
  std::string message;
};

/// A committed result, as Pull hands it out.
struct ChunkResult {
  int64_t number = 0;
  std::string chunk_id;
  int64_t sequence = 0;
  int32_t record_count = 0;
  /// As in ChunkOutcome.
  std::string json_lines;
  std::vector<ResultError> errors;
  std::vector<RecordWarning> warnings;
  std::vector<int64_t> process_time_ns;
  std::vector<SummaryValue> summary;
  std::string summary_error;
  std::string config_hash;
  int32_t attempt = 1;
  /// Of a chunk whose records stand for earlier ones: those, in the order of the records.
  std::vector<RecordRun> replaces;
  /// Sums over all results up to and including this one; what Acknowledge subtracts.
  int64_t cumulative_output_bytes = 0;
  int64_t cumulative_records = 0;
  /// As in Chunk.
  std::optional<int64_t> part;
};

}  // namespace millrace::model
