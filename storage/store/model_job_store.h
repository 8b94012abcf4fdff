// The JobStore that tests compare with: plain maps under one mutex, nothing durable.
#pragma once

#include <memory>

#include "storage/model/clock.h"
#include "storage/store/job_store.h"

namespace millrace::store {

/// `clock` must outlive the store. Completions run before the verb returns.
std::unique_ptr<JobStore> MakeModelJobStore(const model::Clock* clock);

/// As if the process had died and opened the store again: the same data, the next epoch, no observer.
/// REQUIRES: `store` is of MakeModelJobStore, and no verb runs.
void ReopenModelJobStore(JobStore& store);

}  // namespace millrace::store
