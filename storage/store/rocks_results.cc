#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "storage/format/keys.h"
#include "storage/format/rows.h"
#include "storage/store/job_filter.h"
#include "storage/store/rocks_job_store_impl.h"
#include "storage/store/rocks_rows.h"
#include "storage/store/store_errors.h"

namespace millrace::store {

using format::Family;
using model::JobKey;

namespace {

absl::StatusOr<ChunkList> ReadChunks(const engine::Engine& engine, const ListChunksQuery& query, int64_t last) {
  ChunkList list;
  if (query.after >= last) return list;
  const auto cursor = Scan(engine, Family::kChunks, format::NumberRange(query.job, query.after + 1, last));
  for (int64_t looked_at = 1; cursor->valid(); cursor->Next(), ++looked_at) {
    const std::optional<int64_t> sequence = format::ParseNumber(cursor->key());
    if (!sequence.has_value()) return CorruptKey();
    absl::StatusOr<model::Chunk> chunk = format::DecodeChunk(*sequence, cursor->value());
    if (!chunk.ok()) return chunk.status();
    if (Matches(query, *chunk)) list.chunks.push_back(*std::move(chunk));
    const bool is_full = list.chunks.size() == static_cast<size_t>(query.chunks_max);
    if ((is_full || looked_at == kChunksLookedAtMax) && *sequence < last) {
      list.next_after = *sequence;
      break;
    }
  }
  if (absl::Status walked = cursor->status(); !walked.ok()) return walked;
  return list;
}

/// Results of a range, within the limits of JobStore::ReadResults.
absl::StatusOr<std::vector<model::ChunkResult>> ReadRange(const engine::Engine& engine, const format::KeyRange& range,
                                                          int32_t results_max, int64_t bytes_max) {
  std::vector<model::ChunkResult> results;
  int64_t bytes = 0;
  const auto cursor = Scan(engine, Family::kResults, range);
  for (; cursor->valid(); cursor->Next()) {
    const std::optional<int64_t> number = format::ParseNumber(cursor->key());
    if (!number.has_value()) return CorruptKey();
    const absl::StatusOr<size_t> output_bytes = format::ResultOutputBytes(cursor->value());
    if (!output_bytes.ok()) return output_bytes.status();
    bytes += static_cast<int64_t>(*output_bytes);
    if (results.size() == static_cast<size_t>(results_max) || (!results.empty() && bytes > bytes_max)) break;
    absl::StatusOr<model::ChunkResult> result = format::DecodeResult(*number, cursor->value());
    if (!result.ok()) return result.status();
    results.push_back(*std::move(result));
  }
  if (absl::Status walked = cursor->status(); !walked.ok()) return walked;
  return results;
}

}  // namespace

absl::StatusOr<model::Chunk> RocksJobStore::FindChunk(const JobKey& key, int64_t sequence) const {
  const auto row = engine_->Get(At(Family::kChunks), format::ChunkKey(key, sequence));
  if (!row.ok()) return row.status();
  if (row->has_value()) return format::DecodeChunk(sequence, **row);
  return Held<model::Chunk>(key, ChunkNotFound(key, sequence));
}

absl::StatusOr<ChunkList> RocksJobStore::ListChunks(const ListChunksQuery& query) const {
  const absl::StatusOr<model::JobPtr> job = GetJob(query.job);
  if (!job.ok()) return job.status();
  return Held(query.job, ReadChunks(*engine_, query, (*job)->last_sequence));
}

absl::StatusOr<model::ChunkInput> RocksJobStore::ReadChunk(const JobKey& key, int64_t sequence) const {
  absl::StatusOr<model::Chunk> chunk = FindChunk(key, sequence);
  if (!chunk.ok()) return chunk.status();
  const auto input = engine_->Get(At(Family::kInputs), format::ChunkKey(key, sequence));
  if (!input.ok()) return input.status();
  if (!input->has_value()) return Held<model::ChunkInput>(key, ChunkNotFound(key, sequence));
  return format::DecodeInput(*std::move(chunk), **input);
}

absl::StatusOr<std::vector<model::ChunkResult>> RocksJobStore::ReadResults(const JobKey& key, int64_t after,
                                                                           int32_t results_max,
                                                                           int64_t bytes_max) const {
  const absl::StatusOr<model::JobPtr> job = GetJob(key);
  if (!job.ok()) return job.status();
  absl::StatusOr<std::vector<model::ChunkResult>> results = std::vector<model::ChunkResult>();
  if (after < (*job)->last_result) {
    const auto range = format::NumberRange(key, std::max<int64_t>(after, 0) + 1, (*job)->last_result);
    results = ReadRange(*engine_, range, results_max, bytes_max);
    if (results.ok() && !results->empty()) return results;
  }
  return Held(key, std::move(results));
}

absl::StatusOr<std::vector<model::JobEvent>> RocksJobStore::ListJobEvents(const JobKey& key, int64_t after,
                                                                          int32_t events_max) const {
  const absl::StatusOr<model::JobPtr> job = GetJob(key);
  if (!job.ok()) return job.status();
  std::vector<model::JobEvent> events;
  const auto range = format::NumberRange(key, std::max<int64_t>(after, 0) + 1, (*job)->last_event);
  const auto cursor = Scan(*engine_, Family::kEvents, range);
  for (; cursor->valid() && events.size() < static_cast<size_t>(events_max); cursor->Next()) {
    const std::optional<int64_t> number = format::ParseNumber(cursor->key());
    if (!number.has_value()) return CorruptKey();
    absl::StatusOr<model::JobEvent> event = format::DecodeJobEvent(*number, cursor->value());
    if (!event.ok()) return event.status();
    events.push_back(*std::move(event));
  }
  if (absl::Status walked = cursor->status(); !walked.ok()) return walked;
  return events;
}

absl::StatusOr<model::RunStatistics> RocksJobStore::GetRunStatistics(const JobKey& key) const {
  const auto row = engine_->Get(At(Family::kStatistics), format::StatisticsKey(key));
  if (!row.ok()) return row.status();
  return Held(key, format::DecodeRunStatistics(row->value_or("")));
}

}  // namespace millrace::store
