// Why a job or a chunk does or does not run, as a person reads it, and when it will be through.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "server/core/dispatch.h"

namespace millrace::core {

/// One sentence with the numbers of `standing`, about the job or, where `sequence` is not 0, about a chunk. `workers` is
/// how many the server has, `now` the wall time that waits count from.
std::string Sentence(const Standing& standing, int64_t sequence, int32_t workers, absl::Time now);

/// Whether a job of which this is said gets no further until somebody acts: it is paused, its results wait to be pulled, no
/// worker has its labels, or the disk takes no outcome.
bool WaitsForSomebody(Hold hold);

/// Whether none of the job's chunks runs or is being committed, though the job is not over.
bool Waits(const Standing& standing);

/// How many records `chunks` pending chunks of a job hold, by their average.
int64_t RecordsIn(const model::Job& job, int64_t chunks);

struct Eta {
  absl::Time earliest;
  absl::Time latest;
};

/// When `records` in `chunks` of the job will have run. With t, the running time of a record so far, and w, the workers
/// that the job may use: earliest is now + t * records / w; latest takes the even share of the workers between the jobs
/// that want them instead of w, or the pace since the first push where that is slower. Neither is before the throttle
/// would let them through. Nothing where no record has run, or the job waits for a person or a client.
std::optional<Eta> EstimateEnd(const Standing& standing, int64_t records, int64_t chunks, int32_t workers,
                               absl::Time now);

}  // namespace millrace::core
