#include "storage/model/source.h"

#include <algorithm>

namespace millrace::model {

bool IsSample(const SourceSample& sample) { return sample.first > 0 || sample.every > 0; }

bool TakesRecord(const SourceSample& sample, int64_t index, bool rest) {
  const bool is_in = sample.first > 0 ? index < sample.first : sample.every <= 1 || index % sample.every == 0;
  return is_in != rest;
}

bool IsSampleOver(const SourceSample& sample, int64_t index, bool rest) {
  return !rest && sample.first > 0 && index >= sample.first;
}

int64_t SampledCount(const SourceSample& sample, int64_t count) {
  if (sample.continued) return count;
  if (sample.first > 0) return std::min(count, sample.first);
  if (sample.every > 1) return count / sample.every + (count % sample.every == 0 ? 0 : 1);
  return count;
}

void BeginRest(const SourceSample& sample, SourcePosition& position) {
  position.exhausted = false;
  position.rest = true;
  // The rest of the first n stands behind them; that of each n-th, between them.
  if (sample.first > 0) return;
  position.offset = 0;
  position.line = 0;
  position.key.clear();
  position.records = 0;
}

}  // namespace millrace::model
