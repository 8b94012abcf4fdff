#include "absl/strings/str_cat.h"
#include "server/core/convert.h"
#include "server/core/page_token.h"
#include "server/handlers/catalog_handlers.h"
#include "server/handlers/validate.h"

namespace millrace::handlers {

absl::StatusOr<v1::ListServicesResponse> ListServices(const v1::ListServicesRequest& request, const Call& call,
                                                      const Deps& deps) {
  const absl::StatusOr<int32_t> page_size = PageSize(request.page_size());
  if (!page_size.ok()) return page_size.status();
  const std::string list = absl::StrCat("ListServices/", call.principal.tenant);
  const absl::StatusOr<std::string> token = core::OpenPageToken(list, request.page_token());
  if (!token.ok()) return token.status();
  const absl::StatusOr<store::Page<model::ServiceSummary>> page =
      deps.store.ListServices(call.principal.tenant, *page_size, *token);
  if (!page.ok()) return page.status();
  v1::ListServicesResponse response;
  for (const model::ServiceSummary& service : page->items) *response.add_services() = core::ToProto(service);
  response.set_next_page_token(core::SealPageToken(list, page->next_token));
  return response;
}

}  // namespace millrace::handlers
