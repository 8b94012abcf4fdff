// The JobStore that tests compare with: plain maps under one mutex, nothing durable.
#pragma once

#include <memory>

#include "storage/model/clock.h"
#include "storage/store/job_store.h"

namespace millrace::store {

/// `clock` must outlive the store. Completions run before the verb returns.
std::unique_ptr<JobStore> MakeModelJobStore(const model::Clock* clock);

}  // namespace millrace::store
