// The server's own workers: threads that lease chunks, run them and hand the outcomes to the store.
#pragma once

#include <memory>

#include "server/core/lease_hub.h"
#include "server/core/service_runner.h"
#include "storage/store/job_store.h"

namespace millrace::execution {

/// Threads run from construction until Stop.
class WorkerPool {
 public:
  virtual ~WorkerPool() = default;

  /// Ends the threads after the chunks they run now. The hub must be stopped before. Safe to call twice; the destructor
  /// calls it. Outcomes handed to the store may still be on their way: see LeaseHub::AwaitIdle.
  virtual void Stop() = 0;
};

/// `hub`, `store` and `compiler` must outlive the pool, and until the hub is idle.
std::unique_ptr<WorkerPool> StartWorkerPool(int threads, core::LeaseHub& hub, store::JobStore& store,
                                            const core::ServiceCompiler& compiler);

}  // namespace millrace::execution
