// Bulk runs as people read them.
#pragma once

#include <string>
#include <vector>

#include "millrace/v1/job_service.pb.h"
#include "tools/millrace/session.h"

namespace millrace::cli {

/// A bulk run and the jobs of its records, a line each. `children` are oldest first.
std::string RenderBulkRun(const v1::Job& bulk, const v1::JobStatistics& statistics,
                          const std::vector<v1::Job>& children, const Session& session);

}  // namespace millrace::cli
