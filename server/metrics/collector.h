// Turns the server's own counts into families of metrics. The only file that decides names and labels.
#pragma once

#include <vector>

#include "prometheus/collectable.h"
#include "prometheus/metric_family.h"
#include "server/metrics/metrics_server.h"

namespace millrace::metrics {

class Collector final : public prometheus::Collectable {
 public:
  explicit Collector(const MetricsSources& sources) : sources_(sources) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const MetricsSources sources_;
};

}  // namespace millrace::metrics
