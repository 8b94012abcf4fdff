#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/core/convert.h"
#include "server/core/expected_records.h"
#include "server/core/explain.h"
#include "server/core/service_dag.h"
#include "server/handlers/children.h"
#include "server/handlers/job_handlers.h"
#include "server/handlers/validate.h"
#include "storage/model/built_in.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"

namespace millrace::handlers {
namespace {

constexpr size_t kTopGroups = 10;

void AddProgress(const model::Job& job, const Deps& deps, absl::Time now, v1::JobStatistics& response) {
  const v1::Job whole = core::ToProto(job, now);
  response.set_service_uri(whole.service_uri());
  response.set_config_hash(job.config_hash);
  response.set_state(whole.state());
  response.set_outcome(whole.outcome());
  *response.mutable_summary() = whole.summary();

  const auto through = static_cast<double>(model::RecordsThrough(job));
  if (const auto expected = core::ExpectedRecordsOf(job); expected.has_value()) {
    response.set_total_records(expected->total);
    response.set_total_known(expected->is_exact);
    response.set_percent(expected->total > 0 ? 100 * through / static_cast<double>(expected->total) : 100);
  }
  const absl::Time end = job.complete_time == absl::InfinitePast() ? now : job.complete_time;
  if (job.start_time != absl::InfinitePast() && end > job.start_time) {
    response.set_average_records_per_second(through / absl::ToDoubleSeconds(end - job.start_time));
  }
  if (deps.rates != nullptr) {
    const core::JobRates::Rate rate = deps.rates->Find(job.key());
    response.set_records_per_second(rate.per_second());
    if (rate.over > absl::ZeroDuration()) *response.mutable_rate_window() = core::ToProto(rate.over);
  }
}

/// Who can run chunks of the job at once.
int32_t WorkersOf(const model::Job& job, const Deps& deps) {
  return model::IsBulkRun(job) ? job.options.max_workers : deps.server.workers;
}

void AddEta(const core::Standing& standing, const Deps& deps, absl::Time now, v1::JobStatistics& response) {
  const model::Job& job = *standing.job;
  // What was read so far is not all, and nobody knows how much that is.
  if (model::HasSource(job) && model::TakesInput(job) && !core::ExpectedRecordsOf(job).has_value()) return;
  const core::RemainingWork work = core::RemainingWorkOf(job);
  const auto eta = core::EstimateEnd(standing, work.records, work.chunks, WorkersOf(job, deps), now);
  if (!eta.has_value()) return;
  *response.mutable_eta_earliest() = core::ToProto(eta->earliest);
  *response.mutable_eta_latest() = core::ToProto(eta->latest);
}

/// The nodes of the version that the job is pinned to; none where that is deleted, which it may be once the job has ended.
absl::StatusOr<core::ServiceDefinition> PlanOf(const model::Job& job, const Deps& deps) {
  const absl::StatusOr<model::ServiceVersion> version =
      deps.store.GetServiceVersion(job.tenant, {.service = {}, .version = {}, .version_id = job.version_id});
  if (version.ok()) return core::PlanStored(deps.compiler, *version);
  if (absl::IsNotFound(version.status())) return core::ServiceDefinition();
  return version.status();
}

void AddNodes(const core::ServiceDefinition& plan, model::NodeStatisticsMap counted, v1::JobStatistics& response) {
  int64_t all_nanos = 0;
  for (const auto& [name, node] : counted) all_nanos += node.run_nanos;
  const auto add = [&](const std::string& name, const model::NodeStatistics& node) -> v1::JobNodeStatistics& {
    v1::JobNodeStatistics& added = *response.add_nodes();
    *added.mutable_statistics() = core::ToProto(name, node);
    if (all_nanos > 0) {
      added.set_run_time_share(static_cast<double>(node.run_nanos) / static_cast<double>(all_nanos));
    }
    return added;
  };
  for (const core::ServiceNode& node : plan.nodes) {
    const auto found = counted.find(node.name);
    if (found == counted.end()) continue;
    v1::JobNodeStatistics& added = add(node.name, found->second);
    for (const std::string& name : node.depends_on) added.add_depends_on(name);
    counted.erase(found);
  }
  for (const auto& [name, node] : counted) add(name, node);
}

void AddSlowest(const std::vector<model::SlowRecord>& slowest, v1::JobStatistics& response) {
  for (const model::SlowRecord& record : slowest) {
    v1::SlowRecord& added = *response.add_slowest_records();
    added.set_sequence(record.place.sequence);
    added.set_index(record.place.index);
    added.set_chunk_id(record.chunk_id);
    *added.mutable_process_time() = core::ToProto(absl::Nanoseconds(record.process_nanos));
    added.set_code(record.code);
    core::AddLabels(record.labels, *added.mutable_labels());
    added.set_worker(record.worker);
  }
}

void AddWorkers(const std::map<std::string, model::WorkerStatistics>& workers, v1::JobStatistics& response) {
  int64_t all_nanos = 0;
  for (const auto& [name, worker] : workers) all_nanos += worker.compute_nanos;
  for (const auto& [name, worker] : workers) {
    v1::WorkerStatistics& added = *response.add_workers();
    added.set_worker(name);
    added.set_chunks(worker.chunks);
    added.set_records(worker.records);
    added.set_records_failed(worker.records_failed);
    *added.mutable_compute_time() = core::ToProto(absl::Nanoseconds(worker.compute_nanos));
    *added.mutable_first_commit_time() = core::ToProto(worker.first_commit_time);
    *added.mutable_last_commit_time() = core::ToProto(worker.last_commit_time);
    if (all_nanos > 0) {
      added.set_compute_time_share(static_cast<double>(worker.compute_nanos) / static_cast<double>(all_nanos));
    }
  }
}

}  // namespace

absl::StatusOr<v1::JobStatistics> GetJobStatistics(const v1::GetJobStatisticsRequest& request, const Call& call,
                                                   const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("job_id", request.job_id()); !status.ok()) return status;
  if (!v1::DagFormat_IsValid(request.dag_format())) {
    return model::FieldError("dag_format", "expected DAG_FORMAT_TEXT, DAG_FORMAT_DOT or DAG_FORMAT_MERMAID");
  }
  const model::JobKey key = call.job(request.job_id());
  const absl::StatusOr<model::JobPtr> job = deps.store.GetJob(key);
  if (!job.ok()) return job.status();
  const absl::StatusOr<model::RunStatistics> run = deps.store.GetRunStatistics(key);
  if (!run.ok()) return run.status();
  const absl::StatusOr<std::vector<model::ExceptionGroup>> groups = deps.store.ListExceptionGroups(key);
  if (!groups.ok()) return groups.status();
  const absl::StatusOr<core::ServiceDefinition> plan = PlanOf(**job, deps);
  if (!plan.ok()) return plan.status();

  const absl::Time now = deps.clock.Now();
  v1::JobStatistics response;
  response.set_job_id((*job)->id);
  AddProgress(**job, deps, now, response);
  AddEta(deps.leases.Explain(*job, 0, false), deps, now, response);
  AddNodes(*plan, run->nodes, response);
  core::AddLabels(run->labels, *response.mutable_labels());
  AddSlowest(run->slowest, response);
  AddWorkers(run->workers, response);
  if (model::IsBulkRun(**job)) {
    absl::StatusOr<v1::ChildStatistics> children = SumUpChildren(**job, now, deps);
    if (!children.ok()) return children.status();
    *response.mutable_children() = *std::move(children);
  }
  response.set_exception_groups(static_cast<int64_t>(groups->size()));
  for (size_t i = 0; i < std::min(groups->size(), kTopGroups); ++i) {
    *response.add_top_exception_groups() = core::ToProto((*groups)[i]);
  }
  if (request.dag_format() != v1::DAG_FORMAT_UNSPECIFIED && !plan->service.empty()) {
    response.set_dag(
        core::DrawDag(response.service_uri(), *plan, run->nodes, static_cast<core::DagFormat>(request.dag_format())));
  }
  *response.mutable_response_time() = core::ToProto(now);
  return response;
}

}  // namespace millrace::handlers
