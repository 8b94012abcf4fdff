// The fields of every row, one list each. A number, once given, is never given to another field; docs/STORAGE_FORMAT.md
// has the same table.
#pragma once

#include "storage/format/rows.h"
#include "storage/format/wire.h"
#include "storage/model/chunk.h"
#include "storage/model/exception.h"
#include "storage/model/job.h"
#include "storage/model/service_version.h"

namespace millrace::format {

template <class Archive, Row<model::JobMetadata> T>
void Fields(Archive& archive, T& metadata) {
  archive(1, metadata.name);
  archive(2, metadata.description);
  archive(3, metadata.project);
  archive(4, metadata.tags);
  archive(5, metadata.source_system);
  archive(6, metadata.correlation_id);
  archive(7, metadata.call_purpose);
}

template <class Archive, Row<model::RetryPolicy> T>
void Fields(Archive& archive, T& retry) {
  archive(1, retry.max_attempts);
  archive(2, retry.initial_backoff);
  archive(3, retry.max_backoff);
}

template <class Archive, Row<model::Throttle> T>
void Fields(Archive& archive, T& throttle) {
  archive(1, throttle.records_per_second);
  archive(2, throttle.delay_between_chunks);
}

template <class Archive, Row<model::JobOptions> T>
void Fields(Archive& archive, T& options) {
  archive(1, options.max_workers);
  archive(2, options.input_buffer_bytes);
  archive(3, options.output_buffer_bytes);
  archive(4, options.record_timeout);
  archive(5, options.unique_key);
  archive(6, options.initial_workers);
  archive(7, options.retry);
  archive(8, options.max_failed_ratio);
  archive(9, options.min_records_for_ratio);
  archive(10, options.stop_on_error);
  archive(11, options.idle_timeout);
  archive(12, options.throttle);
  archive(13, options.priority);
  archive(14, options.weight);
  archive(15, options.order_results);
  archive(16, options.ordering_key);
  archive(17, options.target_chunk_time);
  archive(18, options.worker_selector);
}

template <class Archive, Row<model::JobCounters> T>
void Fields(Archive& archive, T& counters) {
  archive(1, counters.chunks_completed);
  archive(2, counters.chunks_failed);
  archive(3, counters.records_submitted);
  archive(4, counters.records_completed);
  archive(5, counters.records_failed);
  archive(6, counters.input_bytes);
  archive(7, counters.output_bytes);
  archive(8, counters.compute_nanos);
  archive(9, counters.chunks_retried);
  archive(10, counters.records_retried);
  archive(11, counters.records_discarded);
  archive(12, counters.records_rerun);
}

/// What the creator chose, and UpdateJob may change: parameters may be large, so this is not written again when the job
/// moves on.
template <class Archive, Row<model::Job> T>
void DefinitionFields(Archive& archive, T& job) {
  archive(1, job.tenant);
  archive(2, job.id);
  archive(3, job.service);
  archive(4, job.service_version);
  archive(5, job.service_id);
  archive(6, job.version_id);
  archive(7, job.config_hash);
  archive(8, job.metadata);
  archive(9, job.options);
  archive(10, job.parameters_json);
  archive(11, job.selected_outputs);
  archive(12, job.request_id);
  archive(13, job.request_hash);
  archive(14, job.created_by);
  archive(15, job.create_time);
}

/// How far the job has come.
template <class Archive, Row<model::Job> T>
void ProgressFields(Archive& archive, T& job) {
  archive(20, job.state);
  archive(21, job.cancel_mode);
  archive(22, job.state_reason);
  archive(23, job.counters);
  archive(24, job.last_sequence);
  archive(25, job.watermark);
  archive(26, job.highest_committed);
  archive(27, job.input_buffer_used_bytes);
  archive(28, job.last_result);
  archive(29, job.acknowledged_result);
  archive(30, job.output_buffer_used_bytes);
  archive(31, job.unacknowledged_records);
  archive(32, job.update_time);
  archive(33, job.start_time);
  archive(34, job.first_commit_time);
  archive(35, job.input_close_time);
  archive(36, job.complete_time);
  archive(37, job.owner);
  archive(38, job.owner_epoch);
  archive(50, job.resume_state);
  archive(51, job.pause_time);
  archive(52, job.pause_reason);
  archive(53, job.ramps);
}

template <class Archive, Row<model::Job> T>
void Fields(Archive& archive, T& job) {
  DefinitionFields(archive, job);
  ProgressFields(archive, job);
}

template <class Archive, Row<model::Aggregation> T>
void Fields(Archive& archive, T& aggregation) {
  archive(1, aggregation.output_name);
  archive(2, aggregation.op);
}

template <class Archive, Row<model::SummarySpec> T>
void Fields(Archive& archive, T& summary) {
  archive(1, summary.ignore_error);
  archive(2, summary.aggregations);
}

template <class Archive, Row<model::RecordPlace> T>
void Fields(Archive& archive, T& place) {
  archive(1, place.sequence);
  archive(2, place.index);
}

/// The row in `chunks`. The sequence is in the key; parameters and summary are with the payload, which is not written
/// again by the commit.
template <class Archive, Row<model::Chunk> T>
void Fields(Archive& archive, T& chunk) {
  archive(1, chunk.id);
  archive(2, chunk.state);
  archive(3, chunk.record_count);
  archive(4, chunk.input_bytes);
  archive(5, chunk.content_hash);
  archive(6, chunk.push_time);
  archive(7, chunk.commit_time);
  archive(8, chunk.attempts);
  archive(9, chunk.config_hash);
  archive(10, chunk.result_number);
  archive(11, chunk.replaces);
}

/// The row in `inputs`.
struct InputRow {
  std::string_view payload;
  std::string_view parameters_json;
  model::SummarySpec summary;
};

template <class Archive, Row<InputRow> T>
void Fields(Archive& archive, T& input) {
  archive(1, input.payload);
  archive(2, input.parameters_json);
  archive(3, input.summary);
}

template <class Archive, Row<model::SummaryValue> T>
void Fields(Archive& archive, T& value) {
  archive(1, value.output_name);
  archive(2, value.op);
  archive(3, value.has_value);
  archive(4, value.value);
  archive(5, value.count);
}

template <class Archive, Row<model::ResultError> T>
void Fields(Archive& archive, T& error) {
  archive(1, error.index);
  archive(2, error.node);
  archive(3, error.code);
  archive(4, error.message);
}

template <class Archive, Row<model::RecordWarning> T>
void Fields(Archive& archive, T& warning) {
  archive(1, warning.index);
  archive(2, warning.node);
  archive(3, warning.message);
}

/// The part of a result row that is known when its chunk has run; the payload is one more field of it.
template <class Archive, Row<model::ChunkResult> T>
void ResultBodyFields(Archive& archive, T& result) {
  archive(1, result.chunk_id);
  archive(2, result.sequence);
  archive(3, result.record_count);
  archive(4, result.errors);
  archive(5, result.warnings);
  archive(6, result.process_time_ns);
  archive(7, result.summary);
  archive(8, result.summary_error);
  archive(9, result.config_hash);
  archive(10, result.attempt);
}

inline constexpr uint32_t kResultPayload = 11;

/// The part that follows from the place among the results, of a ChunkResult or alone. The number is in the key.
template <class Archive, class T>
requires Row<T, model::ChunkResult> || Row<T, ResultPlace>
void ResultPlaceFields(Archive& archive, T& place) {
  archive(12, place.cumulative_output_bytes);
  archive(13, place.cumulative_records);
}

template <class Archive, Row<ResultPlace> T>
void Fields(Archive& archive, T& place) {
  ResultPlaceFields(archive, place);
}

/// A whole row in `results`.
struct ResultRow {
  model::ChunkResult result;
  std::string_view payload;
};

template <class Archive, Row<ResultRow> T>
void Fields(Archive& archive, T& row) {
  ResultBodyFields(archive, row.result);
  archive(kResultPayload, row.payload);
  ResultPlaceFields(archive, row.result);
}

template <class Archive, Row<model::RecordException> T>
void Fields(Archive& archive, T& exception) {
  archive(1, exception.sequence);
  archive(2, exception.index);
  archive(3, exception.chunk_id);
  archive(4, exception.input);
  archive(5, exception.node);
  archive(6, exception.code);
  archive(7, exception.message);
  archive(8, exception.fingerprint);
  archive(9, exception.config_hash);
  archive(10, exception.create_time);
  // 11 was a state, always 1.
  archive(12, exception.retries);
  archive(13, exception.replaces.sequence);
  archive(14, exception.replaces.index);
}

template <class Archive, Row<model::Resolution> T>
void Fields(Archive& archive, T& resolution) {
  archive(1, resolution.state);
  archive(2, resolution.kind);
  archive(3, resolution.rerun.sequence);
  archive(4, resolution.rerun.index);
  archive(5, resolution.resolved_by);
  archive(6, resolution.time);
  archive(7, resolution.note);
  archive(8, resolution.fingerprint);
}

/// What the payload of a block of exceptions holds.
struct ExceptionList {
  std::vector<model::RecordException> exceptions;
};

inline constexpr uint32_t kListedExceptions = 1;

template <class Archive, Row<ExceptionList> T>
void Fields(Archive& archive, T& list) {
  archive(kListedExceptions, list.exceptions);
}

/// The row of a block of exceptions.
struct ExceptionBlockRow {
  std::string_view payload;
};

template <class Archive, Row<ExceptionBlockRow> T>
void Fields(Archive& archive, T& block) {
  archive(1, block.payload);
}

template <class Archive, Row<model::ExceptionGroup> T>
void Fields(Archive& archive, T& group) {
  archive(1, group.fingerprint);
  archive(2, group.node);
  archive(3, group.code);
  archive(4, group.normalised_message);
  archive(5, group.config_hash);
  archive(6, group.count);
  archive(7, group.first_time);
  archive(8, group.last_time);
  archive(9, group.sample_exception_id);
  archive(10, group.sample_message);
  archive(11, group.settled_count);
}

template <class Archive, Row<model::NodeStatistics> T>
void Fields(Archive& archive, T& node) {
  archive(1, node.record_count);
  archive(2, node.success_count);
  archive(3, node.failure_count);
  archive(4, node.hold_count);
  archive(5, node.skipped_count);
  archive(6, node.run_nanos);
  archive(7, node.max_nanos);
  archive(8, node.run_times.buckets);
}

/// The row in `statistics`.
struct StatisticsRow {
  model::NodeStatisticsMap nodes;
};

inline constexpr uint32_t kStatisticsNodes = 1;

template <class Archive, Row<StatisticsRow> T>
void Fields(Archive& archive, T& row) {
  archive(kStatisticsNodes, row.nodes);
}

template <class Archive, Row<model::ServiceVersion> T>
void Fields(Archive& archive, T& version) {
  archive(1, version.tenant);
  archive(2, version.service);
  archive(3, version.version);
  archive(4, version.service_id);
  archive(5, version.version_id);
  archive(6, version.definition);
  archive(7, version.config_hash);
  archive(8, version.description);
  archive(9, version.created_by);
  archive(10, version.create_time);
}

template <class Archive, Row<IndexedChunk> T>
void Fields(Archive& archive, T& chunk) {
  archive(1, chunk.sequence);
  archive(2, chunk.content_hash);
}

template <class Archive, Row<IndexedJob> T>
void Fields(Archive& archive, T& job) {
  archive(1, job.job_id);
}

template <class Archive, Row<IndexedVersion> T>
void Fields(Archive& archive, T& version) {
  archive(1, version.service);
  archive(2, version.version);
}

template <class Archive, Row<MetaNumber> T>
void Fields(Archive& archive, T& number) {
  archive(1, number.value);
}

}  // namespace millrace::format
