// Finds what is wrong with chunks that run records again which had succeeded.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "storage/engine/engine.h"
#include "storage/maintenance/audit.h"
#include "storage/model/chunk.h"
#include "storage/model/job.h"

namespace millrace::maintenance {

/// Checks that each of `repeating`, which are all such chunks of a job in push order, stands for records of one committed chunk,
/// that no two stand for the same record, and that the index names them all and no other. An error only where a disk fails.
absl::Status AuditRepeats(const engine::Engine& engine, const model::Job& job,
                          const std::vector<model::Chunk>& repeating, AuditReport& report);

}  // namespace millrace::maintenance
