#include "storage/model/source.h"

#include <algorithm>

namespace millrace::model {

bool TakesRecord(const SourceSample& sample, int64_t index) {
  if (sample.first > 0) return index < sample.first;
  return sample.every <= 1 || index % sample.every == 0;
}

bool IsSampleOver(const SourceSample& sample, int64_t index) { return sample.first > 0 && index >= sample.first; }

int64_t SampledCount(const SourceSample& sample, int64_t count) {
  if (sample.first > 0) return std::min(count, sample.first);
  if (sample.every > 1) return count / sample.every + (count % sample.every == 0 ? 0 : 1);
  return count;
}

}  // namespace millrace::model
