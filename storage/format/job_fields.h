// The fields of the two rows of a job: see fields.h.
#pragma once

#include "storage/format/wire.h"
#include "storage/model/job.h"

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
  archive(60, options.webhook.url);
  archive(61, options.retention);
  archive(62, options.drop_unresolved_exceptions);
  archive(63, options.webhook.secret);
  archive(64, options.webhook.tells_end);
  archive(65, options.webhook.tells_pause);
  archive(66, options.webhook.tells_first_exception);
}

template <class Archive, Row<model::PartRange> T>
void Fields(Archive& archive, T& range) {
  archive(1, range.first);
  archive(2, range.last);
}

template <class Archive, Row<model::SourceSample> T>
void Fields(Archive& archive, T& sample) {
  archive(1, sample.first);
  archive(2, sample.every);
  archive(3, sample.continued);
  archive(80, sample.partitioning.rule);
  archive(81, sample.partitioning.n);
  archive(82, sample.partitioning.parts);
}

template <class Archive, Row<model::JobSource> T>
void Fields(Archive& archive, T& source) {
  archive(1, source.kind);
  archive(2, source.json_lines);
  archive(3, source.path);
  archive(4, source.format);
  archive(5, source.size_bytes);
  archive(6, source.modify_time);
  archive(7, source.first);
  archive(8, source.count);
  archive(9, source.field);
  archive(10, source.sample);
  archive(11, source.chunk_size);
  archive(12, source.estimated_records);
  archive(13, source.connection);
  archive(14, source.query);
  archive(15, source.key_columns);
  archive(16, source.job_id);
  archive(17, source.job_create_time);
  archive(18, source.last);
  archive(19, source.fingerprint);
}

template <class Archive, Row<model::ParentRecord> T>
void Fields(Archive& archive, T& parent) {
  archive(1, parent.job_id);
  archive(2, parent.job_create_time);
  archive(3, parent.sequence);
  archive(4, parent.index);
  archive(5, parent.attempt);
  archive(6, parent.depth);
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
  archive(13, counters.records_held);
  archive(70, counters.records_repeated);
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
  archive(16, job.source);
  archive(55, job.parent);
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
  archive(39, job.source_position.offset);
  archive(40, job.source_position.line);
  archive(41, job.source_position.records);
  archive(42, job.source_position.chunks);
  archive(43, job.source_position.read_errors);
  archive(44, job.source_position.exhausted);
  archive(45, job.source_position.key);
  archive(46, job.source_position.rest);
  archive(50, job.resume_state);
  archive(51, job.pause_time);
  archive(52, job.pause_reason);
  archive(53, job.ramps);
  archive(54, job.last_event);
  archive(60, job.drop_time);
}

template <class Archive, Row<model::Job> T>
void Fields(Archive& archive, T& job) {
  DefinitionFields(archive, job);
  ProgressFields(archive, job);
}

}  // namespace millrace::format
