// The rows of a query as the records of a source.
#pragma once

#include <memory>
#include <stop_token>

#include "absl/status/statusor.h"
#include "server/background/source_records.h"
#include "server/queries/connections.h"
#include "storage/model/clock.h"
#include "storage/model/job.h"

namespace millrace::background {

/// Opens the query of `job` behind the last row that was read. All must outlive what is returned. UNAVAILABLE also where
/// the server has no connection of this name any more: it may have been started with another file.
absl::StatusOr<std::unique_ptr<SourceRecords>> OpenQueryRecords(const model::Job& job,
                                                                const queries::Connections& connections,
                                                                const model::Clock& clock, std::stop_token stop);

}  // namespace millrace::background
