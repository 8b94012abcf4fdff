#include "server/metrics/metrics_server.h"

#include <exception>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "prometheus/exposer.h"
#include "server/metrics/collector.h"
#include "storage/model/errors.h"

namespace millrace::metrics {
namespace {

/// One reads while another one waits; nobody needs more.
constexpr size_t kThreads = 2;

class ExposingServer final : public MetricsServer {
 public:
  ExposingServer(std::unique_ptr<prometheus::Exposer> exposer, const MetricsSources& sources)
      : collector_(std::make_shared<Collector>(sources)), exposer_(std::move(exposer)) {
    exposer_->RegisterCollectable(collector_);
  }

  int port() const override { return exposer_->GetListeningPorts().front(); }

 private:
  const std::shared_ptr<Collector> collector_;
  /// Last: it asks the collector, and ends its threads first.
  const std::unique_ptr<prometheus::Exposer> exposer_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<MetricsServer>> StartMetricsServer(const std::string& address,
                                                                  const MetricsSources& sources) {
  std::unique_ptr<prometheus::Exposer> exposer;
  // The library says no by throwing.
  try {
    exposer = std::make_unique<prometheus::Exposer>(address, kThreads);
  } catch (const std::exception& error) {
    return model::MakeError(model::Reason::kServerNotReady,
                            absl::StrCat("cannot listen on ", address, " for metrics: ", error.what(),
                                         "; another process may have the port; choose another with --metrics-listen"));
  }
  return std::make_unique<ExposingServer>(std::move(exposer), sources);
}

}  // namespace millrace::metrics
