// What the index says of one job: part of its audit.
#pragma once

#include "absl/status/status.h"
#include "storage/engine/engine.h"
#include "storage/maintenance/audit.h"
#include "storage/model/job.h"

namespace millrace::maintenance {

/// Checks that the index has the job in the lists in which it belongs, and leads to chunks and jobs that exist. An error only
/// where a disk fails.
absl::Status AuditIndex(const engine::Engine& engine, const model::Job& job, AuditReport& report);

}  // namespace millrace::maintenance
