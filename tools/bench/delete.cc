// Whether a large job is deleted as quickly as a small one.
#include "absl/strings/str_cat.h"
#include "tools/bench/records.h"
#include "tools/bench/scenarios.h"
#include "tools/bench/transfer.h"

namespace millrace::bench {
namespace {

constexpr double kMillisAim = 100;

}  // namespace

absl::StatusOr<Report> RunDelete(const BenchOptions& options) {
  const absl::StatusOr<std::unique_ptr<Stand>> stand = Stand::Start(options);
  if (!stand.ok()) return stand.status();
  if (absl::Status status = (*stand)->CreateService(kFormulaA); !status.ok()) return status;
  const std::vector<std::string> chunks = MakeChunks(kDistinctChunks);
  Report report{"delete", {}};
  for (const int64_t records : {3'000, 1'000'000}) {
    absl::StatusOr<client::Pipeline> pipeline = (*stand)->CreatePipeline(kServiceA);
    if (!pipeline.ok()) return pipeline.status();
    const absl::StatusOr<TransferReport> done =
        Transfer(**stand, *pipeline, chunks, {.count = records / kChunkRecords});
    if (!done.ok()) return done.status();
    v1::DeleteJobRequest request;
    request.set_job_id(pipeline->id());
    const double begin = Seconds();
    if (const auto deleted = (*stand)->client().DeleteJob(request); !deleted.ok()) return deleted.status();
    report.figures.push_back(
        {absl::StrCat(records, " records"), (Seconds() - begin) * 1e3, "ms", Aim{Aim::Kind::kAtMost, kMillisAim}});
  }
  return report;
}

}  // namespace millrace::bench
