#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/core/convert.h"
#include "server/core/page_token.h"
#include "server/handlers/create_times.h"
#include "server/handlers/job_handlers.h"
#include "server/handlers/sorted_jobs.h"
#include "server/handlers/validate.h"
#include "storage/model/errors.h"
#include "storage/model/ids.h"
#include "storage/model/job_sums.h"
#include "storage/model/limits.h"

namespace millrace::handlers {
namespace {

/// A token goes on with the list that made it, and with no other.
std::string ListOf(const v1::ListJobsRequest& request, const std::string& tenant) {
  v1::ListJobsRequest filters = request;
  filters.clear_page_size();
  filters.clear_page_token();
  return absl::StrCat("ListJobs/", tenant, "/", filters.SerializeAsString());
}

absl::Status ReadTexts(const v1::ListJobsRequest& request, store::ListJobsQuery& query) {
  struct Filter {
    std::string_view field;
    const std::string& value;
    std::string& target;
  };
  for (const Filter& filter :
       {Filter{"project", request.project(), query.project}, Filter{"tag", request.tag(), query.tag},
        Filter{"created_by", request.created_by(), query.created_by}, Filter{"text", request.text(), query.text}}) {
    if (absl::Status status = ValidateText(filter.field, filter.value, model::kMetadataBytesMax); !status.ok()) {
      return status;
    }
    filter.target = filter.value;
  }
  return absl::OkStatus();
}

absl::Status ReadService(const v1::ListJobsRequest& request, store::ListJobsQuery& query) {
  if (request.service().empty()) return absl::OkStatus();
  absl::StatusOr<model::ServiceReference> reference = ReadServiceReference("service", request.service());
  if (!reference.ok()) return reference.status();
  if (reference->service.empty()) {
    return model::FieldError("service", "expected folder/name or folder/name[version], got a version id");
  }
  query.service = std::move(reference->service);
  query.service_version = std::move(reference->version);
  return absl::OkStatus();
}

absl::Status ReadStates(const v1::ListJobsRequest& request, store::ListJobsQuery& query) {
  for (int i = 0; i < request.states_size(); ++i) {
    const v1::JobState state = request.states(i);
    if (state == v1::JOB_STATE_UNSPECIFIED || !v1::JobState_IsValid(state)) {
      return model::FieldError(absl::StrCat("states[", i, "]"), "expected a state other than JOB_STATE_UNSPECIFIED");
    }
    query.states.push_back(static_cast<model::JobState>(state));
  }
  for (int i = 0; i < request.outcomes_size(); ++i) {
    const v1::Outcome outcome = request.outcomes(i);
    if (outcome == v1::OUTCOME_UNSPECIFIED || !v1::Outcome_IsValid(outcome)) {
      return model::FieldError(absl::StrCat("outcomes[", i, "]"), "expected an outcome other than OUTCOME_UNSPECIFIED");
    }
    query.outcomes.push_back(static_cast<model::Outcome>(outcome));
  }
  return absl::OkStatus();
}

absl::Status ReadOrder(const v1::ListJobsRequest& request, store::ListJobsQuery& query) {
  if (!v1::JobOrder_IsValid(request.order())) {
    return model::FieldError("order", absl::StrCat("expected 0 to ", v1::JobOrder_MAX, ", a JobOrder, got ",
                                                   static_cast<int>(request.order())));
  }
  query.oldest_first = request.order() == v1::JOB_ORDER_OLDEST_FIRST;
  return absl::OkStatus();
}

template <typename T>
int64_t CountThose(const std::map<T, int64_t>& counts, const std::vector<T>& wanted) {
  int64_t sum = 0;
  for (const auto& [what, count] : counts) {
    if (std::find(wanted.begin(), wanted.end(), what) != wanted.end()) sum += count;
  }
  return sum;
}

/// How many jobs the query asks for, where the sums that the store keeps say so.
std::optional<int64_t> CountOf(const store::ListJobsQuery& query, const Deps& deps) {
  const bool has_other_filter = !query.service_version.empty() || !query.project.empty() || !query.tag.empty() ||
                                !query.created_by.empty() || !query.text.empty() || !query.parent_job_id.empty() ||
                                query.created_from != absl::InfinitePast() ||
                                query.created_before != absl::InfiniteFuture();
  if (has_other_filter || (!query.states.empty() && !query.outcomes.empty())) return std::nullopt;
  int64_t count = 0;
  for (const auto& [service, sums] : deps.store.SumJobs(query.tenant)) {
    if (!query.service.empty() && service != query.service) continue;
    if (!query.states.empty()) {
      count += CountThose(sums.states, query.states);
    } else if (!query.outcomes.empty()) {
      count += CountThose(sums.outcomes, query.outcomes);
    } else {
      count += model::JobCount(sums);
    }
  }
  return count;
}

}  // namespace

absl::StatusOr<v1::ListJobsResponse> ListJobs(const v1::ListJobsRequest& request, const Call& call, const Deps& deps) {
  const absl::StatusOr<int32_t> page_size = PageSize(request.page_size());
  if (!page_size.ok()) return page_size.status();
  store::ListJobsQuery query{.tenant = call.principal.tenant, .page_size = *page_size};
  if (absl::Status status = ReadStates(request, query); !status.ok()) return status;
  if (absl::Status status = ReadService(request, query); !status.ok()) return status;
  if (absl::Status status = ReadTexts(request, query); !status.ok()) return status;
  if (absl::Status status = ReadCreateTimes(request, query); !status.ok()) return status;
  if (absl::Status status = ReadOrder(request, query); !status.ok()) return status;
  if (!request.parent_job_id().empty()) {
    if (absl::Status id = model::ValidateId("parent_job_id", request.parent_job_id()); !id.ok()) return id;
    query.parent_job_id = request.parent_job_id();
  }
  const std::string list = ListOf(request, query.tenant);
  absl::StatusOr<std::string> token = core::OpenPageToken(list, request.page_token());
  if (!token.ok()) return token.status();
  query.token = *std::move(token);

  const absl::StatusOr<store::Page<model::JobPtr>> page =
      IsSortedByLooking(request.order()) ? ListSorted(query, request.order(), deps) : deps.store.ListJobs(query);
  if (!page.ok()) return page.status();
  v1::ListJobsResponse response;
  const absl::Time now = deps.clock.Now();
  for (const model::JobPtr& job : page->items) *response.add_jobs() = core::ToProto(*job, now);
  response.set_next_page_token(core::SealPageToken(list, page->next_token));
  if (request.page_token().empty()) {
    if (const std::optional<int64_t> count = CountOf(query, deps); count.has_value()) response.set_total_count(*count);
  }
  return response;
}

}  // namespace millrace::handlers
