// How many failed records a job bears: JobOptions::stop_on_error, max_failed_ratio and min_records_for_ratio.
#pragma once

#include <cstdint>
#include <string>

#include "storage/model/chunk.h"
#include "storage/model/job.h"

namespace millrace::model {

/// Records about which a person is asked: they spend nothing of the budget.
int64_t HeldIn(const ChunkOutcome& outcome);

/// Why the job must fail now that `outcome` of `chunk` is counted in; empty when it goes on. A sentence with the numbers
/// that decided, to be kept as Job::state_reason.
///
/// stop_on_error: any failed record. max_failed_ratio: the share of the failed among all records that are through
/// exceeds it, and at least min_records_for_ratio are through; a job that never has that many is not judged. Records that
/// are held are through, and not failed: whether something is wrong with them is for a person to say. A chunk of records that
/// are run again spends nothing.
std::string WhyJobFails(const Job& job, const Chunk& chunk, const ChunkOutcome& outcome);

}  // namespace millrace::model
