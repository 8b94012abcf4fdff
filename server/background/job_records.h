// The results or exceptions of another job as the records of a source.
#pragma once

#include <memory>

#include "server/background/source_records.h"
#include "storage/model/job.h"
#include "storage/store/job_store.h"

namespace millrace::background {

/// Opens what `job` reads of another one, at its position. The store must outlive what is returned. That the other one is still
/// there, and still the same, is told by CheckUnchanged.
std::unique_ptr<SourceRecords> OpenJobRecords(const model::Job& job, const store::JobStore& store);

}  // namespace millrace::background
