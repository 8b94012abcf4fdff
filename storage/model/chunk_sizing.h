// How large the server makes the chunks of a push that leaves it to the server.
#pragma once

#include <cstdint>

#include "storage/model/job.h"

namespace millrace::model {

/// The most bytes of input in a chunk that the server sizes, unless a single record is larger. Small enough that one
/// chunk is a small part of every buffer, large enough that the cost of a chunk does not count.
inline constexpr int64_t kSizedChunkBytesMax = 1024 * 1024;

/// The most records in such a chunk: as many as run for `target_chunk_time` at the average running time of the records
/// of the job that are through; kChunkRecordsDefault before the first one is. 1 to kChunkRecordsMax, but at least so
/// many that `records` of them fit into one push.
int64_t RecordsPerChunk(const Job& job, int64_t records);

}  // namespace millrace::model
