// Which records of a chunk were run again although they had succeeded.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "storage/model/chunk.h"
#include "storage/model/exception.h"

namespace millrace::model {

/// For each of the `record_count` records of a chunk, the one that stands for it in one of the chunks that repeat it;
/// nullopt: none does. Empty where `repeats` is. Its time grows with the chunk and the repeats, not with their product.
std::vector<std::optional<RecordPlace>> RepeatsOf(const std::vector<Chunk>& repeats, int32_t record_count);

}  // namespace millrace::model
