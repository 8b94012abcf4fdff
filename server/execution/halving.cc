#include "server/execution/halving.h"

#include <utility>

namespace millrace::execution {

int64_t RunByHalves(const std::vector<int32_t>& indexes, const HalvingSteps& steps) {
  int64_t runs = 0;
  // Parts that are to be run, the first one last.
  std::vector<std::vector<int32_t>> parts;
  if (!indexes.empty()) parts.push_back(indexes);
  while (!parts.empty()) {
    const std::vector<int32_t> part = std::move(parts.back());
    parts.pop_back();
    ++runs;
    absl::StatusOr<model::ChunkOutcome> outcome = steps.run(part);
    if (outcome.ok()) {
      steps.take(part, *std::move(outcome));
    } else if (part.size() == 1) {
      steps.blame(part.front(), outcome.status());
    } else {
      const auto middle = part.begin() + static_cast<std::ptrdiff_t>(part.size() / 2);
      parts.emplace_back(middle, part.end());
      parts.emplace_back(part.begin(), middle);
    }
  }
  return runs;
}

}  // namespace millrace::execution
