// How many failed records a job bears: JobOptions::stop_on_error, max_failed_ratio and min_records_for_ratio.
#pragma once

#include <string>

#include "storage/model/chunk.h"
#include "storage/model/job.h"

namespace millrace::model {

/// Why the job must fail now that `outcome` of `chunk` is counted in; empty when it goes on. A sentence with the numbers
/// that decided, to be kept as Job::state_reason.
///
/// stop_on_error: any failed record. max_failed_ratio: the share of the failed among all records that are through
/// exceeds it, and at least min_records_for_ratio are through; a job that never has that many is not judged.
std::string WhyJobFails(const Job& job, const Chunk& chunk, const ChunkOutcome& outcome);

}  // namespace millrace::model
