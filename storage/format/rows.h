// The rows of the store as bytes. Encoding never fails; decoding takes any bytes, and answers STORAGE_CORRUPT where
// they are not such a row. What a row leaves out because its key says it (sequence, number) is an argument.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/model/chunk.h"
#include "storage/model/exception.h"
#include "storage/model/job.h"
#include "storage/model/job_event.h"
#include "storage/model/job_sums.h"
#include "storage/model/run_statistics.h"
#include "storage/model/service_version.h"

namespace millrace::format {

// Jobs: two rows, so that a commit writes little.
std::string EncodeJobDefinition(const model::Job& job);
std::string EncodeJobProgress(const model::Job& job);
absl::StatusOr<model::Job> DecodeJob(std::string_view definition, std::string_view progress);

// Chunks. `parameters_json`, `summary` and `answers` are in the input row.
std::string EncodeChunk(const model::Chunk& chunk);
absl::StatusOr<model::Chunk> DecodeChunk(int64_t sequence, std::string_view row);

/// `payload` is as EncodePayload made it.
std::string EncodeInput(std::string_view payload, std::string_view parameters_json, const model::SummarySpec& summary,
                        const std::vector<model::RecordAnswer>& answers = {});
/// `chunk` with what its input row adds to it.
absl::StatusOr<model::ChunkInput> DecodeInput(model::Chunk chunk, std::string_view row);

// Results: the row is its body, made when the chunk has run, and behind it its place, known when it is committed.

/// `payload` is `result.json_lines` as EncodePayload made it.
std::string EncodeResultBody(const model::ChunkResult& result, std::string_view payload);
std::string EncodeResultPlace(const model::ChunkResult& result);
absl::StatusOr<model::ChunkResult> DecodeResult(int64_t number, std::string_view row);
/// The size of the outputs, without decompressing them.
absl::StatusOr<size_t> ResultOutputBytes(std::string_view row);

/// The sums of a result row, nothing else.
struct ResultPlace {
  int64_t cumulative_output_bytes = 0;
  int64_t cumulative_records = 0;
};
absl::StatusOr<ResultPlace> DecodeResultPlace(std::string_view row);

// Exceptions: blocks of exceptions of one chunk, compressed together.
std::string EncodeExceptionBlock(const std::vector<model::RecordException>& exceptions);
absl::StatusOr<std::vector<model::RecordException>> DecodeExceptionBlock(std::string_view row);
std::string EncodeExceptionGroup(const model::ExceptionGroup& group);
absl::StatusOr<model::ExceptionGroup> DecodeExceptionGroup(std::string_view row);

std::string EncodeJobEvent(const model::JobEvent& event);
absl::StatusOr<model::JobEvent> DecodeJobEvent(int64_t number, std::string_view row);

/// What was done about an exception.
std::string EncodeResolution(const model::Resolution& resolution);
absl::StatusOr<model::Resolution> DecodeResolution(std::string_view row);

std::string EncodeRunStatistics(const model::RunStatistics& statistics);
absl::StatusOr<model::RunStatistics> DecodeRunStatistics(std::string_view row);

std::string EncodeServiceVersion(const model::ServiceVersion& version);
absl::StatusOr<model::ServiceVersion> DecodeServiceVersion(std::string_view row);

// The index.

/// What a chunk id leads to.
struct IndexedChunk {
  int64_t sequence = 0;
  std::string content_hash;
};
std::string EncodeIndexedChunk(const IndexedChunk& chunk);
absl::StatusOr<IndexedChunk> DecodeIndexedChunk(std::string_view row);

/// The sequences of the chunks that repeat records of one, in push order.
std::string EncodeRepeats(const std::vector<int64_t>& sequences);
absl::StatusOr<std::vector<int64_t>> DecodeRepeats(std::string_view row);

/// What a request id or a unique key leads to.
struct IndexedJob {
  std::string job_id;
};
std::string EncodeIndexedJob(const IndexedJob& job);
absl::StatusOr<IndexedJob> DecodeIndexedJob(std::string_view row);

/// What a version id leads to.
struct IndexedVersion {
  std::string service;
  std::string version;
};
std::string EncodeIndexedVersion(const IndexedVersion& version);
absl::StatusOr<IndexedVersion> DecodeIndexedVersion(std::string_view row);

/// Sums over the jobs of a service that have ended.
std::string EncodeJobSums(const model::JobSums& sums);
absl::StatusOr<model::JobSums> DecodeJobSums(std::string_view row);

/// A row of `meta`.
struct MetaNumber {
  int64_t value = 0;
};
std::string EncodeMetaNumber(int64_t value);
absl::StatusOr<int64_t> DecodeMetaNumber(std::string_view row);

}  // namespace millrace::format
