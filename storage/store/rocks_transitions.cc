#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "storage/format/keys.h"
#include "storage/format/rows.h"
#include "storage/model/bulk_rules.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/store/rocks_job_store_impl.h"
#include "storage/store/store_errors.h"

namespace millrace::store {
namespace {

using format::Family;
using model::Job;
using model::JobKey;
using model::JobPtr;

/// What the results up to a cursor add to those acknowledged before.
struct Gain {
  int64_t output_bytes = 0;
  int64_t records = 0;
};

/// The place of a result; nullopt when it is gone.
absl::StatusOr<std::optional<format::ResultPlace>> FindPlace(const Group& group, const LaneJob& job, int64_t number) {
  if (const auto found = job.new_results.find(number); found != job.new_results.end()) return found->second;
  const auto row = group.Get(Family::kResults, format::ResultKey(job.job->key(), number));
  if (!row.ok()) return row.status();
  if (!row->has_value()) return std::nullopt;
  const absl::StatusOr<format::ResultPlace> place = format::DecodeResultPlace(**row);
  if (!place.ok()) return place.status();
  return *place;
}

/// REQUIRES: WouldAcknowledge(*job.job, cursor).
absl::StatusOr<Gain> GainOf(const Group& group, const LaneJob& job, int64_t cursor) {
  const Job& now = *job.job;
  const Gain all{now.output_buffer_used_bytes, now.unacknowledged_records};
  if (cursor == now.last_result) return all;
  const auto place = FindPlace(group, job, cursor);
  if (!place.ok()) return place.status();
  if (!place->has_value()) return all;
  // What all results sum up to, less what is not acknowledged, is what was acknowledged before.
  const int64_t bytes_before = now.counters.output_bytes - all.output_bytes;
  const int64_t records_before = model::RecordsInResults(now) - all.records;
  return Gain{std::clamp<int64_t>((*place)->cumulative_output_bytes - bytes_before, 0, all.output_bytes),
              std::clamp<int64_t>((*place)->cumulative_records - records_before, 0, all.records)};
}

}  // namespace

absl::StatusOr<JobPtr> RocksJobStore::CloseJob(const JobKey& key, std::string_view by) {
  return Change(key, by,
                [now = clock_->Now()](Group&, const LaneJob&, Job& job) { return model::ApplyClose(job, now); });
}

absl::StatusOr<JobPtr> RocksJobStore::CancelJob(const JobKey& key, std::string_view reason, bool force,
                                                std::string_view by) {
  return Change(key, by, [reason, force, now = clock_->Now()](Group& group, const LaneJob&, Job& job) {
    absl::StatusOr<bool> cancelled = model::ApplyCancel(job, reason, force, now);
    if (force && cancelled.ok() && *cancelled) {
      group.DeleteRange(Family::kInputs, format::JobRange(job.key()));
      group.DeleteRange(Family::kResults, format::NumberRange(job.key(), job.acknowledged_result + 1, job.last_result));
    }
    return cancelled;
  });
}

absl::StatusOr<JobPtr> RocksJobStore::FailJob(const JobKey& key, std::string_view reason) {
  return Change(key, {}, [reason, now = clock_->Now()](Group&, const LaneJob&, Job& job) {
    return model::ApplyFail(job, reason, now);
  });
}

absl::StatusOr<JobPtr> RocksJobStore::CloseIdleJob(const JobPtr& seen) {
  return Change(seen->key(), {}, [&seen, now = clock_->Now()](Group&, const LaneJob& stored, Job& job) {
    // Every change makes a new job.
    return stored.job == seen && model::ApplyIdle(job, now);
  });
}

absl::StatusOr<JobPtr> RocksJobStore::Acknowledge(const JobKey& key, int64_t cursor, std::string_view cursor_field) {
  return Run<JobPtr>({}, [&key, cursor, cursor_field, now = clock_->Now()](Group& group) -> absl::StatusOr<JobPtr> {
    const absl::StatusOr<LaneJob*> job = group.FindJob(key);
    if (!job.ok()) return job.status();
    if (absl::Status checked = model::CheckCursor(*(*job)->job, cursor, cursor_field); !checked.ok()) return checked;
    if (!model::WouldAcknowledge(*(*job)->job, cursor)) return (*job)->job;
    const absl::StatusOr<Gain> gain = GainOf(group, **job, cursor);
    if (!gain.ok()) return gain.status();
    auto changed = std::make_shared<Job>(*(*job)->job);
    model::ApplyAcknowledge(*changed, cursor, gain->output_bytes, gain->records, now);
    group.ChangeJob(*job, std::move(changed));
    return (*job)->job;
  });
}

}  // namespace millrace::store
