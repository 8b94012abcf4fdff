// Reads a whole store and says whether it is sound: every row decodes, sums equal what they sum up, and what the rows
// say of each other is true. Reads only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/engine/engine.h"

namespace millrace::maintenance {

/// Something that is not as it must be.
struct AuditFinding {
  /// Which row or job: `chunk default/job-1 sequence=12`.
  std::string where;
  /// What is wrong with it.
  std::string what;
};

struct AuditReport {
  /// Findings beyond these are counted only.
  static constexpr size_t kFindingsMax = 100;

  int64_t jobs = 0;
  int64_t rows = 0;
  /// Rows of a kind that this version does not know: left by a newer one, and not checked.
  int64_t unknown_rows = 0;
  /// Chunks whose input is damaged, which the server has found before: their records are exceptions, and nothing waits for
  /// them.
  int64_t lost_inputs = 0;
  int64_t finding_count = 0;
  std::vector<AuditFinding> findings;

  bool sound() const { return finding_count == 0; }
  void Add(std::string where, std::string what);
};

/// `engine` has the families of the format, in its order. What is wrong with the store is in the report; an error means
/// that the store could not be read to its end. Holds one job's chunks in memory at a time.
absl::StatusOr<AuditReport> Audit(const engine::Engine& engine);

}  // namespace millrace::maintenance
