#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/core/page_token.h"
#include "server/handlers/schedule_handlers.h"
#include "server/handlers/schedule_spec.h"
#include "server/handlers/validate.h"
#include "storage/store/schedule_store.h"

namespace millrace::handlers {

absl::StatusOr<v1::ListSchedulesResponse> ListSchedules(const v1::ListSchedulesRequest& request, const Call& call,
                                                        const Deps& deps) {
  const absl::StatusOr<int32_t> page_size = PageSize(request.page_size());
  if (!page_size.ok()) return page_size.status();
  const std::string& tenant = call.principal.tenant;
  const std::string list = absl::StrCat("ListSchedules/", tenant);
  const absl::StatusOr<std::string> token = core::OpenPageToken(list, request.page_token());
  if (!token.ok()) return token.status();
  // One more than the page holds says whether another follows.
  const absl::StatusOr<std::vector<model::Schedule>> schedules =
      deps.store.schedules().ListSchedules(tenant, *token, *page_size + 1);
  if (!schedules.ok()) return schedules.status();
  v1::ListSchedulesResponse response;
  for (const model::Schedule& schedule : *schedules) {
    if (response.schedules_size() == *page_size) {
      response.set_next_page_token(core::SealPageToken(list, response.schedules(*page_size - 1).id()));
      break;
    }
    v1::Schedule& proto = *response.add_schedules() = ToProto(schedule);
    // It may hold a megabyte of records.
    proto.mutable_spec()->mutable_job()->clear_source();
  }
  return response;
}

}  // namespace millrace::handlers
