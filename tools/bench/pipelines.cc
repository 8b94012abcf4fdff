// Whether many open pipelines are in the way of one that works.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/bench/call_time.h"
#include "tools/bench/records.h"
#include "tools/bench/scenarios.h"
#include "tools/bench/transfer.h"

namespace millrace::bench {
namespace {

constexpr int kManyPipelines = 10'000;
constexpr double kIdleBytesAim = 4096;
constexpr double kListMillisAim = 50;
constexpr double kFlatAim = 1.15;

/// Opens pipelines until `count` are open, and fills in what they cost.
absl::Status MeasureWith(Stand& stand, const BenchOptions& options, const std::vector<std::string>& chunks, int count,
                         int& open, Report& report, std::vector<double>& costs) {
  const auto before = static_cast<double>(stand.resident_bytes());
  const int opened = count - open;
  for (; open < count; ++open) {
    if (const auto pipeline = stand.CreatePipeline(kServiceA); !pipeline.ok()) return pipeline.status();
  }
  const std::string prefix = absl::StrCat(count, " open, ");
  if (count == kManyPipelines) {
    const double bytes = (static_cast<double>(stand.resident_bytes()) - before) / opened;
    report.figures.push_back(
        {prefix + "memory of an idle one", bytes, "bytes", Aim{Aim::Kind::kAtMost, kIdleBytesAim}});
  }

  std::vector<double> micros;
  for (int i = 0; i < options.repetitions; ++i) {
    absl::StatusOr<client::Pipeline> busy = stand.CreatePipeline(kServiceA);
    if (!busy.ok()) return busy.status();
    const int64_t work = options.records / 3 / kChunkRecords;
    const absl::StatusOr<TransferReport> done = Transfer(stand, *busy, chunks, {.count = work});
    if (!done.ok()) return done.status();
    micros.push_back(done->seconds * 1e6 / static_cast<double>(work));
  }
  costs.push_back(Percentile(micros, 0.5));
  report.figures.push_back({prefix + "a chunk of a busy one", costs.back(), "us", {}});

  const auto describe = MillisOf([&] { return stand.client().DescribePipelines(); });
  if (!describe.ok()) return describe.status();
  report.figures.push_back({prefix + "DescribePipelines", *describe, "ms", Aim{Aim::Kind::kAtMost, kListMillisAim}});
  const auto list = MillisOf([&] { return stand.client().ListJobs(); });
  if (!list.ok()) return list.status();
  report.figures.push_back({prefix + "ListJobs", *list, "ms", Aim{Aim::Kind::kAtMost, kListMillisAim}});
  v1::ListJobsRequest active;
  active.add_states(v1::JOB_STATE_IN_PROGRESS);
  const auto filtered = MillisOf([&] { return stand.client().ListJobs(active); });
  if (!filtered.ok()) return filtered.status();
  report.figures.push_back(
      {prefix + "ListJobs by a state that none has", *filtered, "ms", Aim{Aim::Kind::kAtMost, kListMillisAim}});
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Report> RunPipelines(const BenchOptions& options) {
  const absl::StatusOr<std::unique_ptr<Stand>> stand = Stand::Start(options);
  if (!stand.ok()) return stand.status();
  if (absl::Status status = (*stand)->CreateService(kFormulaA); !status.ok()) return status;
  const std::vector<std::string> chunks = MakeChunks(kDistinctChunks);
  Report report{"pipelines", {}};
  std::vector<double> costs;
  int open = 0;
  for (const int count : {1, 100, kManyPipelines}) {
    absl::Status status = MeasureWith(**stand, options, chunks, count, open, report, costs);
    if (!status.ok()) return status;
  }
  report.figures.push_back({"a chunk with 10000 open to one with 1 open", costs.back() / costs.front(), "ratio",
                            Aim{Aim::Kind::kAtMost, kFlatAim}});
  return report;
}

}  // namespace millrace::bench
