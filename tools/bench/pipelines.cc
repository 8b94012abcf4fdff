// Whether many open pipelines are in the way of one that works.
#include <array>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/bench/call_time.h"
#include "tools/bench/records.h"
#include "tools/bench/scenarios.h"
#include "tools/bench/transfer.h"

namespace millrace::bench {
namespace {

constexpr std::array kOpen = {1, 100, 10'000};
constexpr double kIdleBytesAim = 4096;
constexpr double kFlatAim = 1.15;

/// A server with so many pipelines open, and what a chunk of another one costs there.
struct Crowd {
  int open = 0;
  std::unique_ptr<Stand> stand;
  std::vector<double> micros;

  std::string Named(const std::string& figure) const { return absl::StrCat(open, " open, ", figure); }
};

/// Adds what an idle pipeline costs, where there are enough of them to tell.
absl::StatusOr<Crowd> OpenCrowd(const BenchOptions& options, int open, const std::vector<std::string>& chunks,
                                Report& report) {
  absl::StatusOr<std::unique_ptr<Stand>> stand = Stand::Start(options);
  if (!stand.ok()) return stand.status();
  if (absl::Status status = (*stand)->CreateService(kFormulaA); !status.ok()) return status;
  Crowd crowd{open, *std::move(stand), {}};
  // What a server takes that has worked is not the pipelines'.
  if (const auto warm = MicrosOfAChunk(*crowd.stand, chunks, 2 * options.records); !warm.ok()) return warm.status();
  const auto before = static_cast<double>(crowd.stand->resident_bytes());
  for (int i = 0; i < open; ++i) {
    if (const auto pipeline = crowd.stand->CreatePipeline(kServiceA); !pipeline.ok()) return pipeline.status();
  }
  if (open == kOpen.back()) {
    const double bytes = (static_cast<double>(crowd.stand->resident_bytes()) - before) / open;
    report.figures.push_back(
        {crowd.Named("memory of an idle one"), bytes, "bytes", Aim{Aim::Kind::kAtMost, kIdleBytesAim}});
  }
  return crowd;
}

absl::Status AddFigures(Crowd& crowd, Report& report) {
  report.figures.push_back({crowd.Named("a chunk of a busy one"), Percentile(crowd.micros, 0.5), "us", {}});
  const client::Client& client = crowd.stand->client();
  v1::ListJobsRequest active;
  active.add_states(v1::JOB_STATE_IN_PROGRESS);
  for (const absl::Status& status :
       {AddMillis(report, crowd.Named("DescribePipelines"), [&] { return client.DescribePipelines(); }),
        AddMillis(report, crowd.Named("ListJobs"), [&] { return client.ListJobs(); }),
        AddMillis(report, crowd.Named("ListJobs by a state that none has"), [&] { return client.ListJobs(active); })}) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Report> RunPipelines(const BenchOptions& options) {
  const std::vector<std::string> chunks = MakeChunks(kDistinctChunks);
  Report report{"pipelines", {}};
  std::vector<Crowd> crowds;
  for (const int open : kOpen) {
    absl::StatusOr<Crowd> crowd = OpenCrowd(options, open, chunks, report);
    if (!crowd.ok()) return crowd.status();
    crowds.push_back(*std::move(crowd));
  }
  // In turn: see MedianRatio. The servers that wait meanwhile cost nothing.
  for (int i = 0; i < options.repetitions; ++i) {
    for (Crowd& crowd : crowds) {
      const absl::StatusOr<double> micros = MicrosOfAChunk(*crowd.stand, chunks, options.records / 3);
      if (!micros.ok()) return micros.status();
      crowd.micros.push_back(*micros);
    }
  }
  // Before the figures are sorted.
  const double ratio = MedianRatio(crowds.back().micros, crowds.front().micros);
  for (Crowd& crowd : crowds) {
    if (absl::Status status = AddFigures(crowd, report); !status.ok()) return status;
  }
  report.figures.push_back(
      {"a chunk with 10000 open to one with 1 open", ratio, "ratio", Aim{Aim::Kind::kAtMost, kFlatAim}});
  return report;
}

}  // namespace millrace::bench
