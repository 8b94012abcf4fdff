#include "server/handlers/catalog_handlers.h"
#include "server/handlers/validate.h"
#include "storage/model/errors.h"

namespace millrace::handlers {

absl::StatusOr<v1::DeleteServiceVersionResponse> DeleteServiceVersion(const v1::DeleteServiceVersionRequest& request,
                                                                      const Call& call, const Deps& deps) {
  const absl::StatusOr<model::ServiceReference> reference = ReadServiceReference("service", request.service());
  if (!reference.ok()) return reference.status();
  // `latest` may change between looking and deleting.
  if (reference->version.empty() && reference->version_id.empty()) {
    return model::FieldError("service", "expected one version, folder/name[version] or a version id, got no version");
  }
  if (absl::Status status = deps.store.DeleteServiceVersion(call.principal.tenant, *reference); !status.ok()) {
    return status;
  }
  return v1::DeleteServiceVersionResponse();
}

}  // namespace millrace::handlers
