// Changes of a job that runs, or has run: pausing it, and choosing anew how and under which version it goes on. More of
// the rules that job_rules.h begins, and like those.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/model/job.h"

namespace millrace::model {

/// What UpdateJob changes; what is not set stays.
struct JobUpdate {
  /// Another version of the service of the job.
  struct Version {
    std::string service_version;
    std::string version_id;
    std::string config_hash;
  };

  std::optional<Version> version;
  std::optional<std::string> name;
  std::optional<std::string> description;
  std::optional<std::vector<std::string>> tags;
  // Tuning: only of a job that has not ended.
  std::optional<int32_t> initial_workers;
  std::optional<int32_t> max_workers;
  std::optional<int32_t> priority;
  std::optional<int32_t> weight;
  std::optional<double> records_per_second;
  std::optional<absl::Duration> delay_between_chunks;
  std::optional<double> max_failed_ratio;
};

/// Holds the job: no chunk is started until it is resumed. Chunks that run finish and commit, pushes and closing go on, and
/// a closed job whose last running chunk commits is complete: there is nothing left to hold. Returns false, and changes
/// nothing, when it is paused already.
///   PIPELINE_CANCELLED, PIPELINE_CLOSED  the job has ended
absl::StatusOr<bool> ApplyPause(Job& job, std::string_view reason, absl::Time now);

/// Lets a paused job go on from where it was; with `ramp` it starts with JobOptions::initial_workers again. Returns false,
/// and changes nothing, when the job is not paused, also where it has ended: nothing holds it.
bool ApplyResume(Job& job, bool ramp, absl::Time now);

/// Changes what `update` sets. Returns false when all of it was so before. `initial_workers` is lowered to `max_workers`
/// where it would exceed it. Chunks that run keep the version that they began with.
///   PIPELINE_CANCELLED, PIPELINE_CLOSED  the job has ended, and `update` tunes how it runs; metadata and version of such
///                                        a job may be changed
absl::StatusOr<bool> ApplyUpdate(Job& job, const JobUpdate& update, absl::Time now);

/// Has what the sample of a job left out of its source read and run as well; what the sample took is not run again. A job
/// that was completed is at work again. Returns false, and changes nothing, when it was asked for before.
///   PIPELINE_CANCELLED, PIPELINE_CLOSED  the job was cancelled, or failed
///   FIELD_INVALID                        (`job_id`) it was not submitted with a sample, or with some parts; or what is left
///                                        lies between rows of a query, which may return other rows by now
absl::StatusOr<bool> ApplyContinue(Job& job, absl::Time now);

/// Forgets what a job keeps only while it is paused.
void EndPause(Job& job);

}  // namespace millrace::model
