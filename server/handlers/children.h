// What answers about a bulk run say of the jobs that its records are.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "millrace/v1/job_service.pb.h"
#include "server/handlers/call.h"
#include "storage/model/job.h"

namespace millrace::handlers {

/// The jobs of a bulk run that have not ended, oldest first; with a `sequence` other than 0, those of one chunk.
absl::StatusOr<std::vector<model::JobPtr>> RunningChildren(const model::Job& bulk, int64_t sequence, const Deps& deps);

/// Looks at up to kBulkJobsSummedMax jobs below the bulk run, one by one.
absl::StatusOr<v1::ChildStatistics> SumUpChildren(const model::Job& bulk, absl::Time now, const Deps& deps);

/// Adds the jobs that a bulk run, or one of its chunks, waits for: their number, the ids of the first, a sentence that names
/// them, and one about the first that gets no further, if any: until somebody acts, or else for now. Looks at up to
/// kExplainedChildrenMax jobs, the oldest first, in bulk runs inside, too: what is held stays while others end, so it is among
/// these.
absl::Status AddChildren(const std::vector<model::JobPtr>& running, absl::Time now, const Deps& deps,
                         v1::ExplainJobResponse& response);

}  // namespace millrace::handlers
