// The server's own workers: threads that lease chunks, run them and hand the outcomes to the store.
#pragma once

#include <memory>
#include <string>

#include "server/core/job_totals.h"
#include "server/core/lease_hub.h"
#include "server/core/service_runner.h"
#include "server/execution/crash_guard.h"
#include "storage/store/job_store.h"

namespace millrace::execution {

/// Threads run from construction until Stop. Should hear of job changes, so that it lets go at once of what it holds for
/// jobs that have ended.
///
/// What happens to a chunk that does not go well:
///   a record fails in a way that may pass  the others' outcomes wait in memory (see HeldChunks), and the chunk is handed
///                                          back to run what is left after a backoff; at JobOptions::retry's last
///                                          attempt, or once the job is cancelled, the failure is taken as final
///   a run breaks as a whole                by halves, until the records that break it stand alone (see RunAttempt)
///   a record kills the server              after some deaths in a row it is not run again (see Quarantine)
///   its bytes cannot be read               tried again; where they are damaged for good, its records become exceptions
///                                          with INPUT_LOST, and where not even their number can be read, the job fails
///   its service version cannot be run      tried again; the job fails after the last attempt
///   its outcome cannot be stored           it runs again
class WorkerPool : public store::JobObserver {
 public:
  /// Ends the threads after the chunks they run now. The hub must be stopped before. Safe to call twice; the destructor
  /// calls it. Outcomes handed to the store may still be on their way: see LeaseHub::AwaitIdle.
  virtual void Stop() = 0;
};

/// `hub`, `store` and `compiler` must outlive the pool, and until the hub is idle. The recorder of `guard` must have a slot
/// for each thread. What a thread commits is counted for the worker `NAME/thread-N`, N from 1. `totals`, unless null, hears
/// of the start of each chunk, and must outlive the pool.
std::unique_ptr<WorkerPool> StartWorkerPool(int threads, core::LeaseHub& hub, store::JobStore& store,
                                            const core::ServiceCompiler& compiler, CrashGuard guard = {},
                                            std::string name = "local", core::JobTotals* totals = nullptr);

}  // namespace millrace::execution
