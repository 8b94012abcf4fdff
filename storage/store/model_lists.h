// Lists of the model store: what the other store reads from an index, sorted out of everything there is.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "storage/model/job.h"
#include "storage/store/job_store.h"

namespace millrace::store {

/// The page of `jobs`, which match the query and come in any order. PAGE_TOKEN_INVALID.
absl::StatusOr<Page<model::JobPtr>> PageOf(const ListJobsQuery& query, std::vector<model::JobPtr> jobs);

/// What ListEndedJobs says of `jobs`, which have ended and come in any order.
std::vector<model::JobPtr> EndedSince(absl::Time since, size_t jobs_max, std::vector<model::JobPtr> jobs);

/// See JobStore::ListExpired. `jobs` are all that there are.
std::vector<model::Expiry> ExpiredBy(absl::Time now, const model::Expiry& behind, int32_t jobs_max,
                                     const std::vector<model::JobPtr>& jobs);

}  // namespace millrace::store
