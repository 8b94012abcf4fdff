// Lists of jobs in an order that no index has.
#pragma once

#include "absl/status/statusor.h"
#include "millrace/v1/job_service.pb.h"
#include "server/handlers/call.h"
#include "storage/store/job_store.h"

namespace millrace::handlers {

/// True for the orders that ListSorted knows: those that the store does not.
bool IsSortedByLooking(v1::JobOrder order);

/// A page of the jobs of the query, whose `token` is empty or the `next_token` of the call before. Looks at them one by one, for
/// as long as a call may take. Where that was not enough for all, the page is empty, and its token holds the best that were seen
/// and where the next call goes on: so the first page with jobs is that of all jobs, however many there are. PAGE_TOKEN_INVALID.
absl::StatusOr<store::Page<model::JobPtr>> ListSorted(store::ListJobsQuery query, v1::JobOrder order, const Deps& deps);

}  // namespace millrace::handlers
