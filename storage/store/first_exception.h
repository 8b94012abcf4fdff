// What the log of a job says of its first exception.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/model/chunk.h"

namespace millrace::store {

/// `12-3: UNKNOWN_SIZE in mass_kg: unknown size Giant`, for the first of the failures of a chunk; empty for none.
std::string FirstExceptionDetail(int64_t sequence, const std::vector<model::RecordFailure>& failures);

}  // namespace millrace::store
