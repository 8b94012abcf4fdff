// How many records a job will have in all: what its progress and its end are counted by.
#pragma once

#include <cstdint>
#include <optional>

#include "storage/model/job.h"

namespace millrace::core {

struct ExpectedRecords {
  /// Never less than those that the job has.
  int64_t total = 0;
  /// False: its creator estimated it.
  bool is_exact = false;
};

/// Once the input is closed, what was submitted; before, what the source of the job says, or its creator estimated. nullopt where
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
