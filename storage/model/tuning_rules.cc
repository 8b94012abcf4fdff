#include "storage/model/tuning_rules.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"

namespace millrace::model {
namespace {

absl::Status EndedError(const Job& job, std::string_view expected) {
  const std::string state(JobStateName(job.state));
  const Reason reason = job.state == JobState::kCancelled ? Reason::kPipelineCancelled : Reason::kPipelineClosed;
  return MakeError(reason,
                   absl::StrCat("job ", job.id, " has ended: its state is ", state, ", and ", std::string(expected)),
                   {{"pipeline_id", job.id}, {"state", state}});
}

// Sets a field to what an update says. True when that changes it.
template <typename T>
bool Set(T& field, const std::optional<T>& value) {
  if (!value.has_value() || *value == field) return false;
  field = *value;
  return true;
}

bool IsTuning(const JobUpdate& update) {
  return update.initial_workers.has_value() || update.max_workers.has_value() || update.priority.has_value() ||
         update.weight.has_value() || update.records_per_second.has_value() ||
         update.delay_between_chunks.has_value() || update.max_failed_ratio.has_value();
}

bool SetVersion(Job& job, const std::optional<JobUpdate::Version>& version) {
  if (!version.has_value() || version->version_id == job.version_id) return false;
  job.service_version = version->service_version;
  job.version_id = version->version_id;
  job.config_hash = version->config_hash;
  return true;
}

}  // namespace

void EndPause(Job& job) {
  job.resume_state = JobState{};
  job.pause_time = absl::InfinitePast();
  job.pause_reason.clear();
}

absl::StatusOr<bool> ApplyPause(Job& job, std::string_view reason, absl::Time now) {
  if (IsFinal(job.state)) return EndedError(job, "there is nothing to pause");
  if (job.state == JobState::kPaused) return false;
  job.resume_state = job.state;
  job.state = JobState::kPaused;
  job.pause_time = now;
  job.pause_reason = std::string(reason);
  job.update_time = now;
  return true;
}

bool ApplyResume(Job& job, bool ramp, absl::Time now) {
  if (job.state != JobState::kPaused) return false;
  job.state = StateUnderPause(job);
  EndPause(job);
  if (ramp) ++job.ramps;
  job.update_time = now;
  return true;
}

absl::StatusOr<bool> ApplyContinue(Job& job, absl::Time now) {
  if (EndedEarly(job)) return EndedError(job, "its source is not read on");
  SourceSample& sample = job.source.sample;
  if (!HasSource(job) || !IsSample(sample)) {
    return FieldError("job_id", "expected a job that was submitted with a sample, or some parts, of its source");
  }
  if (sample.continued) return false;
  const bool is_behind = EndsBeforeRest(sample);
  if (job.source.kind == SourceKind::kQuery && !is_behind) {
    return FieldError("job_id",
                      "the rows between those that were run cannot be told again, because the query may return other "
                      "rows by now; submit a job for all of them");
  }
  if (job.source.kind == SourceKind::kExceptions && !is_behind) {
    return FieldError("job_id",
                      "the exceptions between those that were run cannot be told again, because some may be resolved "
                      "by now; submit a job for all of them");
  }
  sample.continued = true;
  job.update_time = now;
  if (job.source_position.exhausted) BeginRest(sample, job.source_position);
  if (TakesInput(job)) return true;
  const JobState state = job.last_sequence > 0 ? JobState::kInProgress : JobState::kCreated;
  (job.state == JobState::kPaused ? job.resume_state : job.state) = state;
  job.state_reason.clear();
  job.input_close_time = absl::InfinitePast();
  job.complete_time = absl::InfinitePast();
  return true;
}

absl::StatusOr<bool> ApplyUpdate(Job& job, const JobUpdate& update, absl::Time now) {
  const bool may_be_taken_up =
      job.state == JobState::kFailed || (job.state == JobState::kCancelled && job.cancel_mode != CancelMode::kForce);
  if (IsFinal(job.state) && !may_be_taken_up && IsTuning(update)) {
    return EndedError(job, "how it runs cannot be tuned any more; expected changes of its metadata or version alone");
  }
  JobOptions& options = job.options;
  bool changed = SetVersion(job, update.version);
  changed |= Set(job.metadata.name, update.name);
  changed |= Set(job.metadata.description, update.description);
  changed |= Set(job.metadata.tags, update.tags);
  changed |= Set(options.initial_workers, update.initial_workers);
  changed |= Set(options.max_workers, update.max_workers);
  changed |= Set(options.priority, update.priority);
  changed |= Set(options.weight, update.weight);
  changed |= Set(options.throttle.records_per_second, update.records_per_second);
  changed |= Set(options.throttle.delay_between_chunks, update.delay_between_chunks);
  changed |= Set(options.max_failed_ratio, update.max_failed_ratio);
  changed |= Set(options.initial_workers, std::optional(std::min(options.initial_workers, options.max_workers)));
  if (changed) job.update_time = now;
  return changed;
}

}  // namespace millrace::model
