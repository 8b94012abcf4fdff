#include "tools/millrace/render.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "tools/millrace/human.h"
#include "tools/millrace/json_output.h"
#include "tools/millrace/sample_options.h"

namespace millrace::cli {
namespace {

std::string WithoutPrefix(const std::string& name, const char* prefix) {
  return std::string(absl::StripPrefix(name, prefix));
}

/// `12 of 34 (35%)`, `12 of about 34 (35%)`.
std::string Share(int64_t part, int64_t whole, bool is_exact = true) {
  std::string text = absl::StrCat(HumanCount(part), " of ", is_exact ? "" : "about ", HumanCount(whole));
  if (whole > 0) absl::StrAppend(&text, " (", 100 * part / whole, "%)");
  return text;
}

/// How much of a job is through: of the records that it will have, or of those that it has where nobody can tell.
std::string DoneText(const v1::Job& job) {
  const TotalRecords total = TotalOf(job);
  const int64_t through = RecordsThrough(job.summary());
  if (total.count == 0 && job.source().kind_case() != v1::Source::KIND_NOT_SET) {
    return absl::StrCat(HumanCount(through), " of ", HumanCount(job.summary().records_submitted()), " read so far");
  }
  if (total.count == 0) return Share(through, job.summary().records_submitted());
  return Share(through, total.count, total.is_exact);
}

std::string NonZero(int64_t count) { return count == 0 ? "" : HumanCount(count); }

std::string Buffer(int64_t used, int64_t remaining) {
  return absl::StrCat(HumanBytes(used), " used, ", HumanBytes(remaining), " free");
}

std::string TimeOf(bool is_set, const google::protobuf::Timestamp& time, const Session& session) {
  return is_set ? session.Time(time) : "";
}

std::string DurationOf(const google::protobuf::Duration& duration) { return HumanDuration(FromProto(duration)); }

std::string RetryText(const v1::RetryPolicy& retry) {
  return absl::StrCat(retry.max_attempts(), " attempts, ", DurationOf(retry.initial_backoff()), " to ",
                      DurationOf(retry.max_backoff()), " apart");
}

std::string ErrorBudgetText(const v1::JobConfiguration& configuration) {
  if (configuration.stop_on_error()) return "none: stops at the first failed record";
  if (configuration.max_failed_ratio() >= 1) return "";
  return absl::StrCat(100 * configuration.max_failed_ratio(), "% of the records, judged after ",
                      HumanCount(configuration.min_records_for_ratio()));
}

/// `node=n7, site=paris`; nothing where there are none.
std::string LabelsText(const google::protobuf::Map<std::string, std::string>& labels) {
  std::vector<std::string> texts;
  texts.reserve(labels.size());
  for (const auto& [label, value] : labels) texts.push_back(absl::StrCat(label, "=", value));
  std::sort(texts.begin(), texts.end());
  return absl::StrJoin(texts, ", ");
}

std::string ThrottleText(const v1::Throttle& throttle) {
  std::string text;
  if (throttle.records_per_second() > 0) absl::StrAppend(&text, throttle.records_per_second(), " records/s");
  const absl::Duration delay = FromProto(throttle.delay_between_chunks());
  if (delay > absl::ZeroDuration()) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", HumanDuration(delay), " between chunks");
  }
  return text;
}

/// `since 2024-05-01 12:00:03 (why), was CLOSED`.
std::string PauseText(const v1::Job& job, const Session& session) {
  if (!job.has_pause_time()) return "";
  const std::string reason = job.pause_reason().empty() ? "" : absl::StrCat(" (", job.pause_reason(), ")");
  return absl::StrCat("since ", session.Time(job.pause_time()), reason, ", was ",
                      DescribeState(job.resume_state(), v1::OUTCOME_UNSPECIFIED));
}

/// `https://hooks.example.org/jobs: ENDED, PAUSED, signed with ops`.
std::string WebhookText(const v1::Webhook& webhook) {
  if (webhook.url().empty()) return "";
  std::string text = absl::StrCat(webhook.url(), ":");
  for (const int event : webhook.events()) {
    absl::StrAppend(&text, text.back() == ':' ? " " : ", ",
                    WithoutPrefix(v1::WebhookEvent_Name(static_cast<v1::WebhookEvent>(event)), "WEBHOOK_EVENT_"));
  }
  return absl::StrCat(text, webhook.secret().empty() ? "" : ", signed with ", webhook.secret());
}

std::string RetentionText(const v1::JobConfiguration& configuration) {
  if (!configuration.has_retention()) return "";
  return absl::StrCat(DurationOf(configuration.retention()), " after its end",
                      configuration.drop_unresolved_exceptions() ? "" : ", once its exceptions are settled");
}

std::string SourceText(const v1::Job& job) {
  const v1::Source& source = job.source();
  std::string text;
  if (source.has_file()) text = source.file().path();
  if (source.has_range()) text = absl::StrCat(source.range().count(), " numbers from ", source.range().first());
  if (source.has_query()) text = absl::StrCat("a query of ", source.query().connection());
  if (source.has_results()) text = absl::StrCat("the results of ", source.results().job_id());
  if (source.has_exceptions()) text = absl::StrCat("the exceptions of ", source.exceptions().job_id());
  if (source.has_ids()) text = "a list of ids";
  if (source.has_inline_()) text = "records of the call";
  if (job.sample().has_first_n()) absl::StrAppend(&text, ", the first ", job.sample().first_n());
  if (job.sample().has_every_n()) absl::StrAppend(&text, ", one in ", job.sample().every_n());
  if (!job.partitioning().empty()) {
    absl::StrAppend(&text, ", ", job.partitioning(), job.parts().empty() ? ": all parts" : ": parts ",
                    PartsText(job.parts()));
  }
  if (job.sample_continued()) absl::StrAppend(&text, ", then the rest");
  return text;
}

std::string ReadText(const v1::Job& job) {
  if (!job.has_source()) return "";
  const v1::SourceProgress& progress = job.source_progress();
  if (progress.exhausted()) return absl::StrCat("all ", HumanCount(progress.records_read()), " records");
  std::string text = HumanCount(progress.records_read());
  if (progress.total_records() == 0) return text;
  return absl::StrCat(text, " of ", progress.total_known() ? "" : "about ", HumanCount(progress.total_records()));
}

}  // namespace

std::string DescribeState(v1::JobState state, v1::Outcome outcome) {
  std::string text = WithoutPrefix(v1::JobState_Name(state), "JOB_STATE_");
  if (outcome != v1::OUTCOME_UNSPECIFIED) {
    absl::StrAppend(&text, ", ", WithoutPrefix(v1::Outcome_Name(outcome), "OUTCOME_"));
  }
  return text;
}

bool IsFinal(v1::JobState state) {
  return state == v1::JOB_STATE_COMPLETED || state == v1::JOB_STATE_COMPLETED_BY_TIMEOUT ||
         state == v1::JOB_STATE_FAILED || state == v1::JOB_STATE_CANCELLED;
}

std::vector<v1::JobState> StatesThat(bool ended) {
  std::vector<v1::JobState> states;
  for (int state = v1::JOB_STATE_CREATED; state <= v1::JobState_MAX; ++state) {
    if (IsFinal(static_cast<v1::JobState>(state)) == ended) states.push_back(static_cast<v1::JobState>(state));
  }
  return states;
}

TotalRecords TotalOf(const v1::Job& job) {
  const int64_t submitted = job.summary().records_submitted();
  if (job.pipeline_state() != v1::PIPELINE_STATE_OPEN) return {.count = submitted, .is_exact = true};
  const v1::SourceProgress& progress = job.source_progress();
  if (progress.total_records() == 0) return {};
  return {.count = std::max(progress.total_records(), submitted), .is_exact = progress.total_known()};
}

std::string RenderJob(const v1::Job& job, const Session& session) {
  const v1::JobSummary& sums = job.summary();
  const v1::JobConfiguration& configuration = job.configuration();
  const v1::JobMetadata& metadata = job.metadata();
  return RenderFacts(
      {
          {"id", job.id()},
          {"service", job.service_uri()},
          {"state", DescribeState(job.state(), job.outcome())},
          {"reason", job.state_reason()},
          {"part of",
           job.parent_job_id().empty() ? "" : absl::StrCat(job.parent_job_id(), ", record ", job.parent_record())},
          {"paused", PauseText(job, session)},
          {"input", WithoutPrefix(v1::PipelineState_Name(job.pipeline_state()), "PIPELINE_STATE_")},
          {"source", SourceText(job)},
          {"  group", job.source().exceptions().fingerprint()},
          {"  query", job.source().query().query()},
          {"  key", absl::StrJoin(job.source().query().key_columns(), ", ")},
          {"  read", ReadText(job)},
          {"  not readable", NonZero(job.source_progress().read_errors())},
          {"records", DoneText(job)},
          {"  failed", NonZero(sums.records_failed())},
          {"  of them held", NonZero(sums.records_held())},
          {"  discarded", NonZero(sums.records_discarded())},
          {"  skipped", NonZero(sums.records_skipped())},
          {"chunks", Share(sums.chunks_completed(), sums.chunks_submitted())},
          {"  retried", NonZero(sums.chunks_retried())},
          {"input size", HumanBytes(sums.input_size_bytes())},
          {"output size", HumanBytes(sums.output_size_bytes())},
          {"run time", DurationOf(sums.run_time())},
          {"compute time", DurationOf(sums.compute_time())},
          {"name", metadata.name()},
          {"description", metadata.description()},
          {"project", metadata.project()},
          {"tags", absl::StrJoin(metadata.tags(), ", ")},
          {"source system", metadata.source_system()},
          {"correlation id", metadata.correlation_id()},
          {"call purpose", metadata.call_purpose()},
          {"parameters", job.parameters().fields_size() > 0 ? ToJson(job.parameters()) : ""},
          {"outputs", absl::StrJoin(job.selected_outputs(), ", ")},
          {"max workers", HumanCount(configuration.max_workers())},
          {"initial workers", configuration.initial_workers() < configuration.max_workers()
                                  ? HumanCount(configuration.initial_workers())
                                  : ""},
          {"record timeout", DurationOf(configuration.record_timeout())},
          {"retries", RetryText(configuration.retry())},
          {"error budget", ErrorBudgetText(configuration)},
          {"idle timeout", configuration.has_idle_timeout() ? DurationOf(configuration.idle_timeout()) : "never"},
          {"throttle", ThrottleText(configuration.throttle())},
          {"priority", NonZero(configuration.priority())},
          {"weight", configuration.weight() > 1 ? HumanCount(configuration.weight()) : ""},
          {"order", configuration.order_results() ? "results in push order" : ""},
          {"ordering key", configuration.ordering_key()},
          {"worker labels", LabelsText(configuration.worker_selector())},
          {"unique key", configuration.unique_key()},
          {"webhook", WebhookText(configuration.webhook())},
          {"deleted", RetentionText(configuration)},
          {"created", absl::StrCat(session.Time(job.create_time()), " by ", job.created_by())},
          {"started", TimeOf(job.has_start_time(), job.start_time(), session)},
          {"first commit", TimeOf(job.has_first_commit_time(), job.first_commit_time(), session)},
          {"input closed", TimeOf(job.has_input_close_time(), job.input_close_time(), session)},
          {"completed", TimeOf(job.has_complete_time(), job.complete_time(), session)},
          {"expires", TimeOf(job.has_expire_time(), job.expire_time(), session)},
          {"dropped", TimeOf(job.has_drop_time(), job.drop_time(), session)},
          {"config hash", job.config_hash()},
          {"engine", job.engine_version()},
      },
      session.out_style());
}

std::string RenderJobs(const std::vector<v1::Job>& jobs, const Session& session) {
  Table table({{"ID"},
               {"SERVICE"},
               {"STATE"},
               {"RECORDS", Align::kRight},
               {"DONE", Align::kRight},
               {"FAILED", Align::kRight},
               {"RUN TIME", Align::kRight},
               {"CREATED"},
               {"NAME"}});
  for (const v1::Job& job : jobs) {
    const v1::JobSummary& sums = job.summary();
    table.AddRow({job.id(), job.service_uri(), DescribeState(job.state(), job.outcome()),
                  HumanCount(sums.records_submitted()), HumanCount(sums.records_completed()),
                  HumanCount(sums.records_failed()), DurationOf(sums.run_time()), session.Time(job.create_time()),
                  job.metadata().name()});
  }
  return table.empty() ? "" : table.Render(session.out_style());
}

std::string RenderExplanation(const v1::ExplainJobResponse& explanation, const Session& session) {
  const int64_t attempt = explanation.attempt();
  std::string workers;
  if (explanation.workers() > 0) workers = Share(explanation.workers_busy(), explanation.workers()) + " busy";
  return absl::StrCat(
      explanation.explanation(), "\n",
      RenderFacts(
          {
              {"reason", WithoutPrefix(v1::ExplainReason_Name(explanation.reason()), "EXPLAIN_REASON_")},
              {"state", DescribeState(explanation.state(), v1::OUTCOME_UNSPECIFIED)},
              {"running", NonZero(explanation.chunks_running())},
              {"being stored", NonZero(explanation.chunks_committing())},
              {"chunks ahead", NonZero(explanation.chunks_ahead())},
              {"records ahead", NonZero(explanation.records_ahead())},
              {"place in line", NonZero(explanation.queue_position())},
              {"workers", workers},
              {"jobs sharing", NonZero(explanation.jobs_sharing())},
              {"attempt", NonZero(attempt)},
              {"waits for chunk", NonZero(explanation.blocking_sequence())},
              {"next start", TimeOf(explanation.has_next_time(), explanation.next_time(), session)},
              {"done at the earliest", TimeOf(explanation.has_eta_earliest(), explanation.eta_earliest(), session)},
              {"done at the latest", TimeOf(explanation.has_eta_latest(), explanation.eta_latest(), session)},
          },
          session.out_style()));
}

std::string RenderStatus(const v1::PipelineStatus& status, const Session& session) {
  return RenderFacts(
      {
          {"id", status.pipeline_id()},
          {"state", DescribeState(status.state(), status.outcome()) + (status.idle() ? " (idle)" : "")},
          {"reason", status.state_reason()},
          {"input", WithoutPrefix(v1::PipelineState_Name(status.pipeline_state()), "PIPELINE_STATE_")},
          {"records", Share(RecordsThrough(status), status.records_submitted())},
          {"  failed", NonZero(status.records_failed())},
          {"  discarded", NonZero(status.records_discarded())},
          {"  skipped", NonZero(status.records_skipped())},
          {"chunks", Share(status.chunks_completed(), status.chunks_submitted())},
          {"to pull", absl::StrCat(HumanCount(status.chunks_available()), " results, ",
                                   HumanCount(status.records_available()), " records")},
          {"newest result", HumanCount(status.newest_result())},
          {"acknowledged", HumanCount(status.acknowledged_result())},
          {"input buffer", Buffer(status.input_buffer_used_bytes(), status.input_buffer_remaining_bytes())},
          {"output buffer", Buffer(status.output_buffer_used_bytes(), status.output_buffer_remaining_bytes())},
          {"workers", HumanCount(status.workers_in_use())},
          {"compute time", DurationOf(status.compute_time())},
      },
      session.out_style());
}

std::string RenderStatusLine(const v1::PipelineStatus& status) {
  return absl::StrCat(DescribeState(status.state(), status.outcome()), ", records ",
                      Share(RecordsThrough(status), status.records_submitted()), ", ",
                      HumanCount(status.records_failed()), " failed, ", HumanCount(status.chunks_available()),
                      " results to pull, ", HumanCount(status.workers_in_use()), " workers");
}

std::string RenderDescription(const v1::DescribePipelinesResponse& description, const Session& session) {
  const v1::TenantDescription& tenant = description.tenant();
  const v1::ServerDescription& server = description.server();
  std::string text = RenderFacts(
      {
          {"server", absl::StrCat(server.version(), ", up since ", session.Time(server.start_time()), ", start number ",
                                  server.epoch())},
          {"tenant", tenant.tenant()},
          {"workers", absl::StrCat(tenant.workers_in_use(), " of ", tenant.max_workers(), " in use")},
          {"worker labels", LabelsText(server.worker_labels())},
          {"input buffers", Buffer(tenant.input_buffer_used_bytes(), tenant.input_buffer_remaining_bytes())},
          {"output buffers", Buffer(tenant.output_buffer_used_bytes(), tenant.output_buffer_remaining_bytes())},
      },
      session.out_style());
  for (const auto& [title, jobs] : {std::make_pair("active", &description.active_pipelines()),
                                    std::make_pair("ended within the last hour", &description.recent_pipelines())}) {
    const std::string table = RenderJobs({jobs->begin(), jobs->end()}, session);
    absl::StrAppend(&text, "\n", session.out_style().Bold(title), table.empty() ? ": none\n" : "\n", table);
  }
  if (description.truncated()) absl::StrAppend(&text, "\nthere are more; `millrace jobs list` shows them\n");
  return text;
}

std::string RenderResults(const std::vector<v1::ChunkResult>& results, const Session& session) {
  Table table({{"RESULT", Align::kRight}, {"CHUNK"}, {"RECORD", Align::kRight}, {"OUTPUT"}});
  for (const v1::ChunkResult& result : results) {
    std::vector<std::string> outputs = OutputsOf(result);
    outputs.resize(static_cast<size_t>(result.record_count()));
    for (const v1::RecordError& error : result.errors()) {
      if (static_cast<size_t>(error.index()) >= outputs.size()) continue;
      outputs[static_cast<size_t>(error.index())] =
          absl::StrCat(error.code(), error.node().empty() ? "" : " in ", error.node(), ": ", error.message());
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
      table.AddRow({HumanCount(result.number()), result.chunk_id(), absl::StrCat(i), outputs[i]});
    }
  }
  return table.empty() ? "" : table.Render(session.out_style());
}

std::string RenderServiceVersion(const v1::ServiceVersion& version, const Session& session) {
  std::string text = RenderFacts(
      {
          {"service", version.service_uri()},
          {"description", version.description()},
          {"version id", version.version_id()},
          {"config hash", version.config_hash()},
          {"created", absl::StrCat(session.Time(version.create_time()), " by ", version.created_by())},
          {"outputs", absl::StrJoin(version.outputs(), ", ")},
      },
      session.out_style());
  Table inputs({{"INPUT"}, {"FROM"}, {"TYPE"}, {"REQUIRED"}, {"DEFAULT"}});
  for (const v1::ServiceInput& input : version.inputs()) {
    inputs.AddRow({input.name(), input.from(), input.type(), input.required() ? "yes" : "no", input.default_json()});
  }
  if (!inputs.empty()) absl::StrAppend(&text, "\n", inputs.Render(session.out_style()));
  Table nodes({{"NODE"}, {"NEEDS"}, {"WHEN"}, {"LUA"}});
  for (const v1::ServiceNode& node : version.nodes()) {
    nodes.AddRow({node.name(), absl::StrJoin(node.depends_on(), ", "), node.when(), node.lua()});
  }
  if (!nodes.empty()) absl::StrAppend(&text, "\n", nodes.Render(session.out_style()));
  return text;
}

}  // namespace millrace::cli
