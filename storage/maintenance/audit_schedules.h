// The audit of all schedules: their rows, and the runs in them.
#pragma once

#include "absl/status/status.h"
#include "storage/engine/engine.h"
#include "storage/maintenance/audit.h"

namespace millrace::maintenance {

/// Adds to `report` what the rows of schedules that can be read do not agree in. Their jobs may have been deleted; one that is
/// there must be that of its run. An error means that reading failed.
absl::Status AuditSchedules(const engine::Engine& engine, AuditReport& report);

}  // namespace millrace::maintenance
