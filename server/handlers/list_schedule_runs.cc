#include <limits>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/core/page_token.h"
#include "server/handlers/schedule_handlers.h"
#include "server/handlers/schedule_spec.h"
#include "server/handlers/validate.h"
#include "storage/store/schedule_store.h"

namespace millrace::handlers {

absl::StatusOr<v1::ListScheduleRunsResponse> ListScheduleRuns(const v1::ListScheduleRunsRequest& request,
                                                              const Call& call, const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("schedule_id", request.schedule_id()); !status.ok()) return status;
  const absl::StatusOr<int32_t> page_size = PageSize(request.page_size());
  if (!page_size.ok()) return page_size.status();
  const model::ScheduleKey key{call.principal.tenant, request.schedule_id()};
  const std::string list = absl::StrCat("ListScheduleRuns/", key.tenant, "/", key.schedule_id);
  const absl::StatusOr<std::string> token = core::OpenPageToken(list, request.page_token());
  if (!token.ok()) return token.status();
  int64_t before = std::numeric_limits<int64_t>::max();
  const bool is_number = absl::SimpleAtoi(*token, &before) && before >= 1;
  if (!is_number) before = std::numeric_limits<int64_t>::max();

  // One more than the page holds says whether another follows.
  const absl::StatusOr<std::vector<model::ScheduleRun>> runs =
      deps.store.schedules().ListScheduleRuns(key, before, *page_size + 1);
  if (!runs.ok()) return runs.status();
  v1::ListScheduleRunsResponse response;
  for (const model::ScheduleRun& run : *runs) {
    if (response.runs_size() == *page_size) {
      response.set_next_page_token(core::SealPageToken(list, absl::StrCat(run.number + 1)));
      break;
    }
    *response.add_runs() = ToProto(run, request.schedule_id());
  }
  return response;
}

}  // namespace millrace::handlers
