#include "server/handlers/children.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/core/convert.h"
#include "server/core/expected_records.h"
#include "server/core/explain.h"
#include "server/handlers/job_counts.h"
#include "storage/model/built_in.h"
#include "storage/model/job_rules.h"
#include "storage/model/job_sums.h"
#include "storage/model/limits.h"
#include "storage/model/source.h"

namespace millrace::handlers {
namespace {

using model::Job;
using model::JobPtr;
using model::JobState;

/// The part of the records of a job that is done, 0 to 1; of a bulk run, with the parts of those that run. Nothing where it
/// is not known how many there are.
absl::StatusOr<std::optional<double>> DoneOf(const Job& job, const Deps& deps) {
  const std::optional<core::ExpectedRecords> expected = core::ExpectedRecordsOf(job);
  if (!expected.has_value()) return std::nullopt;
  if (expected->total <= 0) return 1.0;
  auto through = static_cast<double>(model::RecordsThrough(job));
  if (model::IsBulkRun(job) && !model::IsFinal(job.state)) {
    const absl::StatusOr<std::vector<JobPtr>> running = RunningChildren(job, 0, deps);
    if (!running.ok()) return running.status();
    for (const JobPtr& child : *running) {
      absl::StatusOr<std::optional<double>> part = DoneOf(*child, deps);
      if (!part.ok()) return part;
      through += part->value_or(0);
    }
  }
  return std::min(1.0, through / static_cast<double>(expected->total));
}

/// Sums over the jobs below a bulk run.
struct Below {
  int64_t children = 0;
  int64_t jobs = 0;
  model::JobSums all;
  /// Of those that are no bulk runs.
  model::JobSums leaves;
  bool partial = false;
};

absl::StatusOr<Below> LookBelow(const Job& bulk, const Deps& deps) {
  Below below;
  std::deque<std::string> bulk_ids = {bulk.id};
  for (; !bulk_ids.empty() && !below.partial; bulk_ids.pop_front()) {
    const bool is_first = below.jobs == 0;
    store::ListJobsQuery query{
        .tenant = bulk.tenant, .page_size = model::kPageSizeMax, .parent_job_id = bulk_ids.front()};
    do {
      const absl::StatusOr<store::Page<JobPtr>> page = deps.store.ListJobs(query);
      if (!page.ok()) return page.status();
      for (const JobPtr& child : page->items) {
        model::AddJob(below.all, *child);
        if (model::IsBulkRun(*child)) {
          bulk_ids.push_back(child->id);
        } else {
          model::AddJob(below.leaves, *child);
        }
      }
      const auto count = static_cast<int64_t>(page->items.size());
      below.jobs += count;
      if (is_first) below.children += count;
      query.token = page->next_token;
      below.partial = below.jobs >= model::kBulkJobsSummedMax && (!query.token.empty() || bulk_ids.size() > 1);
    } while (!query.token.empty() && !below.partial);
  }
  return below;
}

/// The first of these jobs, or of those below them, that waits for somebody, or else the first that waits at all.
absl::StatusOr<std::optional<core::Standing>> FirstThatWaits(const std::vector<JobPtr>& running, const Deps& deps) {
  std::optional<core::Standing> first;
  std::deque<JobPtr> jobs(running.begin(), running.end());
  for (int32_t looked = 0; looked < model::kExplainedChildrenMax && !jobs.empty(); ++looked) {
    const JobPtr job = jobs.front();
    jobs.pop_front();
    core::Standing standing = deps.leases.Explain(job, 0, false);
    if (core::WaitsForSomebody(standing.verdict.hold)) return standing;
    if (!first.has_value() && core::Waits(standing)) first = std::move(standing);
    if (!model::IsBulkRun(*job)) continue;
    const absl::StatusOr<std::vector<JobPtr>> below = RunningChildren(*job, 0, deps);
    if (!below.ok()) return below.status();
    jobs.insert(jobs.begin(), below->begin(), below->end());
  }
  return first;
}

}  // namespace

absl::StatusOr<std::vector<JobPtr>> RunningChildren(const Job& bulk, int64_t sequence, const Deps& deps) {
  const store::ListJobsQuery query{.tenant = bulk.tenant,
                                   .states = {JobState::kCreated, JobState::kInProgress, JobState::kPaused,
                                              JobState::kClosed, JobState::kClosedByTimeout},
                                   .page_size = model::kJobWorkersMax,
                                   .oldest_first = true,
                                   .parent_job_id = bulk.id};
  absl::StatusOr<store::Page<JobPtr>> page = deps.store.ListJobs(query);
  if (!page.ok()) return page.status();
  if (sequence != 0) std::erase_if(page->items, [&](const JobPtr& job) { return job->parent.sequence != sequence; });
  return std::move(page->items);
}

absl::StatusOr<v1::ChildStatistics> SumUpChildren(const Job& bulk, absl::Time now, const Deps& deps) {
  const absl::StatusOr<Below> below = LookBelow(bulk, deps);
  if (!below.ok()) return below.status();
  v1::ChildStatistics statistics;
  statistics.set_jobs(below->children);
  statistics.set_jobs_below(below->jobs);
  AddJobCounts(below->all, statistics);
  *statistics.mutable_records() = ToProto(below->leaves);
  statistics.set_partial(below->partial);

  const absl::StatusOr<std::optional<double>> done = DoneOf(bulk, deps);
  if (!done.ok()) return done.status();
  if (!done->has_value()) return statistics;
  statistics.set_percent(100 * **done);
  const bool has_pace = bulk.counters.chunks_completed > 0 && bulk.start_time != absl::InfinitePast() && **done > 0;
  if (has_pace && !model::IsFinal(bulk.state)) {
    // Not less than nothing where the clock was set back since.
    const absl::Duration so_far = std::max(now - bulk.start_time, absl::ZeroDuration());
    *statistics.mutable_eta() = core::ToProto(now + so_far * ((1 - **done) / **done));
  }
  return statistics;
}

absl::Status AddChildren(const std::vector<JobPtr>& running, absl::Time now, const Deps& deps,
                         v1::ExplainJobResponse& response) {
  response.set_children_running(static_cast<int64_t>(running.size()));
  if (running.empty()) return absl::OkStatus();
  const size_t named = std::min(running.size(), static_cast<size_t>(model::kExplainedChildrenMax));
  for (size_t i = 0; i < named; ++i) response.add_child_job_ids(running[i]->id);
  std::string sentence = running.size() == 1 ? absl::StrCat(" It waits for job ", running[0]->id)
                                             : absl::StrCat(" It waits for ", running.size(),
                                                            " jobs: ", absl::StrJoin(response.child_job_ids(), ", "));
  if (named < running.size()) absl::StrAppend(&sentence, " and ", running.size() - named, " others");
  absl::StrAppend(response.mutable_explanation(), sentence, ".");
  const absl::StatusOr<std::optional<core::Standing>> held = FirstThatWaits(running, deps);
  if (!held.ok()) return held.status();
  if (held->has_value()) {
    absl::StrAppend(response.mutable_explanation(), " ", core::Sentence(**held, 0, deps.server.workers, now));
  }
  return absl::OkStatus();
}

}  // namespace millrace::handlers
