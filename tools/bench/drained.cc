// One job on a server that is drained behind it, for tools that look at the whole life of its process.
#include "tools/bench/records.h"
#include "tools/bench/scenarios.h"
#include "tools/bench/transfer.h"

namespace millrace::bench {

absl::StatusOr<Report> RunDrained(const BenchOptions& options) {
  const absl::StatusOr<std::unique_ptr<Stand>> stand = Stand::Start(options);
  if (!stand.ok()) return stand.status();
  if (absl::Status status = (*stand)->CreateService(kFormulaA); !status.ok()) return status;
  const absl::StatusOr<TransferReport> done = TransferFormulaA(**stand, MakeChunks(kDistinctChunks), options.records);
  if (!done.ok()) return done.status();
  if (absl::Status status = (*stand)->Drain(); !status.ok()) return status;
  return Report{"drained", {{"records", static_cast<double>(done->records), "", {}}}};
}

}  // namespace millrace::bench
