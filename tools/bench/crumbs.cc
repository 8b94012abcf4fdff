// A client that pushes a million chunks of one record each: what each costs, and that the server's memory does not grow
// with their number.
#include "absl/strings/str_cat.h"
#include "tools/bench/records.h"
#include "tools/bench/scenarios.h"
#include "tools/bench/transfer.h"

namespace millrace::bench {
namespace {

constexpr double kMebibyte = 1024.0 * 1024.0;
constexpr double kMemoryAim = 512;

}  // namespace

absl::StatusOr<Report> RunCrumbs(const BenchOptions& options) {
  Report report{"crumbs", {}};
  const std::vector<std::string> chunks = MakeChunks(kDistinctChunks, 1);
  for (const int64_t count : {10'000, 1'000'000}) {
    const absl::StatusOr<std::unique_ptr<Stand>> stand = Stand::Start(options);
    if (!stand.ok()) return stand.status();
    if (absl::Status status = (*stand)->CreateService(kFormulaA); !status.ok()) return status;
    absl::StatusOr<client::Pipeline> pipeline = (*stand)->CreatePipeline(kServiceA);
    if (!pipeline.ok()) return pipeline.status();
    const absl::StatusOr<TransferReport> done = Transfer(**stand, *pipeline, chunks, {.count = count});
    if (!done.ok()) return done.status();
    const std::string prefix = absl::StrCat(count, " chunks of one record, ");
    report.figures.push_back({prefix + "a chunk", done->seconds * 1e6 / static_cast<double>(count), "us", {}});
    report.figures.push_back({prefix + "server memory at most",
                              static_cast<double>((*stand)->peak_resident_bytes()) / kMebibyte, "MiB",
                              Aim{Aim::Kind::kAtMost, kMemoryAim}});
  }
  return report;
}

}  // namespace millrace::bench
