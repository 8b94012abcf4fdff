#include "storage/model/repeats.h"

#include <algorithm>
#include <cstddef>

namespace millrace::model {

std::vector<std::optional<RecordPlace>> RepeatsOf(const std::vector<Chunk>& repeats, int32_t record_count) {
  std::vector<std::optional<RecordPlace>> places;
  if (repeats.empty()) return places;
  places.resize(static_cast<size_t>(record_count));
  for (const Chunk& repeat : repeats) {
    RecordPlace place{repeat.sequence, 0};
    for (const RecordRun& run : repeat.repeats) {
      const int64_t end = std::min<int64_t>(int64_t{run.first} + run.count, record_count);
      for (int64_t i = std::max(run.first, 0); i < end; ++i, ++place.index) places[static_cast<size_t>(i)] = place;
    }
  }
  return places;
}

}  // namespace millrace::model
