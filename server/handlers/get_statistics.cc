#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "server/core/convert.h"
#include "server/handlers/create_times.h"
#include "server/handlers/job_counts.h"
#include "server/handlers/job_handlers.h"
#include "server/handlers/validate.h"
#include "storage/model/job_sums.h"
#include "storage/model/limits.h"

namespace millrace::handlers {
namespace {

/// Sums over the jobs that a query asks for.
struct Counted {
  model::ServiceSums services;
  /// Newest first.
  std::vector<model::JobPtr> recent;
  /// There was no time for all: only those that were created at `complete_from` or later are counted.
  bool partial = false;
  absl::Time complete_from = absl::InfinitePast();
};

absl::StatusOr<Counted> CountAll(const store::ListJobsQuery& query, const Deps& deps) {
  absl::StatusOr<store::Page<model::JobPtr>> recent = deps.store.ListJobs(query);
  if (!recent.ok()) return recent.status();
  return Counted{.services = deps.store.SumJobs(query.tenant), .recent = std::move(recent->items)};
}

bool HasFilter(const v1::GetStatisticsRequest& request) {
  return !request.project().empty() || request.has_create_time_from() || request.has_create_time_before();
}

/// Looks at jobs one by one, newest first, for as long as a call may take.
absl::StatusOr<Counted> CountOneByOne(store::ListJobsQuery query, const Deps& deps) {
  const int64_t end_nanos = deps.clock.SteadyNanos() + absl::ToInt64Nanoseconds(model::kStatisticsTimeMax);
  query.page_size = model::kPageSizeMax;
  Counted counted;
  do {
    const absl::StatusOr<store::Page<model::JobPtr>> page = deps.store.ListJobs(query);
    if (!page.ok()) return page.status();
    for (const model::JobPtr& job : page->items) {
      model::AddJob(counted.services[job->service], *job);
      counted.complete_from = job->create_time;
      if (counted.recent.size() < model::kStatisticsRecentJobs) counted.recent.push_back(job);
    }
    query.token = page->next_token;
  } while (!query.token.empty() && deps.clock.SteadyNanos() < end_nanos);
  counted.partial = !query.token.empty();
  return counted;
}

void AddServices(const model::ServiceSums& services, v1::GetStatisticsResponse& response) {
  using Entry = std::pair<int64_t, const model::ServiceSums::value_type*>;
  std::vector<Entry> largest;
  largest.reserve(services.size());
  for (const auto& entry : services) largest.emplace_back(model::JobCount(entry.second), &entry);
  std::sort(largest.begin(), largest.end(), [](const Entry& a, const Entry& b) {
    return std::tie(b.first, a.second->first) < std::tie(a.first, b.second->first);
  });
  response.set_services_total(static_cast<int64_t>(largest.size()));
  if (largest.size() > model::kStatisticsServicesMax) largest.resize(model::kStatisticsServicesMax);
  for (const auto& [jobs, entry] : largest) {
    v1::ServiceStatistics& service = *response.add_services();
    service.set_service(entry->first);
    service.set_jobs(jobs);
    service.set_jobs_active(model::ActiveJobCount(entry->second));
    *service.mutable_records() = ToProto(entry->second);
  }
}

void AddCounts(const model::JobSums& sums, v1::GetStatisticsResponse& response) {
  response.set_jobs(model::JobCount(sums));
  response.set_jobs_active(model::ActiveJobCount(sums));
  AddJobCounts(sums, response);
  *response.mutable_records() = ToProto(sums);
}

}  // namespace

absl::StatusOr<v1::GetStatisticsResponse> GetStatistics(const v1::GetStatisticsRequest& request, const Call& call,
                                                        const Deps& deps) {
  store::ListJobsQuery query{.tenant = call.principal.tenant, .page_size = model::kStatisticsRecentJobs};
  if (absl::Status status = ValidateText("project", request.project(), model::kMetadataBytesMax); !status.ok()) {
    return status;
  }
  query.project = request.project();
  if (absl::Status status = ReadCreateTimes(request, query); !status.ok()) return status;

  const absl::StatusOr<Counted> counted = HasFilter(request) ? CountOneByOne(query, deps) : CountAll(query, deps);
  if (!counted.ok()) return counted.status();
  v1::GetStatisticsResponse response;
  model::JobSums all;
  for (const auto& [service, sums] : counted->services) model::AddSums(all, sums);
  AddCounts(all, response);
  AddServices(counted->services, response);
  const absl::Time now = deps.clock.Now();
  for (const model::JobPtr& job : counted->recent) *response.add_recent_jobs() = core::ToProto(*job, now);
  response.set_partial(counted->partial);
  if (counted->partial && counted->complete_from != absl::InfinitePast()) {
    *response.mutable_complete_from() = core::ToProto(counted->complete_from);
  }
  *response.mutable_response_time() = core::ToProto(now);
  return response;
}

}  // namespace millrace::handlers
