#include "storage/model/retention_rules.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/model/bulk_rules.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"

namespace millrace::model {
namespace {

/// Groups in one event: as many as a person reads, and few enough for a row.
constexpr size_t kGroupsPerEvent = 20;

}  // namespace

absl::Time ExpireTime(const Job& job) {
  const JobOptions& options = job.options;
  const bool is_kept = options.retention <= absl::ZeroDuration() || !IsFinal(job.state) ||
                       job.drop_time != absl::InfinitePast() ||
                       (job.counters.records_failed > 0 && !options.drop_unresolved_exceptions);
  return is_kept ? absl::InfiniteFuture() : job.complete_time + options.retention;
}

Expiration ExpirationOf(const Job& job, absl::Time now) {
  if (ExpireTime(job) > now) return Expiration::kKept;
  return job.counters.records_failed > 0 ? Expiration::kDropped : Expiration::kDeleted;
}

bool Reads(const Job& reader, const Job& job) {
  // A bulk run may have yet to take the outcome of a job that ran for it.
  if (!IsFinal(reader.state) && IsChildOf(job, reader)) return true;
  const JobSource& source = reader.source;
  return !IsFinal(reader.state) && reader.tenant == job.tenant &&
         (source.kind == SourceKind::kResults || source.kind == SourceKind::kExceptions) && source.job_id == job.id &&
         source.job_create_time == job.create_time;
}

void ApplyDrop(Job& job, absl::Time now) {
  job.drop_time = now;
  job.update_time = now;
  // Nothing is left to be handed out.
  job.acknowledged_result = job.last_result;
  job.output_buffer_used_bytes = 0;
  job.unacknowledged_records = 0;
}

std::vector<JobEvent> DropEvents(const std::vector<ExceptionGroup>& groups, absl::Time now) {
  std::vector<JobEvent> events;
  size_t named = 0;
  for (const ExceptionGroup& group : groups) {
    const int64_t unresolved = group.count - group.settled_count;
    if (unresolved <= 0) continue;
    if (named++ % kGroupsPerEvent == 0) {
      events.push_back({.time = now, .kind = JobEventKind::kExceptionsDropped, .detail = "retention:"});
    }
    absl::StrAppend(&events.back().detail, named % kGroupsPerEvent == 1 ? " " : "; ", unresolved, " of ",
                    group.fingerprint, " (", group.node, group.node.empty() ? "" : " ", group.code, ": ",
                    group.sample_message, ")");
  }
  return events;
}

absl::Status CheckNotDropped(const Job& job) {
  if (job.drop_time == absl::InfinitePast()) return absl::OkStatus();
  return MakeError(Reason::kJobExpired,
                   absl::StrCat("the retention of job ", job.id, " is over, and what it held is deleted"),
                   {{"pipeline_id", job.id}});
}

}  // namespace millrace::model
