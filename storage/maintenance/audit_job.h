// The audit of one job: everything under its keys.
#pragma once

#include "absl/status/status.h"
#include "storage/engine/engine.h"
#include "storage/maintenance/audit.h"
#include "storage/model/job.h"

namespace millrace::maintenance {

/// Adds to `report` what is wrong with `job`, and the rows that it read. An error means that reading failed.
absl::Status AuditJob(const engine::Engine& engine, const model::Job& job, AuditReport& report);

}  // namespace millrace::maintenance
