// Whether a record costs the same in a large job as in a small one.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

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
constexpr int kRounds = 3;

struct Size {
  int64_t records = 0;
  /// Jobs of it before the largest in a round, and as many behind it: a small one is over before the machine has settled.
  int repetitions = 1;
  /// Microseconds of a record, by job of the round.
  std::vector<double> costs = {};
  /// Of each round the median.
  std::vector<double> rounds = {};
  double peak_mib = 0;
};

absl::Status RunJob(const BenchOptions& options, const std::vector<std::string>& chunks, Size& size) {
  const absl::StatusOr<std::unique_ptr<Stand>> stand = Stand::Start(options);
  if (!stand.ok()) return stand.status();
  if (absl::Status status = (*stand)->CreateService(kFormulaA); !status.ok()) return status;
  if (const auto warm = TransferFormulaA(**stand, chunks, kWarmUpRecords); !warm.ok()) return warm.status();
  const absl::StatusOr<double> micros = MicrosOfAChunk(**stand, chunks, size.records);
  if (!micros.ok()) return micros.status();
  size.costs.push_back(*micros / kChunkRecords);
  size.peak_mib = std::max(size.peak_mib, static_cast<double>((*stand)->peak_resident_bytes()) / (1 << 20));
  return absl::OkStatus();
}

// The smaller sizes on both sides of the largest: a machine that gets slower meanwhile does so for all.
absl::Status RunRound(const BenchOptions& options, const std::vector<std::string>& chunks, std::vector<Size>& sizes) {
  std::vector<Size*> order;
  for (Size& size : sizes) order.insert(order.end(), static_cast<size_t>(size.repetitions), &size);
  for (auto it = sizes.rbegin() + 1; it != sizes.rend(); ++it) {
    order.insert(order.end(), static_cast<size_t>(it->repetitions), &*it);
  }
  for (Size* size : order) {
    if (absl::Status status = RunJob(options, chunks, *size); !status.ok()) return status;
  }
  for (Size& size : sizes) {
    size.rounds.push_back(Percentile(size.costs, 0.5));
    size.costs.clear();
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Report> RunScale(const BenchOptions& options) {
  const std::vector<std::string> chunks = MakeChunks(kDistinctChunks);
  std::vector<Size> sizes = {{100'000, 4}, {1'000'000, 2}, {10'000'000, 1}};
  for (int round = 0; round < kRounds; ++round) {
    if (absl::Status status = RunRound(options, chunks, sizes); !status.ok()) return status;
  }
  Report report{"scale", {}};
  // To the smallest job, round by round.
  std::vector<double> ratios;
  for (const Size& size : sizes) {
    ratios.push_back(MedianRatio(size.rounds, sizes.front().rounds));
    std::vector<double> rounds = size.rounds;
    report.figures.push_back({absl::StrCat(size.records, " records, cost of one"), Percentile(rounds, 0.5), "us", {}});
    report.figures.push_back({absl::StrCat(size.records, " records, server memory at most"), size.peak_mib, "MiB",
                              Aim{Aim::Kind::kAtMost, kResidentMiBAim}});
  }
  report.figures.push_back(
      {"dearest to cheapest",
       *std::max_element(ratios.begin(), ratios.end()) / *std::min_element(ratios.begin(), ratios.end()), "ratio",
       Aim{Aim::Kind::kAtMost, kSpreadAim}});
  return report;
}

}  // namespace millrace::bench
