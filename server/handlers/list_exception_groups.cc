#include "absl/strings/str_cat.h"
#include "server/core/convert.h"
#include "server/handlers/job_handlers.h"
#include "server/handlers/paging.h"
#include "server/handlers/validate.h"

namespace millrace::handlers {

absl::StatusOr<v1::ListExceptionGroupsResponse> ListExceptionGroups(const v1::ListExceptionGroupsRequest& request,
                                                                    const Call& call, const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("job_id", request.job_id()); !status.ok()) return status;
  const model::JobKey key = call.job(request.job_id());
  const absl::StatusOr<std::vector<model::ExceptionGroup>> groups = deps.store.ListExceptionGroups(key);
  if (!groups.ok()) return groups.status();
  const std::string list = absl::StrCat("ListExceptionGroups/", call.principal.tenant, "/", request.job_id());
  const absl::StatusOr<PageSlice> slice = SliceOf(list, groups->size(), request.page_size(), request.page_token());
  if (!slice.ok()) return slice.status();
  v1::ListExceptionGroupsResponse response;
  for (size_t i = slice->begin; i < slice->end; ++i) *response.add_groups() = core::ToProto((*groups)[i]);
  response.set_next_page_token(slice->next_page_token);
  return response;
}

}  // namespace millrace::handlers
