#include <utility>

#include "server/core/convert.h"
#include "server/handlers/catalog_handlers.h"
#include "server/handlers/validate.h"
#include "storage/model/errors.h"
#include "storage/model/limits.h"

namespace millrace::handlers {

absl::StatusOr<v1::ServiceVersion> CreateServiceVersion(const v1::CreateServiceVersionRequest& request,
                                                        const Call& call, const Deps& deps) {
  if (request.definition().empty()) return model::FieldError("definition", "is required");
  if (absl::Status status = ValidateText("definition", request.definition(), model::kDefinitionBytesMax);
      !status.ok()) {
    return status;
  }
  absl::StatusOr<core::PlannedService> planned = core::PlanDefinition(deps.compiler, request.definition());
  if (!planned.ok()) return planned.status();
  const core::ServiceDefinition& plan = planned->plan;

  const absl::StatusOr<model::ServiceVersion> stored = deps.store.CreateServiceVersion({
      .tenant = call.principal.tenant,
      .service = plan.service,
      .version = plan.version,
      .service_id = deps.ids.Next(),
      .version_id = deps.ids.Next(),
      .definition = request.definition(),
      .config_hash = std::move(planned->config_hash),
      .description = plan.description,
      .created_by = call.principal.user,
  });
  if (!stored.ok()) return stored.status();
  v1::ServiceVersion response = core::ToProto(*stored);
  core::AddDefinition(*stored, plan, response);
  return response;
}

}  // namespace millrace::handlers
