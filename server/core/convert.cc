#include "server/core/convert.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/core/expected_records.h"
#include "server/core/json_struct.h"
#include "server/core/version.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/model/retention_rules.h"

namespace millrace::core {
namespace {

void SetTime(absl::Time time, google::protobuf::Timestamp* (v1::Job::*mutable_field)(), v1::Job& proto) {
  if (time != absl::InfinitePast()) *(proto.*mutable_field)() = ToProto(time);
}

v1::JobMetadata MetadataOf(const model::JobMetadata& metadata) {
  v1::JobMetadata proto;
  proto.set_name(metadata.name);
  proto.set_description(metadata.description);
  proto.set_project(metadata.project);
  for (const std::string& tag : metadata.tags) proto.add_tags(tag);
  proto.set_source_system(metadata.source_system);
  proto.set_correlation_id(metadata.correlation_id);
  proto.set_call_purpose(metadata.call_purpose);
  return proto;
}

v1::Webhook WebhookOf(const model::Webhook& webhook) {
  v1::Webhook proto;
  proto.set_url(webhook.url);
  proto.set_secret(webhook.secret);
  if (webhook.tells_end) proto.add_events(v1::WEBHOOK_EVENT_ENDED);
  if (webhook.tells_pause) proto.add_events(v1::WEBHOOK_EVENT_PAUSED);
  if (webhook.tells_first_exception) proto.add_events(v1::WEBHOOK_EVENT_FIRST_EXCEPTION);
  return proto;
}

v1::JobConfiguration ConfigurationOf(const model::JobOptions& options) {
  v1::JobConfiguration proto;
  proto.set_initial_workers(options.initial_workers);
  proto.set_max_workers(options.max_workers);
  proto.set_chunks_per_lease(1);
  proto.set_threads_per_chunk(1);
  proto.set_max_failed_ratio(options.max_failed_ratio);
  proto.set_min_records_for_ratio(options.min_records_for_ratio);
  proto.set_stop_on_error(options.stop_on_error);
  proto.set_input_buffer_allocated_bytes(options.input_buffer_bytes);
  proto.set_output_buffer_allocated_bytes(options.output_buffer_bytes);
  *proto.mutable_record_timeout() = ToProto(options.record_timeout);
  proto.set_unique_key(options.unique_key);
  proto.mutable_retry()->set_max_attempts(options.retry.max_attempts);
  *proto.mutable_retry()->mutable_initial_backoff() = ToProto(options.retry.initial_backoff);
  *proto.mutable_retry()->mutable_max_backoff() = ToProto(options.retry.max_backoff);
  if (options.idle_timeout > absl::ZeroDuration()) *proto.mutable_idle_timeout() = ToProto(options.idle_timeout);
  proto.mutable_throttle()->set_records_per_second(options.throttle.records_per_second);
  *proto.mutable_throttle()->mutable_delay_between_chunks() = ToProto(options.throttle.delay_between_chunks);
  proto.set_priority(options.priority);
  proto.set_weight(options.weight);
  proto.set_order_results(options.order_results);
  proto.set_ordering_key(options.ordering_key);
  *proto.mutable_target_chunk_time() = ToProto(options.target_chunk_time);
  for (const auto& [label, value] : options.worker_selector) (*proto.mutable_worker_selector())[label] = value;
  if (!options.webhook.url.empty()) *proto.mutable_webhook() = WebhookOf(options.webhook);
  if (options.retention > absl::ZeroDuration()) *proto.mutable_retention() = ToProto(options.retention);
  proto.set_drop_unresolved_exceptions(options.drop_unresolved_exceptions);
  return proto;
}

v1::JobSummary SummaryOf(const model::Job& job, absl::Time now) {
  const model::JobCounters& counters = job.counters;
  v1::JobSummary proto;
  proto.set_chunks_submitted(job.last_sequence);
  proto.set_chunks_completed(counters.chunks_completed);
  proto.set_chunks_failed(counters.chunks_failed);
  proto.set_chunks_retried(counters.chunks_retried);
  proto.set_chunks_skipped(model::ChunksSkipped(job));
  proto.set_records_submitted(counters.records_submitted);
  proto.set_records_completed(counters.records_completed);
  proto.set_records_failed(counters.records_failed);
  proto.set_records_held(counters.records_held);
  proto.set_records_retried(counters.records_retried);
  proto.set_records_skipped(model::RecordsSkipped(job));
  proto.set_records_discarded(counters.records_discarded);
  proto.set_input_size_bytes(counters.input_bytes);
  proto.set_output_size_bytes(counters.output_bytes);
  const absl::Duration compute = absl::Nanoseconds(counters.compute_nanos);
  *proto.mutable_compute_time() = ToProto(compute);
  *proto.mutable_average_compute_time() = ToProto(compute / std::max<int64_t>(1, counters.chunks_completed));
  if (job.start_time != absl::InfinitePast()) *proto.mutable_run_time() = ToProto(RunTimeOf(job, now));
  return proto;
}

// Without what the caller wrote out: it may be large, and jobs are returned in lists.
v1::Source SourceOf(const model::JobSource& source) {
  v1::Source proto;
  switch (source.kind) {
    case model::SourceKind::kFile:
      proto.mutable_file()->set_path(source.path);
      proto.mutable_file()->set_format(static_cast<v1::FileFormat>(source.format));
      proto.mutable_file()->set_size_bytes(source.size_bytes);
      *proto.mutable_file()->mutable_modify_time() = ToProto(source.modify_time);
      break;
    case model::SourceKind::kRange:
      proto.mutable_range()->set_count(source.count);
      proto.mutable_range()->set_first(source.first);
      proto.mutable_range()->set_field(source.field);
      break;
    case model::SourceKind::kIds:
      proto.mutable_ids()->set_field(source.field);
      break;
    case model::SourceKind::kQuery:
      proto.mutable_query()->set_connection(source.connection);
      proto.mutable_query()->set_query(source.query);
      *proto.mutable_query()->mutable_key_columns() = {source.key_columns.begin(), source.key_columns.end()};
      break;
    case model::SourceKind::kResults:
      proto.mutable_results()->set_job_id(source.job_id);
      break;
    case model::SourceKind::kExceptions:
      proto.mutable_exceptions()->set_job_id(source.job_id);
      proto.mutable_exceptions()->set_fingerprint(source.fingerprint);
      break;
    case model::SourceKind::kInline:
    case model::SourceKind::kNone:
    case model::SourceKind::kSourceOf:
      proto.mutable_inline_();
      break;
  }
  return proto;
}

void AddSource(const model::Job& job, v1::Job& proto) {
  const model::SourceSample& sample = job.source.sample;
  *proto.mutable_source() = SourceOf(job.source);
  if (sample.first > 0) proto.mutable_sample()->set_first_n(sample.first);
  if (sample.every > 0) proto.mutable_sample()->set_every_n(sample.every);
  proto.set_sample_continued(sample.continued);
  proto.set_partitioning(model::PartitioningName(sample.partitioning));
  for (const model::PartRange& range : sample.partitioning.parts) {
    proto.add_parts()->set_first(range.first);
    proto.mutable_parts()->rbegin()->set_last(range.last);
  }
  const std::optional<int64_t> total = model::TotalRecords(job);
  v1::SourceProgress& progress = *proto.mutable_source_progress();
  progress.set_records_read(job.counters.records_submitted);
  progress.set_read_errors(job.source_position.read_errors);
  progress.set_exhausted(job.source_position.exhausted);
  progress.set_total_known(total.has_value());
  progress.set_total_records(total.value_or(EstimatedRecordsOf(job)));
  if (job.source.kind == model::SourceKind::kFile) progress.set_bytes_read(job.source_position.offset);
}

}  // namespace

google::protobuf::Timestamp ToProto(absl::Time time) {
  google::protobuf::Timestamp proto;
  const int64_t seconds = absl::ToUnixSeconds(time);
  proto.set_seconds(seconds);
  proto.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return proto;
}

google::protobuf::Duration ToProto(absl::Duration duration) {
  google::protobuf::Duration proto;
  proto.set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  proto.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
  return proto;
}

absl::Duration RunTimeOf(const model::Job& job, absl::Time now) {
  if (job.start_time == absl::InfinitePast()) return absl::ZeroDuration();
  const absl::Time end = job.complete_time == absl::InfinitePast() ? now : job.complete_time;
  return std::max(absl::ZeroDuration(), end - job.start_time);
}

absl::StatusOr<absl::Duration> FromProto(const google::protobuf::Duration& duration) {
  // Bounds and sign rule of google/protobuf/duration.proto.
  constexpr int64_t kSecondsMax = 315'576'000'000;
  constexpr int32_t kNanosMax = 999'999'999;
  const bool signs_differ =
      (duration.seconds() > 0 && duration.nanos() < 0) || (duration.seconds() < 0 && duration.nanos() > 0);
  if (std::abs(duration.seconds()) > kSecondsMax || std::abs(duration.nanos()) > kNanosMax || signs_differ) {
    return absl::InvalidArgumentError("is not a valid google.protobuf.Duration");
  }
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

absl::StatusOr<absl::Time> FromProto(const google::protobuf::Timestamp& time) {
  // Bounds of google/protobuf/timestamp.proto, but for times that a number of nanoseconds cannot hold.
  constexpr int64_t kSecondsMin = -9'223'372'036;
  constexpr int64_t kSecondsMax = 9'223'372'036 - 1;
  if (time.seconds() < kSecondsMin || time.seconds() > kSecondsMax || time.nanos() < 0 || time.nanos() > 999'999'999) {
    return absl::InvalidArgumentError("expected a time of the years 1678 to 2262");
  }
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

v1::Job ToProto(const model::Job& job, absl::Time now) {
  v1::Job proto;
  proto.set_id(job.id);
  proto.set_service(job.service);
  proto.set_service_version(job.service_version);
  proto.set_service_uri(model::ServiceUri(job.service, job.service_version));
  proto.set_service_id(job.service_id);
  proto.set_version_id(job.version_id);
  proto.set_config_hash(job.config_hash);
  proto.set_engine_version(EngineVersion());
  proto.set_state(static_cast<v1::JobState>(job.state));
  proto.set_pipeline_state(model::TakesInput(job) ? v1::PIPELINE_STATE_OPEN : v1::PIPELINE_STATE_CLOSED);
  proto.set_idle(model::ChunksPending(job) == 0);
  proto.set_outcome(static_cast<v1::Outcome>(model::OutcomeOf(job)));
  proto.set_state_reason(job.state_reason);
  *proto.mutable_metadata() = MetadataOf(job.metadata);
  *proto.mutable_configuration() = ConfigurationOf(job.options);
  // What is stored was checked when it came in.
  if (auto parameters = ParseJsonObject(job.parameters_json); parameters.ok()) {
    *proto.mutable_parameters() = *std::move(parameters);
  }
  for (const std::string& output : job.selected_outputs) proto.add_selected_outputs(output);
  *proto.mutable_summary() = SummaryOf(job, now);
  proto.set_created_by(job.created_by);
  SetTime(job.create_time, &v1::Job::mutable_create_time, proto);
  SetTime(job.update_time, &v1::Job::mutable_update_time, proto);
  SetTime(job.start_time, &v1::Job::mutable_start_time, proto);
  SetTime(job.first_commit_time, &v1::Job::mutable_first_commit_time, proto);
  SetTime(job.input_close_time, &v1::Job::mutable_input_close_time, proto);
  SetTime(job.complete_time, &v1::Job::mutable_complete_time, proto);
  SetTime(now, &v1::Job::mutable_response_time, proto);
  SetTime(job.pause_time, &v1::Job::mutable_pause_time, proto);
  const absl::Time expire_time = model::ExpireTime(job);
  if (expire_time != absl::InfiniteFuture()) SetTime(expire_time, &v1::Job::mutable_expire_time, proto);
  SetTime(job.drop_time, &v1::Job::mutable_drop_time, proto);
  proto.set_pause_reason(job.pause_reason);
  if (job.state == model::JobState::kPaused) {
    proto.set_resume_state(static_cast<v1::JobState>(model::StateUnderPause(job)));
  }
  proto.set_owner(job.owner);
  proto.set_owner_epoch(job.owner_epoch);
  if (model::HasSource(job)) AddSource(job, proto);
  if (const model::ParentRecord& parent = job.parent; !parent.job_id.empty()) {
    proto.set_parent_job_id(parent.job_id);
    proto.set_parent_record(model::ExceptionId(parent.sequence, parent.index));
    proto.set_parent_attempt(parent.attempt);
  }
  return proto;
}

v1::PipelineStatus ToStatusProto(const model::Job& job, int32_t workers_in_use, absl::Time request_time,
                                 absl::Time now) {
  v1::PipelineStatus proto;
  proto.set_pipeline_id(job.id);
  proto.set_state(static_cast<v1::JobState>(job.state));
  proto.set_pipeline_state(model::TakesInput(job) ? v1::PIPELINE_STATE_OPEN : v1::PIPELINE_STATE_CLOSED);
  proto.set_idle(model::ChunksPending(job) == 0);
  proto.set_outcome(static_cast<v1::Outcome>(model::OutcomeOf(job)));
  proto.set_chunks_submitted(job.last_sequence);
  proto.set_chunks_completed(job.counters.chunks_completed);
  proto.set_chunks_available(model::ResultsAvailable(job));
  proto.set_records_submitted(job.counters.records_submitted);
  proto.set_records_completed(job.counters.records_completed);
  proto.set_records_failed(job.counters.records_failed);
  proto.set_records_skipped(model::RecordsSkipped(job));
  proto.set_records_available(job.unacknowledged_records);
  *proto.mutable_compute_time() = ToProto(absl::Nanoseconds(job.counters.compute_nanos));
  proto.set_input_buffer_used_bytes(job.input_buffer_used_bytes);
  proto.set_input_buffer_remaining_bytes(
      std::max<int64_t>(0, job.options.input_buffer_bytes - job.input_buffer_used_bytes));
  proto.set_output_buffer_used_bytes(job.output_buffer_used_bytes);
  proto.set_output_buffer_remaining_bytes(
      std::max<int64_t>(0, job.options.output_buffer_bytes - job.output_buffer_used_bytes));
  proto.set_workers_in_use(workers_in_use);
  proto.set_newest_result(job.last_result);
  proto.set_acknowledged_result(job.acknowledged_result);
  proto.set_state_reason(job.state_reason);
  proto.set_records_discarded(job.counters.records_discarded);
  *proto.mutable_request_time() = ToProto(request_time);
  *proto.mutable_response_time() = ToProto(now);
  return proto;
}

absl::StatusOr<v1::ChunkResult> ToProto(model::ChunkResult result, v1::ResultEncoding encoding) {
  v1::ChunkResult proto;
  proto.set_number(result.number);
  proto.set_chunk_id(std::move(result.chunk_id));
  proto.set_sequence(result.sequence);
  proto.set_record_count(result.record_count);
  proto.set_failed_count(static_cast<int32_t>(result.errors.size()));
  if (encoding == v1::RESULT_ENCODING_STRUCT) {
    std::string_view rest = result.json_lines;
    while (!rest.empty()) {
      const size_t end = std::min(rest.find('\n'), rest.size());
      absl::StatusOr<google::protobuf::Value> value = ParseJsonValue(rest.substr(0, end));
      if (!value.ok()) {
        return model::MakeError(model::Reason::kStorageCorrupt,
                                absl::StrCat("result ", result.number, " is stored with outputs that cannot be read"));
      }
      *proto.add_outputs() = *std::move(value);
      rest.remove_prefix(std::min(rest.size(), end + 1));
    }
  } else {
    proto.set_json_lines(std::move(result.json_lines));
  }
  for (model::ResultError& error : result.errors) {
    v1::RecordError& added = *proto.add_errors();
    added.set_index(error.index);
    added.set_exception_id(model::ExceptionId(result.sequence, error.index));
    added.set_node(std::move(error.node));
    added.set_code(std::move(error.code));
    added.set_message(std::move(error.message));
  }
  for (model::RecordWarning& warning : result.warnings) {
    v1::RecordWarning& added = *proto.add_warnings();
    added.set_index(warning.index);
    added.set_node(std::move(warning.node));
    added.set_message(std::move(warning.message));
  }
  proto.mutable_process_time_ns()->Add(result.process_time_ns.begin(), result.process_time_ns.end());
  for (model::SummaryValue& value : result.summary) {
    v1::SummaryValue& added = *proto.add_summary();
    added.set_output_name(std::move(value.output_name));
    added.set_operator_(static_cast<v1::AggregationOperator>(value.op));
    if (value.has_value) added.set_value(value.value);
    added.set_count(value.count);
  }
  proto.set_summary_error(std::move(result.summary_error));
  proto.set_config_hash(std::move(result.config_hash));
  proto.set_attempt(result.attempt);
  for (const model::RecordRun& run : result.replaces) *proto.add_replaces() = ToProto(run);
  if (result.part.has_value()) proto.set_part(*result.part);
  return proto;
}

}  // namespace millrace::core
