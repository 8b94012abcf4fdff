#include "server/core/convert.h"
#include "server/handlers/catalog_handlers.h"
#include "server/handlers/validate.h"

namespace millrace::handlers {

absl::StatusOr<v1::ServiceVersion> GetServiceVersion(const v1::GetServiceVersionRequest& request, const Call& call,
                                                     const Deps& deps) {
  const absl::StatusOr<model::ServiceReference> reference = ReadServiceReference("service", request.service());
  if (!reference.ok()) return reference.status();
  const absl::StatusOr<model::ServiceVersion> version = deps.store.GetServiceVersion(call.principal.tenant, *reference);
  if (!version.ok()) return version.status();
  const absl::StatusOr<core::ServiceDefinition> plan = core::PlanStored(deps.compiler, *version);
  if (!plan.ok()) return plan.status();
  v1::ServiceVersion response = core::ToProto(*version);
  core::AddDefinition(*version, *plan, response);
  return response;
}

}  // namespace millrace::handlers
