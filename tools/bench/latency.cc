// How long a chunk takes when nothing else is on its way.
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/bench/records.h"
#include "tools/bench/scenarios.h"
#include "tools/bench/transfer.h"
#include "tools/bench/yardstick.h"

namespace millrace::bench {
namespace {

constexpr int64_t kChunks = 2'000;
constexpr double kRatioAim = 1.5;

absl::StatusOr<std::vector<double>> Latencies(const BenchOptions& options, const std::vector<std::string>& chunks,
                                              const TransferOptions& transfer) {
  const absl::StatusOr<std::unique_ptr<Stand>> stand = Stand::Start(options);
  if (!stand.ok()) return stand.status();
  if (absl::Status status = (*stand)->CreateService(kFormulaA); !status.ok()) return status;
  absl::StatusOr<client::Pipeline> pipeline = (*stand)->CreatePipeline(kServiceA);
  if (!pipeline.ok()) return pipeline.status();
  absl::StatusOr<TransferReport> report = Transfer(**stand, *pipeline, chunks, transfer);
  if (!report.ok()) return report.status();
  return std::move(report->latencies);
}

void AddPercentiles(const std::string& name, std::vector<double>& seconds, Report& report) {
  for (const auto& [label, share] : {std::pair{"p50", 0.5}, {"p99", 0.99}, {"p999", 0.999}}) {
    report.figures.push_back({absl::StrCat(name, ", ", label), Percentile(seconds, share) * 1e3, "ms", {}});
  }
}

}  // namespace

absl::StatusOr<Report> RunLatency(const BenchOptions& options) {
  Report report{"latency", {}};
  // As the yardstick does it: the next chunk is sent when the one before is acknowledged.
  absl::StatusOr<std::vector<double>> one =
      Latencies(options, MakeChunks(kDistinctChunks), {.count = kChunks, .pace = Pace::kAfterAcknowledgement});
  if (!one.ok()) return one.status();
  AddPercentiles("one chunk in flight", *one, report);
  if (!options.yardstick_binary.empty()) {
    const absl::StatusOr<YardstickReport> bare = RunYardstick(options.yardstick_binary, 'A', kChunks, 1);
    if (!bare.ok()) return bare.status();
    report.figures.push_back({"one chunk in flight, yardstick p50", bare->latency_p50_ms, "ms", {}});
    report.figures.push_back({"one chunk in flight, p50 ratio", Percentile(*one, 0.5) * 1e3 / bare->latency_p50_ms,
                              "ratio", Aim{Aim::Kind::kAtMost, kRatioAim}});
  }
  absl::StatusOr<std::vector<double>> single =
      Latencies(options, MakeChunks(kDistinctChunks, 1), {.count = kChunks, .pace = Pace::kAfterResult});
  if (!single.ok()) return single.status();
  AddPercentiles("one record, push to pulled result", *single, report);
  return report;
}

}  // namespace millrace::bench
