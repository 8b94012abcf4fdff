// Whether lists and statistics over many jobs answer at once.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/bench/call_time.h"
#include "tools/bench/records.h"
#include "tools/bench/scenarios.h"

namespace millrace::bench {
namespace {

constexpr int kJobs = 100'000;
// Each waits for the disk; together they share its syncs.
constexpr int kCreators = 32;
constexpr double kRestartSecondsAim = 2;

/// Makes jobs that have ended. The oldest one alone has the tag `rare`.
absl::Status MakeEndedJobs(const Stand& stand) {
  v1::CreatePipelineRequest rare;
  rare.set_service(kServiceA);
  rare.mutable_metadata()->add_tags("rare");
  if (const auto created = stand.client().CreatePipeline(rare); !created.ok()) return created.status();

  std::atomic<int> next = 1;
  std::vector<absl::Status> outcomes(kCreators);
  std::vector<std::thread> creators;
  creators.reserve(kCreators);
  for (absl::Status& outcome : outcomes) {
    creators.emplace_back([&stand, &next, &outcome] {
      while (outcome.ok() && next++ < kJobs) {
        v1::CreatePipelineRequest create;
        create.set_service(kServiceA);
        create.mutable_metadata()->set_project("many");
        const auto job = stand.client().CreatePipeline(create);
        v1::ClosePipelineRequest close;
        close.set_pipeline_id(job.ok() ? job->id() : "");
        outcome = job.ok() ? stand.client().ClosePipeline(close).status() : job.status();
      }
    });
  }
  for (std::thread& creator : creators) creator.join();
  for (const absl::Status& outcome : outcomes) {
    if (!outcome.ok()) return outcome;
  }
  return absl::OkStatus();
}

/// All pages of a list that finds one job of all.
absl::Status MeasureRare(const client::Client& client, Report& report) {
  v1::ListJobsRequest rare;
  rare.set_tag("rare");
  const double begin = Seconds();
  int found = 0;
  for (const absl::StatusOr<v1::Job>& job : client.AllJobs(rare)) {
    if (!job.ok()) return job.status();
    ++found;
  }
  if (found != 1) return absl::InternalError(absl::StrCat("expected 1 job with the tag, found ", found));
  report.figures.push_back({"ListJobs by a tag that the oldest has, all pages", Seconds() - begin, "s", {}});
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Report> RunJobs(const BenchOptions& options) {
  const absl::StatusOr<std::unique_ptr<Stand>> stand = Stand::Start(options);
  if (!stand.ok()) return stand.status();
  if (absl::Status status = (*stand)->CreateService(kFormulaA); !status.ok()) return status;
  if (absl::Status status = MakeEndedJobs(**stand); !status.ok()) return status;
  const absl::StatusOr<double> restart = (*stand)->Restart();
  if (!restart.ok()) return restart.status();
  Report report{"jobs", {}};
  report.figures.push_back(
      {"until the server serves again", *restart, "s", Aim{Aim::Kind::kAtMost, kRestartSecondsAim}});

  const client::Client& client = (*stand)->client();
  v1::ListJobsRequest oldest;
  oldest.set_order(v1::JOB_ORDER_OLDEST_FIRST);
  v1::ListJobsRequest none;
  none.add_states(v1::JOB_STATE_FAILED);
  v1::ListJobsRequest active;
  active.add_states(v1::JOB_STATE_IN_PROGRESS);
  v1::ListJobsRequest sorted;
  sorted.set_order(v1::JOB_ORDER_NAME);
  v1::GetStatisticsRequest project;
  project.set_project("many");
  for (const absl::Status& status :
       {AddMillis(report, "ListJobs", [&] { return client.ListJobs(); }),
        AddMillis(report, "ListJobs, oldest first", [&] { return client.ListJobs(oldest); }),
        AddMillis(report, "ListJobs by a state that none has, a page", [&] { return client.ListJobs(none); }),
        AddMillis(report, "ListJobs of active jobs", [&] { return client.ListJobs(active); }),
        AddMillis(report, "ListJobs by name, one call", [&] { return client.ListJobs(sorted); }),
        AddMillis(report, "DescribePipelines", [&] { return client.DescribePipelines(); }),
        AddMillis(report, "GetStatistics", [&] { return client.GetStatistics(); }),
        AddMillis(report, "GetStatistics of a project", [&] { return client.GetStatistics(project); }),
        MeasureRare(client, report)}) {
    if (!status.ok()) return status;
  }
  return report;
}

}  // namespace millrace::bench
