#include "server/handlers/job_outputs.h"

#include <utility>

#include "server/core/service_definition.h"
#include "storage/model/service_version.h"

namespace millrace::handlers {

absl::StatusOr<std::vector<std::string>> OutputsOf(const model::Job& job, const Deps& deps) {
  if (!job.selected_outputs.empty()) return job.selected_outputs;
  const absl::StatusOr<model::ServiceVersion> version =
      deps.store.GetServiceVersion(job.tenant, {.service = {}, .version = {}, .version_id = job.version_id});
  if (!version.ok()) return version.status();
  absl::StatusOr<core::ServiceDefinition> definition = core::ParseServiceDefinition(version->definition);
  if (!definition.ok()) return definition.status();
  return std::move(definition->outputs);
}

}  // namespace millrace::handlers
