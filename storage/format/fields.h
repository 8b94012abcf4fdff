// The fields of every row, one list each. A number, once given, is never given to another field; docs/STORAGE_FORMAT.md
// has the same table.
#pragma once

#include "storage/format/job_fields.h"
#include "storage/format/rows.h"
#include "storage/format/wire.h"
#include "storage/model/chunk.h"
#include "storage/model/exception.h"
#include "storage/model/job_event.h"
#include "storage/model/job_sums.h"
#include "storage/model/run_statistics.h"
#include "storage/model/service_version.h"
#include "storage/model/source.h"

namespace millrace::format {

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

template <class Archive, Row<model::RecordRun> T>
void Fields(Archive& archive, T& run) {
  archive(1, run.sequence);
  archive(2, run.first);
  archive(3, run.count);
}

template <class Archive, Row<model::RecordAnswer> T>
void Fields(Archive& archive, T& answer) {
  archive(1, answer.index);
  archive(2, answer.node);
  archive(3, answer.question);
  archive(4, answer.answer);
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
  archive(12, chunk.replaces_held);
  archive(70, chunk.repeats);
  archive(80, chunk.part);
}

/// The row in `inputs`.
struct InputRow {
  std::string_view payload;
  std::string_view parameters_json;
  model::SummarySpec summary;
  std::vector<model::RecordAnswer> answers;
};

template <class Archive, Row<InputRow> T>
void Fields(Archive& archive, T& input) {
  archive(1, input.payload);
  archive(2, input.parameters_json);
  archive(3, input.summary);
  archive(70, input.answers);
}

/// The row of a chunk of which records are repeated.
struct RepeatsRow {
  std::vector<int64_t> sequences;
};

template <class Archive, Row<RepeatsRow> T>
void Fields(Archive& archive, T& repeats) {
  archive(1, repeats.sequences);
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
  archive(70, result.replaces);
  archive(80, result.part);
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
  archive(15, exception.held);
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
  archive(70, resolution.held);
  archive(71, resolution.answer);
}

/// The number is in the key.
template <class Archive, Row<model::JobEvent> T>
void Fields(Archive& archive, T& event) {
  archive(1, event.time);
  archive(2, event.kind);
  archive(3, event.by);
  archive(4, event.from_state);
  archive(5, event.to_state);
  archive(6, event.detail);
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

template <class Archive, Row<model::SlowRecord> T>
void Fields(Archive& archive, T& record) {
  archive(1, record.place.sequence);
  archive(2, record.place.index);
  archive(3, record.chunk_id);
  archive(4, record.process_nanos);
  archive(5, record.code);
  archive(6, record.labels);
  archive(7, record.worker);
}

template <class Archive, Row<model::WorkerStatistics> T>
void Fields(Archive& archive, T& worker) {
  archive(1, worker.chunks);
  archive(2, worker.records);
  archive(3, worker.records_failed);
  archive(4, worker.compute_nanos);
  archive(5, worker.first_commit_time);
  archive(6, worker.last_commit_time);
}

/// The row in `statistics`.
template <class Archive, Row<model::RunStatistics> T>
void Fields(Archive& archive, T& statistics) {
  archive(1, statistics.nodes);
  archive(2, statistics.labels);
  archive(3, statistics.slowest);
  archive(4, statistics.workers);
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

template <class Archive, Row<model::JobSums> T>
void Fields(Archive& archive, T& sums) {
  archive(1, sums.states);
  archive(2, sums.outcomes);
  archive(3, sums.records_submitted);
  archive(4, sums.records_pending);
  archive(5, sums.records_completed);
  archive(6, sums.records_failed);
  archive(7, sums.records_discarded);
  archive(8, sums.records_skipped);
}

template <class Archive, Row<MetaNumber> T>
void Fields(Archive& archive, T& number) {
  archive(1, number.value);
}

}  // namespace millrace::format
