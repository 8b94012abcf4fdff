// Threads that run bulk runs.
#pragma once

#include <thread>
#include <vector>

#include "server/core/lease_hub.h"
#include "server/execution/bulk_runner.h"

namespace millrace::execution {

/// Each takes what comes first: a lease, or what the end of a job left to do. They are busy while a job is submitted, which
/// may ask a database, and not while it runs.
class BulkThreads {
 public:
  /// Both must outlive the object. The threads run until the hub is stopped.
  BulkThreads(int threads, core::LeaseHub& hub, BulkRunner& runner);
  ~BulkThreads() { Stop(); }

  /// Waits for the threads, and lets the runner give up its leases. The hub must be stopped before. Safe to call twice.
  void Stop();

 private:
  void Work();

  core::LeaseHub& hub_;
  BulkRunner& runner_;
  std::vector<std::thread> threads_;
};

}  // namespace millrace::execution
