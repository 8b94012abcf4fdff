// How a store is doing: for those who watch it from outside.
#pragma once

#include <cstdint>

#include "storage/engine/engine_statistics.h"
#include "storage/model/histogram.h"

namespace millrace::store {

/// Numbers since the store was opened, and of this moment.
struct StoreStatistics {
  /// How many verbs shared each write of the commit lane.
  model::HistogramCounts group_verbs;
  /// How long each write took, its sync included, in seconds.
  model::HistogramCounts write_seconds;
  int64_t failed_writes = 0;
  engine::EngineStatistics engine;
};

}  // namespace millrace::store
