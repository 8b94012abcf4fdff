// Sums over the jobs that have ended, by service: one row each, kept by every unit of work that ends a job, changes one that
// has ended, or deletes it. Statistics over all jobs so cost what the services and the active jobs do.
//
// Beside them stands a list of these jobs by the time at which they ended.
//
// A server that does not know these rows leaves them behind as they were. `sums_epoch` and `ends_epoch` tell: they are raised
// with the epoch by those that keep the sums, or the list, so where they differ from it, both are made anew when the store is
// opened.
#pragma once

#include <map>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/engine/engine.h"
#include "storage/format/keys.h"
#include "storage/model/job_sums.h"

namespace millrace::store {

using EndedSumsMap = std::map<format::TenantService, model::JobSums>;

/// As the rows have them. STORAGE_FAILED, STORAGE_CORRUPT.
absl::StatusOr<EndedSumsMap> LoadEndedSums(const engine::Engine& engine);

/// By a walk over all jobs that can be read. STORAGE_FAILED, STORAGE_CORRUPT.
absl::StatusOr<EndedSumsMap> CountEndedJobs(const engine::Engine& engine);

/// Replaces the rows of both by what a walk over all jobs that can be read says, in `unit`; returns the sums.
absl::StatusOr<EndedSumsMap> RewriteEnded(const engine::Engine& engine, engine::WriteUnit& unit);

}  // namespace millrace::store
