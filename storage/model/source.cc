#include "storage/model/source.h"

#include <algorithm>

namespace millrace::model {

namespace {

bool HasParts(const SourceSample& sample) { return sample.partitioning.rule != PartRule::kNone; }

}  // namespace

bool IsSample(const SourceSample& sample) {
  return sample.first > 0 || sample.every > 0 || !sample.partitioning.parts.empty();
}

bool TakesRecord(const SourceSample& sample, int64_t index, bool rest) {
  if (HasParts(sample)) return TakesPart(sample.partitioning, PartOf(sample.partitioning, index), rest);
  const bool is_in = sample.first > 0 ? index < sample.first : sample.every <= 1 || index % sample.every == 0;
  return is_in != rest;
}

int64_t NextTaken(const SourceSample& sample, int64_t index, bool rest) {
  if (HasParts(sample)) return NextOfParts(sample.partitioning, index, rest);
  if (TakesRecord(sample, index, rest)) return index;
  if (sample.first > 0) return rest ? sample.first : kNoIndex;
  if (rest) return sample.every > 1 ? index + 1 : kNoIndex;
  return index + (sample.every - index % sample.every);
}

bool IsSampleOver(const SourceSample& sample, int64_t index, bool rest) {
  if (HasParts(sample)) return NextOfParts(sample.partitioning, index, rest) == kNoIndex;
  return !rest && sample.first > 0 && index >= sample.first;
}

int64_t SampledCount(const SourceSample& sample, int64_t count) {
  if (sample.continued) return count;
  if (HasParts(sample)) return CountOfParts(sample.partitioning, count);
  if (sample.first > 0) return std::min(count, sample.first);
  if (sample.every > 1) return count / sample.every + (count % sample.every == 0 ? 0 : 1);
  return count;
}

bool EndsBeforeRest(const SourceSample& sample) {
  return HasParts(sample) ? PartsComeFirst(sample.partitioning) : sample.every == 0;
}

void BeginRest(const SourceSample& sample, SourcePosition& position) {
  position.exhausted = false;
  position.rest = true;
  if (EndsBeforeRest(sample)) return;
  position.offset = 0;
  position.line = 0;
  position.key.clear();
  position.records = 0;
}

}  // namespace millrace::model
