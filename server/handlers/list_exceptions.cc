#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/core/convert.h"
#include "server/core/page_token.h"
#include "server/handlers/job_handlers.h"
#include "server/handlers/validate.h"
#include "storage/model/errors.h"
#include "storage/model/limits.h"

namespace millrace::handlers {

absl::StatusOr<v1::ListExceptionsResponse> ListExceptions(const v1::ListExceptionsRequest& request, const Call& call,
                                                          const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("job_id", request.job_id()); !status.ok()) return status;
  const absl::StatusOr<int32_t> page_size = PageSize(request.page_size());
  if (!page_size.ok()) return page_size.status();
  std::vector<model::ExceptionState> states;
  for (int i = 0; i < request.states_size(); ++i) {
    if (!v1::ExceptionState_IsValid(request.states(i)) || request.states(i) == v1::EXCEPTION_STATE_UNSPECIFIED) {
      return model::FieldError(absl::StrCat("states[", i, "]"), "expected a state of an exception");
    }
    states.push_back(static_cast<model::ExceptionState>(request.states(i)));
  }
  const std::string list =
      absl::StrCat("ListExceptions/", call.principal.tenant, "/", request.job_id(), "/", request.fingerprint(), "/",
                   absl::StrJoin(request.states(), ","), request.held_only() ? "/held" : "");
  absl::StatusOr<std::string> token = core::OpenPageToken(list, request.page_token());
  if (!token.ok()) return token.status();

  const model::JobKey key = call.job(request.job_id());
  const absl::StatusOr<store::Page<model::RecordException>> page =
      deps.store.ListExceptions({.job = key,
                                 .fingerprint = request.fingerprint(),
                                 .states = std::move(states),
                                 .held_only = request.held_only(),
                                 .page_size = *page_size,
                                 .bytes_max = model::kReplyBytesTarget,
                                 .token = *std::move(token)});
  if (!page.ok()) return page.status();
  v1::ListExceptionsResponse response;
  for (const model::RecordException& exception : page->items) {
    *response.add_exceptions() = core::ToProto(exception, request.job_id());
  }
  response.set_next_page_token(core::SealPageToken(list, page->next_token));
  return response;
}

}  // namespace millrace::handlers
