// Metrics for Prometheus, on an HTTP port of their own. What is shown is counted elsewhere, in memory; a scrape reads
// these counts and walks over no jobs. docs/OPERATIONS.md explains each metric.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/core/call_ledger.h"
#include "server/core/job_totals.h"
#include "server/core/lease_hub.h"
#include "server/core/schedule_counts.h"
#include "server/core/webhook_counts.h"
#include "storage/store/job_store.h"

namespace millrace::metrics {

/// Where the numbers come from. All must outlive the server.
struct MetricsSources {
  const core::CallLedger& calls;
  const core::JobTotals& jobs;
  const core::LeaseHub& leases;
  const store::JobStore& store;
  const core::WebhookCounts& webhooks;
  const core::ScheduleCounts& schedules;
  /// Threads of the worker pool.
  int32_t workers = 1;
  absl::Time start_time;
};

/// Serves `/metrics` from StartMetricsServer until it is destroyed.
class MetricsServer {
 public:
  virtual ~MetricsServer() = default;

  /// The port that is listened on; what the system chose where port 0 was asked for.
  virtual int port() const = 0;
};

/// `address` is `HOST:PORT`, the host an IP address. UNAVAILABLE (SERVER_NOT_READY) when it cannot be listened on.
absl::StatusOr<std::unique_ptr<MetricsServer>> StartMetricsServer(const std::string& address,
                                                                  const MetricsSources& sources);

}  // namespace millrace::metrics
