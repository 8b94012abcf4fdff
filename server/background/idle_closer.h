// Closes pipelines that nobody uses any more: JobOptions::idle_timeout.
#pragma once

#include <cstddef>
#include <cstdint>

#include "server/core/lease_hub.h"
#include "server/core/pipeline_activity.h"
#include "storage/store/job_store.h"

namespace millrace::background {

/// What one run did.
struct IdleRun {
  /// Pipelines that were not used for their idle timeout.
  int64_t unused = 0;
  /// Of those, closed; the others had something running or were used just now.
  int64_t closed = 0;
  /// Of those, could not be closed because the store failed; the next run tries again.
  int64_t failed = 0;
};

/// Thread-safe, without a thread of its own: see Ticker.
class IdleCloser {
 public:
  /// All must outlive the object.
  IdleCloser(core::PipelineActivity& activity, const core::LeaseHub& leases, store::JobStore& store)
      : activity_(activity), leases_(leases), store_(store) {}

  /// Looks at the pipelines whose idle timeout is over, at most `limit` of them, and closes those that wait for a client.
  /// Costs nothing for all the others. Waits for the store.
  IdleRun RunOnce(size_t limit);

 private:
  core::PipelineActivity& activity_;
  const core::LeaseHub& leases_;
  store::JobStore& store_;
};

}  // namespace millrace::background
