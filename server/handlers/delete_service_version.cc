#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "millrace/v1/job_service.pb.h"
#include "server/handlers/catalog_handlers.h"
#include "server/handlers/validate.h"
#include "storage/model/built_in.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/model/limits.h"
#include "storage/store/schedule_store.h"

namespace millrace::handlers {
namespace {

// Who is refused for want of time has only `force` left, so this is long: enough for some 100,000 jobs.
constexpr absl::Duration kLookingTimeMax = absl::Seconds(1);

// As many as a person reads.
constexpr size_t kNamesMax = 3;

// A template may hold a megabyte of records.
constexpr int32_t kSchedulesAtOnce = 20;

/// How many of a kind hold the version, and the ids of the first ones.
struct Holders {
  int64_t count = 0;
  std::vector<std::string> first;

  void Add(const std::string& id) {
    ++count;
    if (first.size() < kNamesMax) first.push_back(id);
  }

  /// `a, b, c and 4 more`.
  std::string Names() const {
    const int64_t more = count - static_cast<int64_t>(first.size());
    return absl::StrCat(absl::StrJoin(first, ", "), more > 0 ? absl::StrCat(" and ", more, " more") : "");
  }
};

/// Whether it may submit a job once more, by itself or when it is resumed.
bool MayRun(const model::Schedule& schedule) {
  return schedule.paused || schedule.next_fire_time != absl::InfinitePast() || !schedule.open.empty();
}

bool NamesVersion(const model::Schedule& schedule, const model::ServiceVersion& version) {
  v1::SubmitJobRequest job;
  // Of one that cannot be read no run can be submitted, whatever is deleted.
  if (!job.ParseFromString(schedule.definition.job_template)) return false;
  const absl::StatusOr<model::ServiceReference> reference = model::ParseServiceReference(job.service());
  if (!reference.ok()) return false;
  if (!reference->version_id.empty()) return reference->version_id == version.version_id;
  return reference->service == version.service && reference->version == version.version;
}

absl::StatusOr<Holders> SchedulesOf(const model::ServiceVersion& version, const std::string& tenant, const Deps& deps) {
  Holders holders;
  std::string behind;
  while (true) {
    const absl::StatusOr<std::vector<model::Schedule>> schedules =
        deps.store.schedules().ListSchedules(tenant, behind, kSchedulesAtOnce);
    if (!schedules.ok()) return schedules.status();
    for (const model::Schedule& schedule : *schedules) {
      if (MayRun(schedule) && NamesVersion(schedule, version)) holders.Add(schedule.id);
    }
    if (schedules->size() < static_cast<size_t>(kSchedulesAtOnce)) return holders;
    behind = schedules->back().id;
  }
}

/// Jobs that have ended with exceptions whose records may run again.
struct ExceptionJobs {
  Holders holders;
  /// There was no time to look at all jobs.
  bool partial = false;
};

/// Those of unfinished jobs need no look: the store refuses for each job that has not ended.
bool HasOpenExceptions(const model::Job& job) {
  return model::IsFinal(job.state) && job.counters.records_failed > 0 && job.drop_time == absl::InfinitePast();
}

absl::StatusOr<ExceptionJobs> ExceptionJobsOf(const model::ServiceVersion& version, const std::string& tenant,
                                              const Deps& deps) {
  ExceptionJobs found;
  const model::ServiceSums sums = deps.store.SumJobs(tenant);
  const auto service = sums.find(version.service);
  if (service == sums.end() || service->second.records_failed == 0) return found;

  const int64_t end_nanos = deps.clock.SteadyNanos() + absl::ToInt64Nanoseconds(kLookingTimeMax);
  store::ListJobsQuery query{.tenant = tenant,
                             .service = version.service,
                             .service_version = version.version,
                             .page_size = model::kPageSizeMax};
  do {
    absl::StatusOr<store::Page<model::JobPtr>> page = deps.store.ListJobs(query);
    if (!page.ok()) return page.status();
    for (const model::JobPtr& job : page->items) {
      // Another version may have had the number before.
      if (job->version_id == version.version_id && HasOpenExceptions(*job)) found.holders.Add(job->id);
    }
    query.token = std::move(page->next_token);
  } while (!query.token.empty() && deps.clock.SteadyNanos() < end_nanos);
  found.partial = !query.token.empty();
  return found;
}

absl::Status InUse(const model::ServiceVersion& version, const Holders& schedules, const ExceptionJobs& jobs) {
  const std::string uri = model::ServiceUri(version.service, version.version);
  std::vector<std::pair<std::string, std::string>> metadata = {{"service_uri", uri}};
  std::vector<std::string> reasons;
  if (schedules.count > 0) {
    reasons.push_back(absl::StrCat(schedules.count, " schedule(s) name it: ", schedules.Names()));
    metadata.emplace_back("schedule_id", schedules.first.front());
    metadata.emplace_back("schedule_count", absl::StrCat(schedules.count));
  }
  if (jobs.holders.count > 0) {
    reasons.push_back(
        absl::StrCat(jobs.holders.count, " ended job(s) have unresolved exceptions under it: ", jobs.holders.Names()));
    metadata.emplace_back("pipeline_id", jobs.holders.first.front());
  }
  if (jobs.holders.count > 0 || jobs.partial) {
    metadata.emplace_back("exception_job_count", absl::StrCat(jobs.holders.count));
  }
  if (jobs.partial) {
    reasons.emplace_back("there was no time to look at all jobs for exceptions, only at the newest");
  }
  return model::MakeError(
      model::Reason::kServiceVersionInUse,
      absl::StrCat(uri, " may still be needed: ", absl::StrJoin(reasons, "; "),
                   ". Move them to another version, resolve or discard the exceptions, or delete it with `force`"),
      metadata);
}

/// What the store does not look at. What begins to need the version after this look is not seen: it is told then that
/// there is no such version.
absl::Status CheckNotNeeded(const model::ServiceReference& reference, const std::string& tenant, const Deps& deps) {
  const absl::StatusOr<model::ServiceVersion> version = deps.store.GetServiceVersion(tenant, reference);
  if (!version.ok()) return version.status();
  // The store refuses, and `force` is no help.
  if (model::FindBuiltIn(version->service) != nullptr) return absl::OkStatus();
  const absl::StatusOr<Holders> schedules = SchedulesOf(*version, tenant, deps);
  if (!schedules.ok()) return schedules.status();
  const absl::StatusOr<ExceptionJobs> jobs = ExceptionJobsOf(*version, tenant, deps);
  if (!jobs.ok()) return jobs.status();
  if (schedules->count == 0 && jobs->holders.count == 0 && !jobs->partial) return absl::OkStatus();
  return InUse(*version, *schedules, *jobs);
}

}  // namespace

absl::StatusOr<v1::DeleteServiceVersionResponse> DeleteServiceVersion(const v1::DeleteServiceVersionRequest& request,
                                                                      const Call& call, const Deps& deps) {
  const absl::StatusOr<model::ServiceReference> reference = ReadServiceReference("service", request.service());
  if (!reference.ok()) return reference.status();
  // `latest` may change between looking and deleting.
  if (reference->version.empty() && reference->version_id.empty()) {
    return model::FieldError("service", "expected one version, folder/name[version] or a version id, got no version");
  }
  const std::string& tenant = call.principal.tenant;
  if (!request.force()) {
    if (absl::Status needed = CheckNotNeeded(*reference, tenant, deps); !needed.ok()) return needed;
  }
  if (absl::Status status = deps.store.DeleteServiceVersion(tenant, *reference); !status.ok()) return status;
  return v1::DeleteServiceVersionResponse();
}

}  // namespace millrace::handlers
