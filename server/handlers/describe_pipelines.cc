#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "server/core/convert.h"
#include "server/core/version.h"
#include "server/handlers/pipeline_handlers.h"
#include "server/handlers/validate.h"
#include "storage/model/limits.h"

namespace millrace::handlers {
namespace {

bool NewerFirst(const model::JobPtr& a, const model::JobPtr& b) {
  return std::tie(b->create_time, b->id) < std::tie(a->create_time, a->id);
}

}  // namespace

absl::StatusOr<v1::DescribePipelinesResponse> DescribePipelines(const v1::DescribePipelinesRequest& request,
                                                                const Call& call, const Deps& deps) {
  const auto pipelines_max =
      InRange("max_pipelines", request.max_pipelines(), 1, model::kPageSizeMax, model::kPageSizeDefault);
  if (!pipelines_max.ok()) return pipelines_max.status();
  const absl::Time now = deps.clock.Now();
  const std::string& tenant_id = call.principal.tenant;
  v1::DescribePipelinesResponse response;

  std::vector<model::JobPtr> active = deps.store.ActiveJobs();
  std::erase_if(active, [&](const model::JobPtr& job) { return job->tenant != tenant_id; });
  std::sort(active.begin(), active.end(), NewerFirst);

  v1::TenantDescription& tenant = *response.mutable_tenant();
  tenant.set_tenant(tenant_id);
  int64_t input_allocated = 0, input_used = 0, output_allocated = 0, output_used = 0;
  int32_t workers_in_use = 0;
  for (const model::JobPtr& job : active) {
    input_allocated += job->options.input_buffer_bytes;
    input_used += job->input_buffer_used_bytes;
    output_allocated += job->options.output_buffer_bytes;
    output_used += job->output_buffer_used_bytes;
    workers_in_use += deps.leases.running(job->key());
  }
  tenant.set_input_buffer_allocated_bytes(input_allocated);
  tenant.set_input_buffer_used_bytes(input_used);
  tenant.set_input_buffer_remaining_bytes(std::max<int64_t>(0, input_allocated - input_used));
  tenant.set_output_buffer_allocated_bytes(output_allocated);
  tenant.set_output_buffer_used_bytes(output_used);
  tenant.set_output_buffer_remaining_bytes(std::max<int64_t>(0, output_allocated - output_used));
  tenant.set_max_workers(deps.server.workers);
  tenant.set_workers_in_use(workers_in_use);

  const size_t jobs_max = static_cast<size_t>(*pipelines_max);
  bool truncated = active.size() > jobs_max;
  if (truncated) active.resize(jobs_max);
  for (const model::JobPtr& job : active) *response.add_active_pipelines() = core::ToProto(*job, now);

  // One more tells whether there are more.
  absl::StatusOr<std::vector<model::JobPtr>> recent =
      deps.store.ListEndedJobs(tenant_id, now - model::kRecentJobsWindow, jobs_max + 1);
  if (!recent.ok()) return recent.status();
  if (recent->size() > jobs_max) {
    truncated = true;
    recent->resize(jobs_max);
  }
  for (const model::JobPtr& job : *recent) *response.add_recent_pipelines() = core::ToProto(*job, now);
  response.set_truncated(truncated);

  v1::ServerDescription& server = *response.mutable_server();
  server.set_version(std::string(core::ServerVersion()));
  server.set_instance_id(deps.server.instance_id);
  server.set_epoch(deps.store.epoch());
  *server.mutable_start_time() = core::ToProto(deps.server.start_time);
  server.mutable_worker_labels()->insert(deps.server.worker_labels.begin(), deps.server.worker_labels.end());
  return response;
}

}  // namespace millrace::handlers
