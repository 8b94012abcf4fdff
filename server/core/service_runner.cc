#include "server/core/service_runner.h"

#include <utility>

namespace millrace::core {

absl::StatusOr<ServiceDefinition> PlanStored(const ServiceCompiler& compiler, const model::ServiceVersion& version) {
  absl::StatusOr<ServiceDefinition> definition = ParseServiceDefinition(version.definition);
  if (!definition.ok()) return definition.status();
  return compiler.Plan(*std::move(definition));
}

}  // namespace millrace::core
