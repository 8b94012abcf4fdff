// Each stage of the data path alone, in this process: what the whole could reach at best.
#pragma once

#include <string>
#include <vector>

namespace millrace::bench {

/// One row of the report.
struct StageRate {
  std::string stage;
  double records_per_second = 0;
};

/// Compressing chunks, evaluating them on one core, and pushing and committing them durably in a store of its own.
/// Takes about a second a stage.
std::vector<StageRate> MeasureStages(const std::vector<std::string>& chunks);

}  // namespace millrace::bench
