// Whether a record costs the same in a large job as in a small one.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tools/bench/records.h"
#include "tools/bench/scenarios.h"
#include "tools/bench/transfer.h"

namespace millrace::bench {
namespace {

constexpr double kSpreadAim = 1.15;
constexpr double kResidentMiBAim = 512;
// A process that has just started pays for its first pages, whatever the size of the job.
constexpr int64_t kWarmUpRecords = 100'000;

}  // namespace

absl::StatusOr<Report> RunScale(const BenchOptions& options) {
  const std::vector<std::string> chunks = MakeChunks(kDistinctChunks);
  Report report{"scale", {}};
  std::vector<double> costs;
  double peak = 0;
  for (const int64_t records : {100'000, 1'000'000, 10'000'000}) {
    std::vector<double> repeated;
    // A small job is over before the machine has settled: more repetitions, and the median.
    const int64_t repetitions = std::max<int64_t>(1, options.repetitions * 1'000'000 / (records * 3));
    for (int64_t i = 0; i < repetitions; ++i) {
      const absl::StatusOr<std::unique_ptr<Stand>> stand = Stand::Start(options);
      if (!stand.ok()) return stand.status();
      if (absl::Status status = (*stand)->CreateService(kFormulaA); !status.ok()) return status;
      if (const auto warm = TransferFormulaA(**stand, chunks, kWarmUpRecords); !warm.ok()) return warm.status();
      const absl::StatusOr<TransferReport> done = TransferFormulaA(**stand, chunks, records);
      if (!done.ok()) return done.status();
      repeated.push_back(done->seconds * 1e6 / static_cast<double>(done->records));
      peak = static_cast<double>((*stand)->peak_resident_bytes()) / (1 << 20);
    }
    costs.push_back(Percentile(repeated, 0.5));
    report.figures.push_back({absl::StrCat(records, " records, cost of one"), costs.back(), "us", {}});
    report.figures.push_back({absl::StrCat(records, " records, server memory at most"), peak, "MiB",
                              Aim{Aim::Kind::kAtMost, kResidentMiBAim}});
  }
  report.figures.push_back(
      {"dearest to cheapest",
       *std::max_element(costs.begin(), costs.end()) / *std::min_element(costs.begin(), costs.end()), "ratio",
       Aim{Aim::Kind::kAtMost, kSpreadAim}});
  return report;
}

}  // namespace millrace::bench
