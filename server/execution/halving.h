// Finds the records that break a run, when a run can only say that it broke.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/model/chunk.h"

namespace millrace::execution {

/// What RunByHalves is given. Indexes are ascending and never empty.
struct HalvingSteps {
  /// Runs some records. An error: the run broke and nothing came of it.
  absl::FunctionRef<absl::StatusOr<model::ChunkOutcome>(const std::vector<int32_t>& indexes)> run;
  /// Takes what a run that did not break brought.
  absl::FunctionRef<void(const std::vector<int32_t>& indexes, model::ChunkOutcome outcome)> take;
  /// Hears of a record that breaks a run of nothing but itself.
  absl::FunctionRef<void(int32_t index, const absl::Status& why)> blame;
};

/// Runs the records `indexes` together. What breaks is run again in halves, until each record has been taken or blamed, in
/// order. Returns the number of runs: 1 when nothing breaks, O(k log n) for k records among n that break.
int64_t RunByHalves(const std::vector<int32_t>& indexes, const HalvingSteps& steps);

}  // namespace millrace::execution
