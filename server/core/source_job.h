// The job whose results or exceptions another one reads as its source.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "storage/model/job.h"
#include "storage/store/job_store.h"

namespace millrace::core {

/// The job that `source` reads from, as long as it is the one that was there when the source was chosen.
///   PIPELINE_NOT_FOUND  it was deleted, whether or not another one has its id by now
///   JOB_EXPIRED         its retention has deleted what it held
absl::StatusOr<model::JobPtr> FindSourceJob(const store::JobStore& store, const std::string& tenant,
                                            const model::JobSource& source);

}  // namespace millrace::core
