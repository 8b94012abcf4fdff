#include "tools/millrace/bulk_run.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cpp/errors.h"
#include "tools/millrace/json_output.h"
#include "tools/millrace/list.h"
#include "tools/millrace/render.h"
#include "tools/millrace/render_bulk.h"

namespace millrace::cli {
namespace {

/// Jobs that are held stay while others end, so they are among the oldest.
constexpr int kExplainedMax = 10;

absl::Status AddExceptions(const client::Client& client, const Session& session, BulkRun& bulk) {
  if (bulk.statistics.exception_groups() == 0) return absl::OkStatus();
  v1::ListExceptionsRequest request;
  request.set_job_id(bulk.job.id());
  return client.AllExceptions(request, session.call()).ForEach([&](const v1::RecordException& exception) {
    bulk.exceptions.push_back(exception);
    // Only what is unresolved may be shown.
    if (exception.state() != v1::EXCEPTION_STATE_UNRESOLVED) bulk.exceptions.back().clear_input();
    return absl::OkStatus();
  });
}

absl::Status AddHeld(const client::Client& client, const Session& session, BulkRun& bulk) {
  int explained = 0;
  for (const v1::Job& child : bulk.children) {
    if (IsFinal(child.state())) continue;
    if (++explained > kExplainedMax) break;
    v1::ExplainJobRequest request;
    request.set_job_id(child.id());
    const auto explanation = client.ExplainJob(request, session.call());
    // It may have been deleted meanwhile.
    if (absl::IsNotFound(explanation.status())) continue;
    if (!explanation.ok()) return explanation.status();
    bulk.held[child.id()] = explanation->reason();
  }
  return absl::OkStatus();
}

absl::StatusOr<BulkRun> Look(const client::Client& client, const v1::Job& job, int64_t limit, const Session& session) {
  BulkRun bulk{.job = job};
  v1::GetJobStatisticsRequest count;
  count.set_job_id(job.id());
  auto statistics = client.GetJobStatistics(count, session.call());
  // Its retention may have dropped what it held. The list of its jobs stays.
  if (!statistics.ok() && client::ErrorReasonOf(statistics.status()) != v1::JOB_EXPIRED) return statistics.status();
  if (statistics.ok()) bulk.statistics = *std::move(statistics);
  v1::ListJobsRequest list;
  list.set_parent_job_id(job.id());
  list.set_order(v1::JOB_ORDER_OLDEST_FIRST);
  auto children = TakeFirst(client.AllJobs(list, session.call()), limit);
  if (!children.ok()) return children.status();
  bulk.children = std::move(children->items);
  bulk.is_cut = children->is_cut;
  if (absl::Status added = AddExceptions(client, session, bulk); !added.ok()) return added;
  if (absl::Status added = AddHeld(client, session, bulk); !added.ok()) return added;
  return bulk;
}

/// What to look at next.
void PrintHints(const Session& session, const BulkRun& bulk) {
  if (bulk.is_cut) session.err() << "there are more; --limit shows them\n";
  for (const v1::Job& child : bulk.children) {
    const auto held = bulk.held.find(child.id());
    if (held == bulk.held.end() || held->second != v1::EXPLAIN_REASON_OUTPUT_BUFFER_FULL) continue;
    session.err() << "results that wait: millrace pipelines pull " << child.id() << " --follow\n";
    break;
  }
  if (bulk.job.summary().records_failed() > 0) {
    session.err() << "why records failed: millrace exceptions list " << bulk.job.id() << "\n";
  }
}

}  // namespace

absl::StatusOr<v1::Job> GetBulkRun(const Session& session, const client::Client& client, const std::string& id) {
  v1::GetJobRequest get;
  get.set_job_id(id);
  auto job = client.GetJob(get, session.call());
  if (job.ok() && job->service() != kJobsService) {
    return UsageError(
        absl::StrCat(id, " is no bulk run but a job of ", job->service(), "; millrace jobs show shows it"));
  }
  return job;
}

absl::Status PrintBulkRun(Session& session, const client::Client& client, const v1::Job& bulk, int64_t limit) {
  const absl::StatusOr<BulkRun> run = Look(client, bulk, limit, session);
  if (!run.ok()) return run.status();
  if (session.json()) {
    session.PrintJson(JsonObject({{"job", ToJson(run->job)},
                                  {"statistics", ToJson(run->statistics)},
                                  {"children", JsonArrayOf(run->children)},
                                  {"withoutJob", JsonArrayOf(WithoutJob(*run), &ExceptionToJson)},
                                  {"truncated", run->is_cut ? "true" : "false"}}));
    return absl::OkStatus();
  }
  session.out() << RenderBulkRun(*run, session);
  PrintHints(session, *run);
  return absl::OkStatus();
}

}  // namespace millrace::cli
