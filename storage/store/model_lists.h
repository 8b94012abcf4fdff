// Lists of the model store: what the other store reads from an index, sorted out of everything there is.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "storage/model/job.h"
#include "storage/store/job_store.h"

namespace millrace::store {

/// The page of `jobs`, which match the query and come in any order. PAGE_TOKEN_INVALID.
absl::StatusOr<Page<model::JobPtr>> PageOf(const ListJobsQuery& query, std::vector<model::JobPtr> jobs);

}  // namespace millrace::store
