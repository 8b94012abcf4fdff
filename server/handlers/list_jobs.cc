#include <utility>

#include "absl/strings/str_cat.h"
#include "server/core/convert.h"
#include "server/core/page_token.h"
#include "server/handlers/job_handlers.h"
#include "server/handlers/validate.h"
#include "storage/model/errors.h"

namespace millrace::handlers {

absl::StatusOr<v1::ListJobsResponse> ListJobs(const v1::ListJobsRequest& request, const Call& call, const Deps& deps) {
  const absl::StatusOr<int32_t> page_size = PageSize(request.page_size());
  if (!page_size.ok()) return page_size.status();
  store::ListJobsQuery query{.tenant = call.principal.tenant, .service = request.service(), .page_size = *page_size};
  std::string list = absl::StrCat("ListJobs/", query.tenant, "/", query.service);
  for (int i = 0; i < request.states_size(); ++i) {
    const v1::JobState state = request.states(i);
    if (state == v1::JOB_STATE_UNSPECIFIED || !v1::JobState_IsValid(state)) {
      return model::FieldError(absl::StrCat("states[", i, "]"), "expected a state other than JOB_STATE_UNSPECIFIED");
    }
    query.states.push_back(static_cast<model::JobState>(state));
    absl::StrAppend(&list, "/", static_cast<int>(state));
  }
  if (!query.service.empty()) {
    if (absl::Status status = model::ValidateServiceName(query.service); !status.ok()) {
      return model::FieldError("service", std::string(status.message()));
    }
  }
  absl::StatusOr<std::string> token = core::OpenPageToken(list, request.page_token());
  if (!token.ok()) return token.status();
  query.token = *std::move(token);

  const absl::StatusOr<store::Page<model::JobPtr>> page = deps.store.ListJobs(query);
  if (!page.ok()) return page.status();
  v1::ListJobsResponse response;
  const absl::Time now = deps.clock.Now();
  for (const model::JobPtr& job : page->items) *response.add_jobs() = core::ToProto(*job, now);
  response.set_next_page_token(core::SealPageToken(list, page->next_token));
  return response;
}

}  // namespace millrace::handlers
