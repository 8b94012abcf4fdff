#include "server/core/service_runner.h"

#include <utility>

namespace millrace::core {

absl::StatusOr<PlannedService> PlanDefinition(const ServiceCompiler& compiler, std::string_view text) {
  absl::StatusOr<ServiceDefinition> definition = ParseServiceDefinition(text);
  if (!definition.ok()) return definition.status();
  std::string config_hash = ConfigHash(*definition);
  absl::StatusOr<ServiceDefinition> plan = compiler.Plan(*std::move(definition));
  if (!plan.ok()) return plan.status();
  return PlannedService{.plan = *std::move(plan), .config_hash = std::move(config_hash)};
}

absl::StatusOr<ServiceDefinition> PlanStored(const ServiceCompiler& compiler, const model::ServiceVersion& version) {
  absl::StatusOr<ServiceDefinition> definition = ParseServiceDefinition(version.definition);
  if (!definition.ok()) return definition.status();
  return compiler.Plan(*std::move(definition));
}

uint64_t RandomSeed(const model::JobKey& job, int64_t sequence) {
  uint64_t seed = 14695981039346656037u;  // FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/
  const auto mix = [&seed](unsigned char byte) { seed = (seed ^ byte) * 1099511628211u; };
  for (const char c : job.job_id) mix(static_cast<unsigned char>(c));
  for (int shift = 0; shift < 64; shift += 8) mix(static_cast<unsigned char>(sequence >> shift));
  return seed;
}

}  // namespace millrace::core
