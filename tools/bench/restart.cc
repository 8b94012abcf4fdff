// How long a killed server takes to be at work again.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/bench/records.h"
#include "tools/bench/scenarios.h"

namespace millrace::bench {
namespace {

constexpr int kJobs = 1'000;
constexpr double kSecondsAim = 2;
// Ten times the records must not take longer; the rest is the machine's.
constexpr double kGrowthAim = 1.5;

/// Leaves `records` pending in kJobs jobs, kills the server, and returns the seconds from its start to the first result
/// that it makes.
absl::StatusOr<double> SecondsToFirstResult(const BenchOptions& options, const std::vector<std::string>& chunks,
                                            int64_t records) {
  const absl::StatusOr<std::unique_ptr<Stand>> stand = Stand::Start(options);
  if (!stand.ok()) return stand.status();
  if (absl::Status status = (*stand)->CreateService(kFormulaA); !status.ok()) return status;
  // An output buffer of a byte: each job stops after its first results, until they are pulled.
  v1::JobOptions full_at_once;
  full_at_once.set_output_buffer_bytes(1);
  full_at_once.set_max_workers(1);
  const int64_t chunks_per_job = std::max<int64_t>(2, records / kChunkRecords / kJobs);
  std::vector<client::Pipeline> pipelines;
  for (int job = 0; job < kJobs; ++job) {
    absl::StatusOr<client::Pipeline> pipeline = (*stand)->CreatePipeline(kServiceA, full_at_once);
    if (!pipeline.ok()) return pipeline.status();
    std::vector<v1::Chunk> push(static_cast<size_t>(chunks_per_job));
    for (size_t i = 0; i < push.size(); ++i) {
      push[i].mutable_data()->mutable_inputs()->set_json_lines(chunks[i % chunks.size()]);
    }
    if (const auto pushed = pipeline->Push(std::move(push)); !pushed.ok()) return pushed.status();
    pipelines.push_back(*std::move(pipeline));
  }

  client::Pipeline& last = pipelines.back();
  // All that the killed server made is taken, so that what comes next is made by the new one.
  absl::StatusOr<std::unique_ptr<client::Puller>> puller = last.NewPuller({.page_size = 1});
  if (!puller.ok()) return puller.status();
  if (const auto first = (*puller)->Next(); !first.ok()) return first.status();
  const double begin = Seconds();
  if (const auto restarted = (*stand)->Restart(); !restarted.ok()) return restarted.status();
  if (const auto next = (*puller)->Next(); !next.ok()) return next.status();
  return Seconds() - begin;
}

}  // namespace

absl::StatusOr<Report> RunRestart(const BenchOptions& options) {
  const std::vector<std::string> chunks = MakeChunks(kDistinctChunks);
  Report report{"restart", {}};
  std::vector<double> taken;
  for (const int64_t records : {1'000'000, 3'000'000, 10'000'000}) {
    const absl::StatusOr<double> seconds = SecondsToFirstResult(options, chunks, records);
    if (!seconds.ok()) return seconds.status();
    report.figures.push_back({absl::StrCat(kJobs, " jobs, ", records, " records pushed, first new result"), *seconds,
                              "s", Aim{Aim::Kind::kAtMost, kSecondsAim}});
    taken.push_back(*seconds);
  }
  report.figures.push_back(
      {"most records to fewest", taken.back() / taken.front(), "ratio", Aim{Aim::Kind::kAtMost, kGrowthAim}});
  return report;
}

}  // namespace millrace::bench
