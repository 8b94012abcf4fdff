// How many records a job will have in all: what its progress and its end are counted by.
#pragma once

#include <cstdint>
#include <optional>

#include "storage/model/job.h"

namespace millrace::core {

struct ExpectedRecords {
  /// Never less than those that the job has.
  int64_t total = 0;
  /// False: it is estimated.
  bool is_exact = false;
};

/// What the creator of the job estimated; of a file, where nobody did, as many as its bytes hold if they go on like those that were
/// read. 0 where nobody can tell.
int64_t EstimatedRecordsOf(const model::Job& job);

/// Once the input is closed, what was submitted; before, what the source of the job says, or is estimated. nullopt where
/// nobody can tell: callers may push more, or a source says nothing and there is no estimate.
std::optional<ExpectedRecords> ExpectedRecordsOf(const model::Job& job);

/// Records, and chunks, that are still to run.
struct RemainingWork {
  int64_t records = 0;
  int64_t chunks = 0;
};

/// What was submitted and has not run, with what is expected besides, in chunks as large as those before.
RemainingWork RemainingWorkOf(const model::Job& job);

}  // namespace millrace::core
