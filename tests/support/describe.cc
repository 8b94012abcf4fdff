#include "tests/support/describe.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"

namespace millrace::testing {
namespace {

/// Collects `name: value` lines.
class Lines {
 public:
  template <typename T>
  Lines& Add(const char* name, const T& value) {
    absl::StrAppend(&text_, name, ": ", value, "\n");
    return *this;
  }
  Lines& Add(const char* name, absl::Time time) {
    return Add(name, absl::FormatTime(absl::RFC3339_full, time, absl::UTCTimeZone()));
  }

  std::string Text() { return std::move(text_); }

 private:
  std::string text_;
};

void AddSource(const model::Job& job, Lines& lines) {
  const model::JobSource& source = job.source;
  const model::SourcePosition& at = job.source_position;
  lines.Add("source", absl::StrCat(static_cast<int>(source.kind), " ", source.path, " ", source.json_lines))
      .Add("file", absl::StrCat(static_cast<int>(source.format), " ", source.size_bytes))
      .Add("modify_time", source.modify_time)
      .Add("range", absl::StrCat(source.first, " ", source.count, " ", source.field))
      .Add("query", absl::StrCat(source.connection, " ", source.query, " ", absl::StrJoin(source.key_columns, ",")))
      .Add("sample",
           absl::StrCat(source.sample.first, " ", source.sample.every, source.sample.continued ? " continued" : ""))
      .Add("cut", absl::StrCat(source.chunk_size, " ", source.estimated_records))
      .Add("source_position",
           absl::StrCat(at.offset, " ", at.line, " ", at.records, " ", at.chunks, " ", at.read_errors, " ",
                        at.exhausted ? "exhausted" : "open", at.rest ? " rest " : " ", absl::StrJoin(at.key, ",")));
  if (source.sample.partitioning.rule == model::PartRule::kNone) return;
  lines.Add("partitioning", model::PartitioningName(source.sample.partitioning));
  for (const model::PartRange& range : source.sample.partitioning.parts) {
    lines.Add("parts", absl::StrCat(range.first, " ", range.last));
  }
}

void AddRuns(const char* name, const std::vector<model::RecordRun>& runs, Lines& lines) {
  for (const model::RecordRun& run : runs) {
    lines.Add(name, absl::StrCat(model::ExceptionId(run.sequence, run.first), " ", run.count));
  }
}

std::string SummarySpecText(const model::SummarySpec& summary) {
  std::string text = summary.ignore_error ? "ignore" : "fail";
  for (const model::Aggregation& aggregation : summary.aggregations) {
    absl::StrAppend(&text, " ", aggregation.output_name, "/", static_cast<int>(aggregation.op));
  }
  return text;
}

}  // namespace

std::string Describe(const model::Job& job) {
  const model::JobMetadata& metadata = job.metadata;
  const model::JobOptions& options = job.options;
  const model::JobCounters& counters = job.counters;
  Lines lines;
  // A line only where there is something to tell: golden folders know jobs without.
  if (job.pause_time != absl::InfinitePast() || job.ramps > 0) {
    lines.Add("pause", absl::StrCat(static_cast<int>(job.resume_state), " ", job.ramps, " ", job.pause_reason));
    lines.Add("pause_time", job.pause_time);
  }
  const model::Webhook& webhook = options.webhook;
  if (!webhook.url.empty()) {
    lines.Add("webhook", absl::StrCat(webhook.url, " ", webhook.secret, webhook.tells_end ? " end" : "",
                                      webhook.tells_pause ? " pause" : "",
                                      webhook.tells_first_exception ? " first_exception" : ""));
  }
  if (options.retention > absl::ZeroDuration()) {
    lines.Add("retention",
              absl::StrCat(absl::FormatDuration(options.retention), options.drop_unresolved_exceptions ? " drop" : ""));
  }
  if (job.drop_time != absl::InfinitePast()) lines.Add("drop_time", job.drop_time);
  lines.Add("id", absl::StrCat(job.tenant, "/", job.id))
      .Add("service", absl::StrCat(job.service, "[", job.service_version, "]"))
      .Add("service ids", absl::StrCat(job.service_id, " ", job.version_id, " ", job.config_hash))
      .Add("state", std::string(model::JobStateName(job.state)))
      .Add("cancel_mode", static_cast<int>(job.cancel_mode))
      .Add("state_reason", job.state_reason)
      .Add("name", metadata.name)
      .Add("description", metadata.description)
      .Add("project", metadata.project)
      .Add("tags", absl::StrJoin(metadata.tags, ","))
      .Add("source_system", metadata.source_system)
      .Add("correlation_id", metadata.correlation_id)
      .Add("call_purpose", metadata.call_purpose)
      .Add("max_workers", options.max_workers)
      .Add("input_buffer_bytes", options.input_buffer_bytes)
      .Add("output_buffer_bytes", options.output_buffer_bytes)
      .Add("record_timeout", absl::FormatDuration(options.record_timeout))
      .Add("unique_key", options.unique_key)
      .Add("initial_workers", options.initial_workers)
      .Add("retry", absl::StrCat(options.retry.max_attempts, " ", absl::FormatDuration(options.retry.initial_backoff),
                                 " ", absl::FormatDuration(options.retry.max_backoff)))
      .Add("error_budget", absl::StrCat(options.max_failed_ratio, " ", options.min_records_for_ratio, " ",
                                        static_cast<int>(options.stop_on_error)))
      .Add("idle_timeout", absl::FormatDuration(options.idle_timeout))
      .Add("throttle", absl::StrCat(options.throttle.records_per_second, " ",
                                    absl::FormatDuration(options.throttle.delay_between_chunks)))
      .Add("share", absl::StrCat(options.priority, " ", options.weight))
      .Add("order", absl::StrCat(static_cast<int>(options.order_results), " ", options.ordering_key))
      .Add("target_chunk_time", absl::FormatDuration(options.target_chunk_time))
      .Add("worker_selector", absl::StrJoin(options.worker_selector, ",", absl::PairFormatter("=")))
      .Add("parameters_json", job.parameters_json)
      .Add("selected_outputs", absl::StrJoin(job.selected_outputs, ","))
      .Add("request", absl::StrCat(job.request_id, " ", job.request_hash))
      .Add("chunks_completed", counters.chunks_completed)
      .Add("chunks_failed", counters.chunks_failed)
      .Add("records_submitted", counters.records_submitted)
      .Add("records_completed", counters.records_completed)
      .Add("records_failed", counters.records_failed)
      .Add("input_bytes", counters.input_bytes)
      .Add("output_bytes", counters.output_bytes)
      .Add("compute_nanos", counters.compute_nanos)
      .Add("retried", absl::StrCat(counters.chunks_retried, " ", counters.records_retried))
      .Add("last_sequence", job.last_sequence)
      .Add("watermark", job.watermark)
      .Add("highest_committed", job.highest_committed)
      .Add("input_buffer_used_bytes", job.input_buffer_used_bytes)
      .Add("last_result", job.last_result)
      .Add("acknowledged_result", job.acknowledged_result)
      .Add("output_buffer_used_bytes", job.output_buffer_used_bytes)
      .Add("unacknowledged_records", job.unacknowledged_records)
      .Add("created_by", job.created_by)
      .Add("create_time", job.create_time)
      .Add("update_time", job.update_time)
      .Add("start_time", job.start_time)
      .Add("first_commit_time", job.first_commit_time)
      .Add("input_close_time", job.input_close_time)
      .Add("complete_time", job.complete_time)
      .Add("owner", absl::StrCat(job.owner, " ", job.owner_epoch));
  if (counters.records_discarded + counters.records_rerun != 0) {
    lines.Add("rerun", absl::StrCat(counters.records_discarded, " ", counters.records_rerun));
  }
  if (counters.records_held != 0) lines.Add("held", counters.records_held);
  if (counters.records_repeated != 0) lines.Add("repeated", counters.records_repeated);
  if (model::HasSource(job)) AddSource(job, lines);
  return lines.Text();
}

std::string Describe(const model::Chunk& chunk) {
  Lines lines;
  lines.Add("id", chunk.id)
      .Add("sequence", chunk.sequence)
      .Add("state", static_cast<int>(chunk.state))
      .Add("record_count", chunk.record_count)
      .Add("input_bytes", chunk.input_bytes)
      .Add("parameters_json", chunk.parameters_json)
      .Add("summary", SummarySpecText(chunk.summary))
      .Add("content_hash", chunk.content_hash)
      .Add("push_time", chunk.push_time)
      .Add("commit_time", chunk.commit_time)
      .Add("attempts", chunk.attempts)
      .Add("config_hash", chunk.config_hash)
      .Add("result_number", chunk.result_number);
  for (const model::RecordPlace& place : chunk.replaces) {
    lines.Add("replaces", model::ExceptionId(place.sequence, place.index));
  }
  if (chunk.replaces_held != 0) lines.Add("replaces_held", chunk.replaces_held);
  AddRuns("repeats", chunk.repeats, lines);
  for (const model::RecordAnswer& answer : chunk.answers) {
    lines.Add("answer", absl::StrCat(answer.index, " ", answer.node, " ", answer.question, " ", answer.answer));
  }
  if (chunk.part.has_value()) lines.Add("part", *chunk.part);
  return lines.Text();
}

std::string Describe(const model::ChunkInput& input) {
  return Lines().Add("chunk", Describe(input.chunk)).Add("json_lines", input.json_lines).Text();
}

std::string Describe(const model::ChunkResult& result) {
  Lines lines;
  lines.Add("number", result.number)
      .Add("chunk_id", result.chunk_id)
      .Add("sequence", result.sequence)
      .Add("record_count", result.record_count)
      .Add("json_lines", result.json_lines);
  for (const model::ResultError& error : result.errors) {
    lines.Add("error", absl::StrCat(error.index, " ", error.node, " ", error.code, " ", error.message));
  }
  for (const model::RecordWarning& warning : result.warnings) {
    lines.Add("warning", absl::StrCat(warning.index, " ", warning.node, " ", warning.message));
  }
  lines.Add("process_time_ns", absl::StrJoin(result.process_time_ns, ","));
  for (const model::SummaryValue& value : result.summary) {
    lines.Add("summary", absl::StrCat(value.output_name, " ", static_cast<int>(value.op), " ", value.has_value, " ",
                                      value.value, " ", value.count));
  }
  AddRuns("replaces", result.replaces, lines);
  if (result.part.has_value()) lines.Add("part", *result.part);
  return lines.Add("summary_error", result.summary_error)
      .Add("config_hash", result.config_hash)
      .Add("attempt", result.attempt)
      .Add("cumulative_output_bytes", result.cumulative_output_bytes)
      .Add("cumulative_records", result.cumulative_records)
      .Text();
}

std::string Describe(const model::RunStatistics& statistics) {
  Lines lines;
  for (const auto& [name, node] : statistics.nodes) {
    lines.Add("node", name)
        .Add("record_count", node.record_count)
        .Add("success_count", node.success_count)
        .Add("failure_count", node.failure_count)
        .Add("hold_count", node.hold_count)
        .Add("skipped_count", node.skipped_count)
        .Add("run_nanos", node.run_nanos)
        .Add("max_nanos", node.max_nanos)
        .Add("run_times", absl::StrJoin(node.run_times.buckets, ",", absl::PairFormatter("=")));
  }
  for (const auto& [label, count] : statistics.labels) lines.Add("label", absl::StrCat(label, " ", count));
  for (const model::SlowRecord& record : statistics.slowest) {
    lines.Add("slow", absl::StrCat(model::ExceptionId(record.place.sequence, record.place.index), " ", record.chunk_id,
                                   " ", record.process_nanos, " ", record.code, " ",
                                   absl::StrJoin(record.labels, ",", absl::PairFormatter("=")), " ", record.worker));
  }
  for (const auto& [name, worker] : statistics.workers) {
    lines.Add("worker", name)
        .Add("counts",
             absl::StrCat(worker.chunks, " ", worker.records, " ", worker.records_failed, " ", worker.compute_nanos))
        .Add("first_commit_time", worker.first_commit_time)
        .Add("last_commit_time", worker.last_commit_time);
  }
  return lines.Text();
}

std::string Describe(const model::RecordException& exception) {
  const model::Resolution& resolution = exception.resolution;
  Lines lines;
  lines.Add("id", model::ExceptionId(exception.sequence, exception.index))
      .Add("chunk_id", exception.chunk_id)
      .Add("input", exception.input)
      .Add("node", exception.node)
      .Add("code", exception.code)
      .Add("message", exception.message)
      .Add("fingerprint", exception.fingerprint)
      .Add("config_hash", exception.config_hash)
      .Add("create_time", exception.create_time)
      .Add("state", static_cast<int>(resolution.state))
      .Add("retries", exception.retries);
  if (exception.held) lines.Add("held", "yes");
  if (exception.replaces.sequence != 0) {
    lines.Add("replaces", model::ExceptionId(exception.replaces.sequence, exception.replaces.index));
  }
  if (resolution.kind == model::ResolutionKind::kNone) return lines.Text();
  if (!resolution.answer.empty()) lines.Add("answer", resolution.answer);
  return lines.Add("resolution", static_cast<int>(resolution.kind))
      .Add("rerun", model::ExceptionId(resolution.rerun.sequence, resolution.rerun.index))
      .Add("resolved_by", resolution.resolved_by)
      .Add("resolution_time", resolution.time)
      .Add("note", resolution.note)
      .Add("resolution_fingerprint", resolution.fingerprint)
      .Text();
}

std::string Describe(const model::ExceptionGroup& group) {
  Lines lines;
  lines.Add("fingerprint", group.fingerprint)
      .Add("node", group.node)
      .Add("code", group.code)
      .Add("normalised_message", group.normalised_message)
      .Add("config_hash", group.config_hash)
      .Add("count", group.count)
      .Add("first_time", group.first_time)
      .Add("last_time", group.last_time)
      .Add("sample_exception_id", group.sample_exception_id)
      .Add("sample_message", group.sample_message);
  if (group.settled_count != 0) lines.Add("settled_count", group.settled_count);
  return lines.Text();
}

std::string Describe(const model::JobEvent& event) {
  return Lines()
      .Add("event", event.number)
      .Add("time", event.time)
      .Add("kind", static_cast<int>(event.kind))
      .Add("by", event.by)
      .Add("states", absl::StrCat(static_cast<int>(event.from_state), " ", static_cast<int>(event.to_state)))
      .Add("detail", event.detail)
      .Text();
}

std::string Describe(const model::ServiceVersion& version) {
  return Lines()
      .Add("tenant", version.tenant)
      .Add("uri", model::ServiceUri(version.service, version.version))
      .Add("service_id", version.service_id)
      .Add("version_id", version.version_id)
      .Add("definition", version.definition)
      .Add("config_hash", version.config_hash)
      .Add("description", version.description)
      .Add("created_by", version.created_by)
      .Add("create_time", version.create_time)
      .Text();
}

std::string Describe(const model::ServiceSummary& service) {
  return Lines()
      .Add("service", service.service)
      .Add("service_id", service.service_id)
      .Add("latest_version", service.latest_version)
      .Add("version_count", service.version_count)
      .Add("description", service.description)
      .Text();
}

std::string Describe(const absl::Status& status) {
  if (status.ok()) return "OK\n";
  const model::ErrorDetails details = model::DetailsOf(status);
  return Lines()
      .Add("code", absl::StatusCodeToString(status.code()))
      .Add("message", status.message())
      .Add("reason", std::string(model::ReasonName(details.reason)))
      .Add("field", details.field)
      .Add("retry_after", absl::FormatDuration(details.retry_after))
      .Add("metadata", absl::StrJoin(details.metadata, ",", absl::PairFormatter("=")))
      .Text();
}

}  // namespace millrace::testing
