// The main job through a real server: pushed, evaluated, stored, pulled, all durable.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/bench/records.h"
#include "tools/bench/scenarios.h"
#include "tools/bench/transfer.h"
#include "tools/bench/yardstick.h"

namespace millrace::bench {
namespace {

/// Chunks that the yardstick keeps in flight in its main run.
constexpr int kYardstickWindow = 64;
constexpr double kRatioAim = 0.75;

struct Formula {
  char letter;
  const char* service;
  const char* definition;
  /// The sum of formula A is known from the text of the records.
  bool check_total;
};

struct Rates {
  std::vector<double> end_to_end;
  std::vector<double> push;
  std::vector<double> again;
  std::vector<double> server_cpu_us;
};

absl::Status RunOnce(const BenchOptions& options, const Formula& formula, const std::vector<std::string>& chunks,
                     Rates& rates) {
  const absl::StatusOr<std::unique_ptr<Stand>> stand = Stand::Start(options);
  if (!stand.ok()) return stand.status();
  if (absl::Status status = (*stand)->CreateService(formula.definition); !status.ok()) return status;
  absl::StatusOr<client::Pipeline> pipeline = (*stand)->CreatePipeline(formula.service);
  if (!pipeline.ok()) return pipeline.status();
  const int64_t count = options.records / kChunkRecords;
  const double cpu_begin = (*stand)->cpu_seconds();
  const absl::StatusOr<TransferReport> report =
      Transfer(**stand, *pipeline, chunks,
               {.count = count, .check_total = formula.check_total, .expected_total = ExpectedTotal(chunks, count)});
  if (!report.ok()) return report.status();
  const double cpu = (*stand)->cpu_seconds() - cpu_begin;
  const absl::StatusOr<double> again = ReadAgain(**stand, *pipeline, report->records);
  if (!again.ok()) return again.status();
  const auto records = static_cast<double>(report->records);
  rates.end_to_end.push_back(records / report->seconds);
  rates.push.push_back(records / report->push_seconds);
  rates.again.push_back(records / *again);
  rates.server_cpu_us.push_back(cpu * 1e6 / static_cast<double>(count));
  return absl::OkStatus();
}

absl::Status Measure(const BenchOptions& options, const Formula& formula, const std::vector<std::string>& chunks,
                     Report& report) {
  Rates rates;
  std::vector<double> yardstick;
  // In turn: see MedianRatio.
  for (int i = 0; i < options.repetitions; ++i) {
    if (!options.yardstick_binary.empty()) {
      const absl::StatusOr<YardstickReport> bare =
          RunYardstick(options.yardstick_binary, formula.letter, options.records / kChunkRecords, kYardstickWindow);
      if (!bare.ok()) return bare.status();
      yardstick.push_back(bare->records_per_second);
    }
    if (absl::Status status = RunOnce(options, formula, chunks, rates); !status.ok()) return status;
  }
  const std::string prefix = absl::StrCat("formula ", std::string(1, formula.letter), ", ");
  const double ratio = MedianRatio(rates.end_to_end, yardstick);
  const double bare = Percentile(yardstick, 0.5);
  report.figures.push_back({prefix + "end to end", Percentile(rates.end_to_end, 0.5), "records/s", {}});
  report.figures.push_back({prefix + "pushed durably", Percentile(rates.push, 0.5), "records/s", {}});
  report.figures.push_back({prefix + "pulled again", Percentile(rates.again, 0.5), "records/s", {}});
  report.figures.push_back({prefix + "server CPU a chunk", Percentile(rates.server_cpu_us, 0.5), "us", {}});
  if (!yardstick.empty()) {
    report.figures.push_back({prefix + "yardstick", bare, "records/s", {}});
    report.figures.push_back({prefix + "ratio", ratio, "ratio", Aim{Aim::Kind::kAtLeast, kRatioAim}});
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Report> RunMainJob(const BenchOptions& options) {
  const std::vector<std::string> chunks = MakeChunks(kDistinctChunks);
  Report report{"main", {}};
  for (const Formula& formula : {Formula{'A', kServiceA, kFormulaA, true}, Formula{'B', kServiceB, kFormulaB, false}}) {
    if (absl::Status status = Measure(options, formula, chunks, report); !status.ok()) return status;
  }
  return report;
}

}  // namespace millrace::bench
