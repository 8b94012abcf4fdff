#include "absl/strings/str_cat.h"
#include "server/core/convert.h"
#include "server/handlers/catalog_handlers.h"
#include "server/handlers/paging.h"
#include "storage/model/errors.h"

namespace millrace::handlers {

absl::StatusOr<v1::ListServiceVersionsResponse> ListServiceVersions(const v1::ListServiceVersionsRequest& request,
                                                                    const Call& call, const Deps& deps) {
  if (absl::Status status = model::ValidateServiceName(request.service()); !status.ok()) {
    return model::FieldError("service", std::string(status.message()));
  }
  const absl::StatusOr<std::vector<model::ServiceVersion>> versions =
      deps.store.ListServiceVersions(call.principal.tenant, request.service());
  if (!versions.ok()) return versions.status();
  const std::string list = absl::StrCat("ListServiceVersions/", call.principal.tenant, "/", request.service());
  const absl::StatusOr<PageSlice> slice = SliceOf(list, versions->size(), request.page_size(), request.page_token());
  if (!slice.ok()) return slice.status();
  v1::ListServiceVersionsResponse response;
  for (size_t i = slice->begin; i < slice->end; ++i) *response.add_versions() = core::ToProto((*versions)[i]);
  response.set_next_page_token(slice->next_page_token);
  return response;
}

}  // namespace millrace::handlers
