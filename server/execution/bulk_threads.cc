#include "server/execution/bulk_threads.h"

#include <optional>

namespace millrace::execution {

BulkThreads::BulkThreads(int threads, core::LeaseHub& hub, BulkRunner& runner) : hub_(hub), runner_(runner) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

void BulkThreads::Work() {
  for (;;) {
    if (const std::optional<core::Lease> lease = hub_.Acquire(core::LeaseKind::kJobs); lease.has_value()) {
      runner_.Begin(*lease);
    } else if (!runner_.Settle()) {
      // Each nudge comes behind something to do, so there is nothing left and the hub is stopped.
      return;
    }
  }
}

void BulkThreads::Stop() {
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  runner_.Stop();
}

}  // namespace millrace::execution
